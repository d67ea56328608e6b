import { spawnSync } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { DATA } from './events.ts'
import { report } from './measure.ts'
import { inputFolder } from './small-files.ts'

// Bare DuckDB with two threads: one COPY of the same small files to files of 128 MB, and nothing around it.
spawnSync(process.execPath, [join(import.meta.dirname, 'compaction.ts'), '1', 'make'], { stdio: 'inherit' })
const out = join(DATA, 'compaction-floor-out')
await rm(out, { recursive: true, force: true })
const before = process.cpuUsage()
const started = performance.now()
const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
const connection = await instance.connect()
await connection.run("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
await connection.run(
  `COPY (SELECT * FROM read_parquet('${inputFolder(1)}/small-*.parquet', hive_partitioning = false)) TO '${out}' (FORMAT parquet, COMPRESSION zstd, FILE_SIZE_BYTES '128MB', RETURN_STATS)`,
)
const seconds = (performance.now() - started) / 1_000
const { user, system } = process.cpuUsage(before)
const rows = await connection.runAndReadAll(`SELECT count(*)::INTEGER AS n FROM read_parquet('${out}/*.parquet')`)
report({
  name: 'compaction floor',
  ...{ seconds, cpuSeconds: (user + system) / 1e6, rows: Number(rows.getRows()[0]?.[0]) },
})
await rm(out, { recursive: true, force: true })
