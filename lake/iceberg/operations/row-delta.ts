import { assert } from '../../errors.ts'
import type { Predicate } from '../predicate.ts'
import type { DataFile, LiveFile, ScanFile } from '../types.ts'
import { type Staged, type StagedExtras, type Validation, withDefaults } from './staged.ts'

export interface RowDelta {
  readonly added?: readonly DataFile[]
  /** Position deletes in their final place. */
  readonly addedDeletes: readonly DataFile[]
  /** Older delete files whose positions the added ones repeat. */
  readonly removedDeletes?: readonly LiveFile[]
}

export interface RowDeltaExtras extends StagedExtras {
  /** The snapshot that the positions were found in; null when the table had none. */
  readonly since: bigint | null
  /** The data files that the positions point into. May be left out when every delete file is of one data file and says so. */
  readonly referenced?: readonly ScanFile[]
  /**
   * What the change is about: data that somebody else added meanwhile and that can match is a `conflict`, without which two merges could
   * both insert one key. Left out, such data is not looked for (snapshot isolation).
   */
  readonly where?: readonly Predicate[]
}

/**
 * Rows deleted by position and rows added, in one snapshot. The checks are those of Java's BaseRowDelta: the data files are still live, and
 * for an update nobody else deleted from them, because the row that it replaces may be gone and its new form must not come back.
 */
export function stageRowDelta(delta: RowDelta, { since, referenced, where, ...extras }: RowDeltaExtras): Staged {
  const { added = [], addedDeletes, removedDeletes = [] } = delta
  assert(
    addedDeletes.every(file => file.content !== 0),
    'delete files are no data files',
  )
  const files = referenced?.map(live => live.file.file_path) ?? addedDeletes.map(referencedBy)
  const validations: readonly Validation[] = [
    ...(files.length > 0 ? [{ type: 'files-live', since, files } as const] : []),
    ...(added.length > 0 && referenced?.length ? [{ type: 'no-new-deletes', since, files: referenced } as const] : []),
    ...(where ? [{ type: 'no-new-data', since, where } as const] : []),
  ]
  return withDefaults(
    {
      operation: addedDeletes.length === 0 ? 'append' : added.length === 0 ? 'delete' : 'overwrite',
      added,
      removed: [],
      addedDeletes,
      removedDeletes: removedDeletes.map(live => live.file),
      validations,
    },
    extras,
  )
}

function referencedBy(file: DataFile): string {
  assert(file.referenced_data_file !== null, 'a delete file of several data files needs `referenced`')
  return file.referenced_data_file
}
