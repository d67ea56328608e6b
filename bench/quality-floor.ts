import { DuckDBInstance } from '@duckdb/node-api'
import { report } from './measure.ts'
import { makeTable, ROWS, RULES, TABLE } from './quality-table.ts'

// Bare DuckDB with two threads: one SELECT of the aggregates that the rules need, written by hand.
await makeTable()
const instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '600MB' })
const connection = await instance.connect()
await connection.run(`SET preserve_insertion_order = false`)
const before = process.cpuUsage()
const started = performance.now()
await connection.run(`CREATE VIEW t AS SELECT * FROM read_parquet('${TABLE}')`)
const aggregates = RULES.map(([, text]) => text).join(', ')
const result = await connection.runAndReadAll(`SELECT count(*), ${aggregates} FROM t`)
const seconds = (performance.now() - started) / 1_000
const { user, system } = process.cpuUsage(before)
if (Number(result.getRows()[0]?.[0]) !== ROWS) throw new Error('rows are missing')
report({ name: 'quality floor', seconds, rows: ROWS, cpuSeconds: (user + system) / 1e6 })
process.exit(0)
