import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { type BatchManifest, manifestUri, type RawObject, type StagedTable, writeDocumentOnce } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { diskLake, memoryLake } from '#lake/disk/disk-lake.ts'
import type { Row, Session } from '#lake/duckdb/engine.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { loadTable } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'
import { ulid } from '#lake/ulid.ts'

/** What the tests of quality and publish put into a lake and read out of it. */

type LocalLake = ReturnType<typeof diskLake>

export const LAKES: readonly (readonly [
  name: string,
  use: <T>(work: (lake: LocalLake) => Promise<T>) => Promise<T>,
])[] = [
  [
    'in memory',
    async work => {
      const lake = memoryLake()
      try {
        return await work(lake)
      } finally {
        lake.dispose()
      }
    },
  ],
  [
    'on disk',
    async work => {
      const folder = mkdtempSync(joinPath(tmpdir(), 'sluice-story-'))
      try {
        return await work(diskLake(folder))
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  ],
]

const START_MS = Date.UTC(2026, 0, 2)

/** The id of the raw object that lands as number `order`; ids sort by it. */
export function rawId(order: number): string {
  return ulid(START_MS + order * 1_000, createHash('sha256').update(String(order)).digest().subarray(0, 10))
}

export interface Landing {
  readonly order: number
  readonly bytes: string | Uint8Array
  readonly contractVersion?: number
  /** The checksum that was taken when it landed, when it is not that of the bytes. */
  readonly sha256?: string
}

/** Puts raw objects where ingest puts them; the same order again is the same object. */
export async function landBatch(
  lake: Lake,
  dataset: Dataset,
  batch: { readonly id: string; readonly objects: readonly Landing[] },
): Promise<BatchManifest> {
  const objects: RawObject[] = []
  for (const landing of batch.objects) objects.push(await landObject(lake, dataset, landing))
  return writeDocumentOnce(lake, manifestUri(lake, dataset.name, batch.id), {
    id: batch.id,
    dataset: dataset.name,
    objects,
  })
}

async function landObject(lake: Lake, dataset: Dataset, landing: Landing): Promise<RawObject> {
  const id = rawId(landing.order)
  const bytes = Buffer.from(landing.bytes)
  const uri = `${lake.zones.raw}/${dataset.name}/${id}`
  const info = (await lake.storage.head(uri)) ?? (await lake.storage.put(uri, bytes))
  return {
    id,
    uri,
    version: info.version,
    bytes: bytes.length,
    sha256: landing.sha256 ?? createHash('sha256').update(bytes).digest('hex'),
    sourceUri: `${lake.zones.landing}/${dataset.name}/${landing.order}`,
    sourceVersion: '1',
    landedMs: START_MS + landing.order * 1_000,
    contractVersion: landing.contractVersion ?? dataset.contract.version,
  }
}

/** Records as newline-delimited JSON. */
export const lines = (...records: readonly unknown[]): string =>
  records
    .map(record => (typeof record === 'string' ? record : JSON.stringify(record)))
    .join('\n')
    .concat('\n')

// --- Reading back --------------------------------------------------------------------------------------------------

/** The rows of a table as it is now; none when there is no table. */
export async function tableRows(lake: Lake, name: string, select: Sql = sql`*`): Promise<readonly Row[]> {
  const table = await loadTable(lake, name)
  if (table === undefined) return []
  const live = await liveFiles(lake, table)
  return inSession(lake, async (session, folder) => {
    const files = await stageFiles(lake, live, folder)
    return session.rows(
      sql`SELECT ${select} FROM (${scanSql(currentSchema(table.metadata), files)}) ORDER BY _raw_object, _raw_row`,
    )
  })
}

/** The rows of staged files, as any reader of Parquet sees them. */
export async function stagedRows(
  lake: Lake,
  staged: StagedTable,
  select: Sql = sql`* EXCLUDE (file_row_number)`,
): Promise<readonly Row[]> {
  if (staged.files.length === 0) return []
  return inSession(lake, async (session, folder) => {
    const files = await Promise.all(staged.files.map(file => lake.storage.stage(file.uri, folder, file)))
    return session.rows(
      sql`SELECT ${select} FROM read_parquet(${files.map(file => file.path)}, union_by_name = TRUE, hive_partitioning = FALSE, file_row_number = TRUE) ORDER BY _raw_object, _raw_row`,
    )
  })
}

/** Files of staging on local disk, with a session that may read them. */
export async function withFiles<T>(
  lake: Lake,
  files: readonly { readonly uri: string; readonly sha256: string }[],
  work: (session: Session, paths: readonly string[]) => Promise<T>,
): Promise<T> {
  return inSession(lake, async (session, folder) => {
    const staged = await Promise.all(files.map(file => lake.storage.stage(file.uri, folder, { sha256: file.sha256 })))
    return work(
      session,
      staged.map(file => file.path),
    )
  })
}

export async function inSession<T>(lake: Lake, work: (session: Session, folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(joinPath(tmpdir(), 'sluice-read-'))
  const zones = Object.values(lake.zones).filter(zone => zone.startsWith('file://'))
  const folders = [folder, ...zones.map(zone => zone.slice('file://'.length))]
  const session = await lake.engine.open({ threads: 1, memoryBytes: 300_000_000, folders, scratch: folder })
  try {
    return await work(session, folder)
  } finally {
    await session.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
