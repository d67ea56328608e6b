import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { duckdbEngine } from '#lake/duckdb/engine.ts'
import { ident, join as joinSql, sql } from '#lake/duckdb/sql.ts'
import type { CaseRow, ChangeCase } from './cdc-case.ts'

/** The rows of a file of DMS as Parquet, with the columns that they have in the types of the case; others are text, as DMS writes them. */
export async function parquetOf({ columns }: ChangeCase, rows: readonly CaseRow[]): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-case-'))
  const session = await duckdbEngine.open({ threads: 1, memoryBytes: 100_000_000, folders: [folder], scratch: folder })
  try {
    const [source, target] = [join(folder, 'rows.ndjson'), join(folder, 'rows.parquet')]
    await writeFile(source, rows.map(row => JSON.stringify(row)).join('\n'))
    const names = [...new Set(rows.flatMap(row => Object.keys(row)))]
    const types = names.map(name => sql`${ident(name)}: ${columns[name] ?? 'VARCHAR'}`)
    const read = sql`SELECT * FROM read_json(${source}, format = 'newline_delimited', columns = {${joinSql(types, ', ')}})`
    await session.run(sql`COPY (${read}) TO ${target} (FORMAT parquet)`)
    return await readFile(target)
  } finally {
    await session.close()
    await rm(folder, { recursive: true, force: true })
  }
}
