import type { CheckContext } from '#lake/dqdl/check.ts'
import { evaluate } from '#lake/dqdl/evaluate.ts'
import { parseRuleset } from '#lake/dqdl/parser.ts'
import { packRows } from '#lake/dqdl/row.ts'
import { duckdbEngine } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { DATA } from './events.ts'
import { report } from './measure.ts'
import { makeTable, ROWS, RULES, TABLE } from './quality-table.ts'

// 25 rules over 104 columns and a million rows. With the argument `rows`, every row is split by them as well.
const withRows = process.argv[2] === 'rows'
await makeTable()
const { ruleset } = parseRuleset(`Rules = [ ${RULES.map(([rule]) => rule).join(', ')} ]`, { mode: 'aws' })
if (!ruleset) throw new Error('the rules cannot be read')
const session = await duckdbEngine.open({ threads: 2, memoryBytes: 600e6, folders: [DATA], scratch: DATA })
const before = process.cpuUsage()
const started = performance.now()
const source = sql`read_parquet(${TABLE})`
const described = await session.rows(sql`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${source})`)
const columns = described.map(each => ({ name: String(each['column_name']), type: String(each['column_type']) }))
const context: CheckContext = {
  relation: { source, columns },
  sources: new Map(),
  files: [],
  history: () => [],
  nowMs: Date.UTC(2024, 5, 15),
  thresholds: 'documented',
}
const { rules, rowTests } = await evaluate(session, ruleset, context)
if (withRows) {
  const spoken = rules.map(({ text }, at) => ({ text, outcome: rowTests[at] }))
  const packed = packRows(context.relation, spoken, false)
  const [row] = await session.rows(
    sql`SELECT count(*) AS n, count_if(${packed.isFailed}) AS bad FROM (${packed.select})`,
  )
  if (Number(row?.['n']) !== ROWS) throw new Error('rows are missing')
}
const seconds = (performance.now() - started) / 1_000
const { user, system } = process.cpuUsage(before)
const broken = rules.filter(each => each.outcome === 'Error')
if (broken.length > 0) throw new Error(`rules that could not be evaluated: ${JSON.stringify(broken)}`)
if (process.argv[3] === 'show')
  for (const each of rules) console.log(each.outcome, each.text, each.reason ?? '', each.counts)
report({ name: withRows ? 'quality by rows' : 'quality', seconds, rows: ROWS, cpuSeconds: (user + system) / 1e6 })
await session.close()
process.exit(0)
