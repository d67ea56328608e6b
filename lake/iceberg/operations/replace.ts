import { assert } from '../../errors.ts'
import type { DataFile, LiveFile, ScanFile } from '../types.ts'
import { type Staged, type StagedExtras, type Validation, withDefaults } from './staged.ts'

export interface ReplaceFiles {
  readonly added: readonly DataFile[]
  /** As a scan gave them, with the deletes that the rewrite applied. */
  readonly removed: readonly (LiveFile | ScanFile)[]
  /** Delete files that applied to removed files alone (`danglingDeletes`). */
  readonly removedDeletes?: readonly LiveFile[]
}

/**
 * The same rows in other files. `startSequence` is the last sequence number of the table that the rows were read from: with it as their data
 * sequence number, equality deletes that came in meanwhile still apply to them (Iceberg's use-starting-sequence-number). Position deletes
 * cannot, because they name the old files: a new one is a `conflict`, as in Java's BaseRewriteFiles.
 */
export function stageReplace(
  files: ReplaceFiles,
  startSequence: bigint,
  extras: StagedExtras & { readonly since?: bigint | null } = {},
): Staged {
  const rows = (counted: readonly DataFile[]): bigint => counted.reduce((sum, file) => sum + file.record_count, 0n)
  const removed = files.removed.map(live => live.file)
  // Fewer are allowed, because rewriting applies deletes; more would be rows that nobody appended.
  assert(rows(files.added) <= rows(removed), 'a rewrite adds no rows')
  const { since = null, ...others } = extras
  const untouched: Validation = {
    type: 'no-new-deletes',
    since,
    files: files.removed.map(live => ('deletes' in live ? live : { ...live, deletes: [] })),
  }
  return withDefaults(
    {
      operation: 'replace',
      added: files.added,
      removed,
      removedDeletes: (files.removedDeletes ?? []).map(live => live.file),
      addedSequence: startSequence,
      validations: removed.length === 0 ? [] : [untouched],
    },
    others,
  )
}
