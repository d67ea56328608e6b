import { assert } from '../../errors.ts'
import type { DataFile, LiveFile } from '../types.ts'
import { type Staged, type StagedExtras, withDefaults } from './staged.ts'

/**
 * The same rows in other files. `startSequence` is the last sequence number of the table that the rows were read from: with it as their data
 * sequence number, deletes that came in meanwhile still apply to them (Iceberg's use-starting-sequence-number).
 */
export function stageReplace(
  files: { readonly added: readonly DataFile[]; readonly removed: readonly LiveFile[] },
  startSequence: bigint,
  extras?: StagedExtras,
): Staged {
  const rows = (counted: readonly DataFile[]): bigint => counted.reduce((sum, file) => sum + file.record_count, 0n)
  const removed = files.removed.map(live => live.file)
  // Fewer are allowed, because rewriting applies deletes; more would be rows that nobody appended.
  assert(rows(files.added) <= rows(removed), 'a rewrite adds no rows')
  return withDefaults({ operation: 'replace', added: files.added, removed, addedSequence: startSequence }, extras)
}
