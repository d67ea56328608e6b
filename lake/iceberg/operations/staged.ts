import type { Requirement } from '../metadata.ts'
import type { Predicate } from '../predicate.ts'
import type { DataFile, ScanFile, Schema } from '../types.ts'

/** What a snapshot is to change, as data: `commit` writes it onto whatever the table has become. */
export interface Staged {
  /** The spec's `operation`: what the change means to readers that follow a table incrementally. */
  readonly operation: 'append' | 'replace' | 'overwrite' | 'delete'
  /** Files in their final place. */
  readonly added: readonly DataFile[]
  /** Live files that leave the table. The commit fails with `conflict` when one of them is not live any more. */
  readonly removed: readonly DataFile[]
  /** Delete files in their final place: position deletes, one for each partition and spec or for each data file. */
  readonly addedDeletes?: readonly DataFile[]
  /** Live delete files that leave the table, because the files that they deleted from do. `conflict` when one is not live any more. */
  readonly removedDeletes?: readonly DataFile[]
  /** Data sequence number of the added files, when it is not that of the new snapshot: rewritten rows keep their age. */
  readonly addedSequence?: bigint
  readonly summary: Readonly<Record<string, string>>
  /** A schema that becomes the current one in the same commit. */
  readonly schema?: { readonly schema: Schema; readonly lastColumnId: number }
  /** Checked against the table before anything is written; `conflict` at once when one does not hold. */
  readonly requirements: readonly Requirement[]
  readonly validations?: readonly Validation[]
}

/**
 * What other writers must not have done since the snapshot that the change was planned on (`since`; null: the table had none). Checked on
 * every attempt against the snapshots in between; `conflict` when it does not hold, and only planning anew can help.
 */
export type Validation =
  /** Data files that position deletes point into are still live; a rewrite that kept their rows elsewhere is a conflict too. */
  | { readonly type: 'files-live'; readonly files: readonly string[] }
  /** No new delete file applies to these data files: rewriting or removing them would bring deleted rows back. */
  | { readonly type: 'no-new-deletes'; readonly since: bigint | null; readonly files: readonly ScanFile[] }
  /** No data file was added that can hold matching rows; all of `where` must hold, an empty list matches everything. */
  | { readonly type: 'no-new-data'; readonly since: bigint | null; readonly where: readonly Predicate[] }
  /** Nothing was added to these partitions (`partitionKeyOf`), neither data nor deletes. */
  | { readonly type: 'no-changes-in-partitions'; readonly since: bigint | null; readonly partitions: readonly string[] }

/** What the builders of operations take besides files. */
export type StagedExtras = Partial<Pick<Staged, 'summary' | 'schema' | 'requirements' | 'validations'>>

export function withDefaults(staged: Omit<Staged, 'summary' | 'requirements'>, extras: StagedExtras = {}): Staged {
  return { ...staged, summary: {}, requirements: [], ...extras }
}
