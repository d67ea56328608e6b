import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type CommitResult, commit } from '#lake/iceberg/commit.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { stageOverwrite } from '#lake/iceberg/operations/overwrite.ts'
import { placeFiles } from '#lake/iceberg/place-files.ts'
import { stageFiles } from '#lake/iceberg/read-files.ts'
import { withoutRawObjects } from '#lake/iceberg/rewrite.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { DataFile, LiveFile } from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'
import { placeStaged, type TableWork } from './place.ts'

/**
 * Each raw object contributes its rows exactly once: in one commit its new rows come and whatever it contributed before goes.
 * Bounds on `_raw_object` tell which files can hold earlier rows; for an object that is new, hardly ever any.
 */
export async function publishAppend(lake: Lake, work: TableWork): Promise<CommitResult> {
  const placed = await placeStaged(lake, work)
  return commit(lake, work.table, { commitId: work.commitId, summary: work.summary }, async base => {
    const earlier = await earlierRows(lake, base, work.rawObjects)
    return stageOverwrite({ added: [...placed, ...earlier.kept], removed: earlier.removed })
  })
}

interface Earlier {
  readonly removed: readonly LiveFile[]
  readonly kept: readonly DataFile[]
}

async function earlierRows(lake: Lake, base: Table, rawObjects: readonly string[]): Promise<Earlier> {
  const candidates = await liveFiles(lake, base, { where: [{ column: '_raw_object', op: 'in', values: rawObjects }] })
  if (candidates.length === 0) return { removed: [], kept: [] }
  const folder = join(lake.limits.scratch, `publish-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  const session = await lake.engine.open({
    threads: lake.limits.threads,
    memoryBytes: Math.floor(lake.limits.memoryBytes / 2),
    folders: [folder, ...lake.storage.folders],
    scratch: folder,
  })
  try {
    const files = await stageFiles(lake, candidates, folder)
    const rewritten = await withoutRawObjects(session, base, files, {
      folder: join(folder, 'kept'),
      schema: currentSchema(base.metadata),
      rawObjects,
    })
    return { removed: rewritten.removed, kept: await placeFiles(lake, base, rewritten.kept, lake.ids.uuid()) }
  } finally {
    await session.close()
    await rm(folder, { recursive: true, force: true })
  }
}
