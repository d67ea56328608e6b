import type { Requirement } from '../metadata.ts'
import type { Predicate } from '../predicate.ts'
import type { DataFile, LiveFile, ManifestFile, ScanFile, Schema } from '../types.ts'

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
  /** Manifests whose entries move into fewer or smaller ones. `conflict` when one of them is not in the table any more. */
  readonly rewrittenManifests?: readonly ManifestGroup[]
  readonly summary: Readonly<Record<string, string>>
  /** A schema that becomes the current one in the same commit. */
  readonly schema?: { readonly schema: Schema; readonly lastColumnId: number }
  /** Checked against the table before anything is written; `conflict` at once when one does not hold. */
  readonly requirements: readonly Requirement[]
  readonly validations?: readonly Validation[]
}

/** Manifests of one spec and one content, and how many are to take their place. */
export interface ManifestGroup {
  readonly manifests: readonly ManifestFile[]
  readonly outputs: number
}

/**
 * What other writers must not have done since the snapshot that the change was planned on (`since`; null: the table had none). Checked on
 * every attempt against the snapshots in between; `conflict` when it does not hold, and only planning anew can help.
 */
export type Validation =
  /**
   * Data files that position deletes point into are still live; a rewrite that kept their rows elsewhere is a conflict too. With `since`
   * only what changed is looked at, otherwise every data manifest.
   */
  | { readonly type: 'files-live'; readonly since?: bigint | null; readonly files: readonly string[] }
  /** No new delete file applies to these data files: rewriting or removing them would bring deleted rows back. */
  | { readonly type: 'no-new-deletes'; readonly since: bigint | null; readonly files: readonly ScanFile[] }
  /** No data file was added that can hold matching rows; all of `where` must hold, an empty list matches everything. */
  | { readonly type: 'no-new-data'; readonly since: bigint | null; readonly where: readonly Predicate[] }
  /** Nothing was added to these partitions (`partitionKeyOf`), neither data nor deletes. */
  | { readonly type: 'no-changes-in-partitions'; readonly since: bigint | null; readonly partitions: readonly string[] }

/** What the builders of operations take besides files. */
export type StagedExtras = Partial<Pick<Staged, 'summary' | 'schema' | 'requirements' | 'validations'>>

export function withDefaults(staged: Omit<Staged, 'summary' | 'requirements'>, extras: StagedExtras = {}): Staged {
  const validations = [...(staged.validations ?? []), ...(extras.validations ?? [])]
  return { ...staged, summary: {}, requirements: [], ...extras, ...(validations.length > 0 ? { validations } : {}) }
}

/** A file that leaves, with its deletes when a scan gave it. */
export type Leaving = LiveFile & Partial<Pick<ScanFile, 'deletes'>>

/**
 * The delete files that apply to removed files and to no other: with those gone they delete nothing. `live` must be all live files of the
 * table as `liveFiles` gives them; of files that nobody scanned no deletes are known.
 */
export function danglingDeletes(live: readonly Leaving[], removed: readonly Leaving[]): readonly DataFile[] {
  const leaving = new Set(removed.map(each => each.file.file_path))
  const stay = live.filter(each => !leaving.has(each.file.file_path)).flatMap(each => each.deletes ?? [])
  const needed = new Set(stay.map(each => each.file.file_path))
  const candidates = removed.flatMap(each => each.deletes ?? []).map(each => each.file)
  return [...new Map(candidates.map(file => [file.file_path, file])).values()].filter(
    file => !needed.has(file.file_path),
  )
}
