import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { DATA } from './events.ts'
import { report } from './measure.ts'
import { changesPath, makeChanges, makeTable, mergeLake, rewind } from './merge-lake.ts'

// Bare DuckDB with two threads over the same files: one statement finds the rows, one writes the deleted positions, one the new rows.
const changes = Number(process.argv[2] ?? 100_000)
await makeTable()
const lake = mergeLake()
await rewind()
await makeChanges(lake, changes)
const out = join(DATA, 'merge-floor-out')
await rm(out, { recursive: true, force: true })
await mkdir(out, { recursive: true })
const instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '1GB' })
const connection = await instance.connect()
await connection.run("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
const source = `read_parquet('${lake.zones.tables.replace('file://', '')}/accounts/data/made-*.parquet', hive_partitioning = false, filename = true, file_row_number = true)`
const run = async (text: string): Promise<number> => Number((await connection.runAndReadAll(text)).getRows()[0]?.[0])
await run(
  `CREATE TEMP TABLE ch AS SELECT *, concat(_position, '.1') AS v FROM '${changesPath(changes)}' QUALIFY row_number() OVER (PARTITION BY id ORDER BY _position DESC) = 1`,
)
const before = process.cpuUsage()
const started = performance.now()
await run(
  `CREATE TEMP TABLE hit AS SELECT t.filename, t.file_row_number AS pos, t.id, t._version FROM ${source} t JOIN ch ON t.id = ch.id`,
)
await run(
  `COPY (SELECT filename AS file_path, pos FROM hit JOIN ch USING (id) WHERE ch.v > hit._version ORDER BY 1, 2) TO '${out}/del.parquet' (FORMAT parquet, COMPRESSION zstd, RETURN_STATS)`,
)
await run(
  `COPY (SELECT ch.* FROM ch LEFT JOIN hit USING (id) WHERE ch._op <> 'delete' AND (hit.id IS NULL OR ch.v > hit._version)) TO '${out}/new.parquet' (FORMAT parquet, COMPRESSION zstd, RETURN_STATS)`,
)
const seconds = (performance.now() - started) / 1_000
const { user, system } = process.cpuUsage(before)
await rm(out, { recursive: true, force: true })
report({ name: 'merge floor', seconds, rows: changes, cpuSeconds: (user + system) / 1e6 })
process.exit(0)
