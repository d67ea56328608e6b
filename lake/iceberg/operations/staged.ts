import type { Requirement } from '../metadata.ts'
import type { DataFile, Schema } from '../types.ts'

/** What a snapshot is to change, as data: `commit` writes it onto whatever the table has become. */
export interface Staged {
  /** The spec's `operation`: what the change means to readers that follow a table incrementally. */
  readonly operation: 'append' | 'replace' | 'overwrite' | 'delete'
  /** Files in their final place. */
  readonly added: readonly DataFile[]
  /** Live files that leave the table. The commit fails with `conflict` when one of them is not live any more. */
  readonly removed: readonly DataFile[]
  /** Data sequence number of the added files, when it is not that of the new snapshot: rewritten rows keep their age. */
  readonly addedSequence?: bigint
  readonly summary: Readonly<Record<string, string>>
  /** A schema that becomes the current one in the same commit. */
  readonly schema?: { readonly schema: Schema; readonly lastColumnId: number }
  /** Checked against the table before anything is written; `conflict` at once when one does not hold. */
  readonly requirements: readonly Requirement[]
}

/** What the builders of operations take besides files. */
export type StagedExtras = Partial<Pick<Staged, 'summary' | 'schema' | 'requirements'>>

export function withDefaults(staged: Omit<Staged, 'summary' | 'requirements'>, extras: StagedExtras = {}): Staged {
  return { ...staged, summary: {}, requirements: [], ...extras }
}
