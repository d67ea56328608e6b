import type { Table } from '#lake/iceberg/table.ts'
import type { Call, Command } from './command.ts'
import { type LakeSession, makeView, withLakeSession } from './lake-session.ts'
import { openLakeTable } from './lake-table.ts'
import { usage } from './refusal.ts'
import { printCsv, printJsonLines, printResultTable } from './result-printer.ts'
import { type At, readAt, snapshotsFor } from './snapshot-choice.ts'
import { readStatement } from './sql-statement.ts'

const TABLE_ROWS_MAX = 1_000

/** `sluice sql`: one SELECT over the tables of the lake. */
export const sql: Command = {
  name: 'sql',
  summary: 'query tables with one SELECT',
  takes: { text: 'QUERY', min: 1, max: 1 },
  options: {
    at: { value: 'SNAPSHOT|TIME', help: 'read tables as they were: a snapshot id, or a time (UTC without a zone)' },
    limit: {
      value: 'ROWS',
      help: `print at most so many rows; ${TABLE_ROWS_MAX.toLocaleString('en')} in a table, all in JSON and CSV`,
    },
    full: { help: 'cut no text and leave out no column' },
    csv: { help: 'print CSV' },
  },
  notes: [
    'QUERY is DuckDB SQL. Tables go by their names in `sluice tables`; only those that the query names are read.',
    '--json prints one JSON object a line. Integers and decimals are printed digit by digit: exact, however large.',
    '--csv is RFC 4180 with a header; NULL is an empty field, an empty text is "". Text that begins with = + - @ is printed as it is, so do not open a file with values of strangers in a spreadsheet.',
  ],
  examples: [
    'sluice sql "select origin, count(*) as flights from flights group by origin order by flights desc limit 5"',
    'sluice sql "select * from flights" --at 2026-05-01T10:00:00Z --csv > flights.csv',
  ],
  reads: true,
  run: runSql,
}

async function runSql(call: Call): Promise<undefined> {
  const { lake, options, terminal } = call
  if (options.has('json') && options.has('csv')) throw usage('--json and --csv exclude each other', 'give one of them')
  const limit = readLimit(options.value('limit'))
  const at = options.value('at')
  const startedMs = lake.clock.nowMs()
  await withLakeSession(call, 'sql', async opened => {
    const { session } = opened
    const { statement, tables } = await readStatement(session, call.given[0] as string)
    await makeViews(call, opened, { tables, at: at === undefined ? undefined : readAt(at) })
    const reading = await session.read(statement)
    if (options.has('json')) return printJsonLines(terminal.out, reading, limit)
    if (options.has('csv')) return printCsv(terminal.out, reading, limit)
    return printResultTable(terminal.out, reading, {
      limit: limit ?? TABLE_ROWS_MAX,
      full: options.has('full'),
      elapsedMs: () => lake.clock.nowMs() - startedMs,
    })
  })
  return undefined
}

function readLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const limit = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(limit)) return limit
  throw usage(`--limit ${text} is not a number of rows`, 'give a whole number, such as --limit 100')
}

async function makeViews(
  call: Call,
  opened: LakeSession,
  { tables, at }: { readonly tables: readonly string[]; readonly at: At | undefined },
): Promise<void> {
  const found: Table[] = []
  for (const name of tables) found.push(await openLakeTable(call.lake, name))
  const snapshots = at === undefined ? [] : snapshotsFor(found, at)
  for (const [index, table] of found.entries())
    await makeView(call, opened, { table, name: table.name, snapshot: snapshots[index] })
}
