import type { DataFile } from '../types.ts'
import { type Staged, type StagedExtras, withDefaults } from './staged.ts'

/** Adds files. Without files it still makes a snapshot, whose summary says that the work was done. */
export function stageAppend(added: readonly DataFile[], extras?: StagedExtras): Staged {
  return withDefaults({ operation: 'append', added, removed: [] }, extras)
}
