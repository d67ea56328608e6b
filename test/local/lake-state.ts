import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LocalLake } from '#lake/disk/disk-lake.ts'
import type { Row } from '#lake/duckdb/engine.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'

/** A query over one table of the lake, which is `t` in it. */
export async function query(lake: LocalLake, name: string, select: (table: Sql) => Sql): Promise<readonly Row[]> {
  const { schema, files } = await planScan(lake, await openTable(lake, name))
  return inFolder(async folder => {
    const local = await stageFiles(lake, files, folder)
    const session = await lake.engine.open({
      threads: 1,
      memoryBytes: 300_000_000,
      folders: [folder, ...lake.storage.folders],
      scratch: folder,
    })
    try {
      return await session.rows(select(sql`(${scanSql(schema, local)})`))
    } finally {
      await session.close()
    }
  })
}

/** Ids of orders in the table, in order; a row that is there twice is here twice. */
export async function orderIds(lake: LocalLake): Promise<readonly number[]> {
  return (await query(lake, 'orders', table => sql`SELECT id::INTEGER AS id FROM ${table} ORDER BY id`)).map(row =>
    Number(row['id']),
  )
}

export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The ids of `orderLines(from, count)` that are not broken. */
export function soundIds(from: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => from + at).filter(id => id % 10 !== 9)
}
