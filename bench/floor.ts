import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { DATA, DUCKDB_COLUMNS } from './events.ts'
import { report } from './measure.ts'

// Bare DuckDB with two threads: gzipped JSON lines to typed, zstd-compressed Parquet, and nothing around it.
const out = join(DATA, 'floor-out')
await rm(out, { recursive: true, force: true })
await mkdir(out)
const before = process.cpuUsage()
const started = performance.now()
const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
const connection = await instance.connect()
await connection.run("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
await connection.run(
  `COPY (SELECT * FROM read_json('${DATA}/part*.json.gz', format = 'newline_delimited', columns = ${DUCKDB_COLUMNS})) TO '${out}/files' (FORMAT parquet, COMPRESSION zstd, FILE_SIZE_BYTES '128MB', RETURN_STATS)`,
)
const seconds = (performance.now() - started) / 1_000
const { user, system } = process.cpuUsage(before)
const rows = await connection.runAndReadAll(`SELECT count(*)::INTEGER AS n FROM read_parquet('${out}/files/*.parquet')`)
report({ name: 'floor', seconds, cpuSeconds: (user + system) / 1e6, rows: Number(rows.getRows()[0]?.[0]) })
