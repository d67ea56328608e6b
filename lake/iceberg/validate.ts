import { assert, LakeError } from '../errors.ts'
import type { Lake } from '../lake.ts'
import { hasLiveFiles } from './manifest-list.ts'
import { currentSchema, currentSnapshot } from './metadata.ts'
import { partitionKeyOf } from './operations/overwrite.ts'
import type { Staged, Validation } from './operations/staged.ts'
import { metricsMayMatch, partitionMayMatch, searchFor } from './pruning.ts'
import { deleteFile, deleteFinder } from './scan-deletes.ts'
import { firstChange, snapshotsSince } from './since.ts'
import { entriesOf, manifestsOf, readEntries } from './snapshot.ts'
import type { Table } from './table.ts'
import type { DataFile, DeleteFile, LiveFile, ManifestEntry, TableMetadata } from './types.ts'

/**
 * Fails with `conflict` when another writer did what the change cannot stand: the checks of Java's MergingSnapshotProducer. Done before
 * anything is written, on every attempt.
 */
export async function checkValidations(lake: Lake, base: Table, staged: Staged): Promise<void> {
  for (const validation of staged.validations ?? []) await check(lake, base, { validation, staged })
}

const NONE: ReadonlySet<number> = new Set()

type Of<T extends Validation['type']> = Extract<Validation, { readonly type: T }>

function check(
  lake: Lake,
  base: Table,
  { validation, staged }: { readonly validation: Validation; readonly staged: Staged },
): Promise<void> {
  switch (validation.type) {
    case 'files-live':
      return checkFilesLive(lake, base, validation)
    case 'no-new-deletes':
      return checkNoNewDeletes(lake, base, { validation, addedSequence: staged.addedSequence })
    case 'no-new-data':
      return checkNoNewData(lake, base, validation)
    case 'no-changes-in-partitions':
      return checkPartitionsUnchanged(lake, base, validation)
  }
}

// --- Files that must be live ---------------------------------------------------------------------------------------

/** By what was removed since; by all that is live where that cannot be told, because a snapshot in between has expired. */
async function checkFilesLive(lake: Lake, base: Table, { files, since }: Of<'files-live'>): Promise<void> {
  const wanted = new Set(files)
  const between = since === undefined ? undefined : snapshotsSince(base.metadata, since)
  const missing = between
    ? (
        await firstChange(lake, base.metadata, {
          between,
          contents: [0],
          statuses: [2],
          statistics: NONE,
          matches: ({ data_file: file }) => wanted.has(file.file_path),
        })
      )?.file_path
    : await firstNotLive(lake, base.metadata, wanted)
  if (missing === undefined) return
  throw conflict(base, 'a data file that rows are deleted from is not in the table any more', { file: missing })
}

async function firstNotLive(
  lake: Lake,
  metadata: TableMetadata,
  wanted: ReadonlySet<string>,
): Promise<string | undefined> {
  const missing = new Set(wanted)
  for (const manifest of await manifestsOf(lake, currentSnapshot(metadata))) {
    if (manifest.content !== 0 || !hasLiveFiles(manifest) || missing.size === 0) continue
    const live = await readEntries(lake, metadata, manifest, { liveOnly: true, statistics: NONE })
    for (const entry of live) missing.delete(entry.data_file.file_path)
  }
  return [...missing][0]
}

// --- Deletes -------------------------------------------------------------------------------------------------------

/**
 * By the delete files that apply to the files now and did not when they were read; and by those that applied then and are gone, as after a
 * rollback, because the rewrite left out rows that are back. It needs no history, so expiry is no conflict.
 */
