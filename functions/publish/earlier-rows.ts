import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Session } from '#lake/duckdb/engine.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { placeFiles } from '#lake/iceberg/place-files.ts'
import { RAW_OBJECT } from '#lake/iceberg/raw-object-max.ts'
import { stageFiles } from '#lake/iceberg/read-files.ts'
import { filesHolding, withoutRawObjects } from '#lake/iceberg/rewrite.ts'
import { projected, stageColumns } from '#lake/iceberg/stage-columns.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { DataFile, ScanFile } from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'

export interface TakenOut {
  /** Files that hold rows of the objects. */
  readonly removed: readonly ScanFile[]
  /** Their other rows, in their place in the table. */
  readonly kept: readonly DataFile[]
}

interface Work {
  readonly files: readonly ScanFile[]
  readonly rawObjects: readonly string[]
}

/** Writes those of the files that hold rows of raw objects anew, without these rows. Only they are fetched whole. */
export async function takeOut(lake: Lake, base: Table, work: Work): Promise<TakenOut> {
  if (work.files.length === 0) return { removed: [], kept: [] }
  const folder = join(lake.limits.scratch, `publish-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  const session = await lake.engine.open({
    threads: lake.limits.threads,
    memoryBytes: Math.floor(lake.limits.memoryBytes / 2),
    folders: [folder, ...lake.storage.folders],
    scratch: folder,
  })
  try {
    const removed = await find(lake, session, { ...work, base, folder })
    return { removed, kept: await keepOthers(lake, session, { ...work, base, folder, files: removed }) }
  } finally {
    await session.close()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Task extends Work {
  readonly base: Table
  readonly folder: string
}

async function find(
  lake: Lake,
  session: Session,
  { base, files, rawObjects, folder }: Task,
): Promise<readonly ScanFile[]> {
  const schema = projected(currentSchema(base.metadata), [RAW_OBJECT])
  const columns = schema.fields.map(field => field.id)
  const local = await stageColumns(lake, files, { folder: join(folder, 'ids'), columns })
  return filesHolding(session, local, { schema, rawObjects })
}

async function keepOthers(
  lake: Lake,
  session: Session,
  { base, files, rawObjects, folder }: Task,
): Promise<readonly DataFile[]> {
  if (files.length === 0) return []
  const local = await stageFiles(lake, files, join(folder, 'whole'))
  const written = await withoutRawObjects(session, base, local, {
    folder: join(folder, 'kept'),
    schema: currentSchema(base.metadata),
    rawObjects,
  })
  return placeFiles(lake, base, written, lake.ids.uuid())
}
