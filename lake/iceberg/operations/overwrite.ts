import { LakeError } from '../../errors.ts'
import type { DataFile, LiveFile } from '../types.ts'
import { danglingDeletes, type Leaving, type Staged, type StagedExtras, withDefaults } from './staged.ts'

/** Removes files and adds others whose rows differ, in one snapshot; without added files it is a delete. */
export function stageOverwrite(
  files: {
    readonly added: readonly DataFile[]
    readonly removed: readonly LiveFile[]
    /** Delete files that applied to removed files alone. */
    readonly removedDeletes?: readonly LiveFile[]
  },
  extras?: StagedExtras,
): Staged {
  const { added, removed, removedDeletes = [] } = files
  const operation = removed.length === 0 ? 'append' : added.length === 0 ? 'delete' : 'overwrite'
  return withDefaults(
    {
      operation,
      added,
      removed: removed.map(live => live.file),
      removedDeletes: removedDeletes.map(live => live.file),
    },
    extras,
  )
}

/** A full extract takes the place of all rows, and of all deletes of those rows. */
export function stageReplaceTable(live: readonly Leaving[], added: readonly DataFile[], extras?: StagedExtras): Staged {
  const staged = stageOverwrite({ added, removed: live }, extras)
  return { ...staged, operation: 'overwrite', removedDeletes: danglingDeletes(live, live) }
}

/**
 * An extract takes the place of the partitions that it holds rows of, and of no other. `live` are all live files of the table, so that the
 * deletes that applied to replaced files alone are known. Fails with `unsupported` when live files were written under another partition
 * spec, because the partitions of two specs cannot be compared.
 */
export function stageReplacePartitions(
  live: readonly Leaving[],
  added: readonly DataFile[],
  extras: StagedExtras = {},
): Staged {
  const specs = new Set(added.map(file => file.spec_id))
  const foreign = live.find(({ file }) => added.length > 0 && !specs.has(file.spec_id))
  if (specs.size > 1 || foreign)
    throw new LakeError('unsupported', 'files of several partition specs: replace the whole table instead', {
      file: foreign?.file.file_path,
    })
  const replaced = new Set(added.map(partitionKeyOf))
  const removed = live.filter(({ file }) => replaced.has(partitionKeyOf(file)))
  const summary = { 'replace-partitions': 'true', ...extras.summary }
  const staged = stageOverwrite({ added, removed }, { ...extras, summary })
  return { ...staged, operation: 'overwrite', removedDeletes: danglingDeletes(live, removed) }
}

/** Equal for files of the same partition of the same spec. */
export function partitionKeyOf(file: DataFile): string {
  return JSON.stringify([
    file.spec_id,
    ...file.partition.map(value => {
      if (Buffer.isBuffer(value)) return value.toString('hex')
      // NaN and −0.0 have no JSON of their own.
      return typeof value === 'bigint' || typeof value === 'number'
        ? Object.is(value, -0)
          ? '-0'
          : String(value)
        : value
    }),
  ])
}