async function checkNoNewDeletes(
  lake: Lake,
  base: Table,
  {
    validation,
    addedSequence,
  }: { readonly validation: Of<'no-new-deletes'>; readonly addedSequence?: bigint | undefined },
): Promise<void> {
  const { metadata } = base
  const deletes = await liveDeletes(lake, metadata)
  const present = new Set(deletes.map(each => each.file.file_path))
  const deletesOf = deleteFinder(deletes)
  const start = addedSequence ?? sequenceOf(metadata, validation.since)
  for (const live of validation.files) {
    const known = new Set(live.deletes.map(each => each.file.file_path))
    const gone = live.deletes.find(each => !present.has(each.file.file_path))
    const fresh = deletesOf(live).find(each => {
      if (known.has(each.file.file_path)) return false
      // Deletes that were only written anew keep their sequence number; and later equality deletes apply to rewritten rows as well.
      const isOlder = each.sequence_number <= start
      return !isOlder && (each.file.content === 1 || addedSequence === undefined)
    })
    const found = fresh ?? gone
    if (!found) continue
    const what = fresh ? 'rows were deleted meanwhile from' : 'deletes were taken back meanwhile of'
    throw conflict(base, `${what} a file that the change rewrites or removes`, {
      file: live.file.file_path,
      deletes: found.file.file_path,
    })
  }
}

async function liveDeletes(lake: Lake, metadata: TableMetadata): Promise<readonly DeleteFile[]> {
  const found: DeleteFile[] = []
  for (const manifest of await manifestsOf(lake, currentSnapshot(metadata))) {
    if (manifest.content !== 1 || !hasLiveFiles(manifest)) continue
    const live = await entriesOf(lake, metadata, manifest, { liveOnly: true })
    found.push(...live.map(entry => deleteFile(metadata, liveFile(entry))))
  }
  return found
}

function liveFile({ data_file, sequence_number, file_sequence_number, snapshot_id }: ManifestEntry): LiveFile {
  assert(
    snapshot_id !== null && sequence_number !== null && file_sequence_number !== null,
    'inherited values are filled in',
  )
  return { file: data_file, sequence_number, file_sequence_number, snapshot_id }
}

/** 0 when the snapshot is not known any more: every delete then counts as new unless the scan had found it. */
function sequenceOf(metadata: TableMetadata, since: bigint | null): bigint {
  const snapshot = metadata.snapshots.find(candidate => candidate['snapshot-id'] === since)
  return snapshot?.['sequence-number'] ?? 0n
}

// --- Additions -----------------------------------------------------------------------------------------------------

async function checkNoNewData(lake: Lake, base: Table, { where, since }: Of<'no-new-data'>): Promise<void> {
  const { metadata } = base
  const search = searchFor(metadata, currentSchema(metadata), where)
  const found = await firstChange(lake, metadata, {
    between: historySince(base, since),
    contents: [0],
    statuses: [1],
    statistics: new Set(search.tests.map(test => test.id)),
    matches: ({ data_file: file }) => partitionMayMatch(file, search) && metricsMayMatch(file, search),
  })
  if (found) throw conflict(base, 'rows were added meanwhile that can match the change', { file: found.file_path })
}

async function checkPartitionsUnchanged(
  lake: Lake,
  base: Table,
  { partitions, since }: Of<'no-changes-in-partitions'>,
): Promise<void> {
  const { metadata } = base
  const keys = new Set(partitions)
  const specs = new Set(partitions.map(key => (JSON.parse(key) as readonly unknown[])[0]))
  const found = await firstChange(lake, metadata, {
    between: historySince(base, since),
    contents: [0, 1],
    statuses: [1],
    statistics: NONE,
    // Partitions of two specs cannot be compared, so whatever another spec added may lie in one of these.
    matches: ({ data_file: file }) => keys.has(partitionKeyOf(file)) || !specs.has(file.spec_id),
  })
  if (found)
    throw conflict(base, 'something was added meanwhile to a partition that the change replaces', describe(found))
}

const describe = (file: DataFile): Readonly<Record<string, unknown>> => ({
  file: file.file_path,
  partition: partitionKeyOf(file),
})

function historySince(base: Table, since: bigint | null): NonNullable<ReturnType<typeof snapshotsSince>> {
  const between = snapshotsSince(base.metadata, since)
  if (between) return between
  throw conflict(
    base,
    `snapshot ${since} is no ancestor of the table any more, so what was added since cannot be told`,
    {
      snapshot: String(since),
    },
  )
}

function conflict(base: Table, message: string, context: Readonly<Record<string, unknown>>): LakeError {
  const next = 'plan the change again on the table as it is'
  return new LakeError('conflict', `${base.name}: ${message}`, { table: base.name, ...context, next })
}
