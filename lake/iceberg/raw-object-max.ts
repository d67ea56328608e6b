import { currentSnapshot } from './metadata.ts'
import type { Staged } from './operations/staged.ts'
import type { Table } from './table.ts'
import type { LiveFile, Schema, Snapshot } from './types.ts'
import { compareValues, fromBinary } from './value.ts'

/**
 * Key of a snapshot summary: no row of the table, as of this snapshot, has a greater `_raw_object`. It is about the snapshot and never
 * changes, so it stays true when somebody goes back to it. The snapshot of a writer that does not know the key has none, and then nothing
 * is known, whatever older ones say.
 */
export const RAW_OBJECT_MAX = 'sluice.raw-object-max'

export const RAW_OBJECT = '_raw_object'

/** What is known of the table as it is; the empty text, before every id, when nothing was ever written to it. */
export function rawObjectMax({ metadata }: Table): string | undefined {
  const snapshot = currentSnapshot(metadata)
  return snapshot === undefined ? '' : snapshot.summary[RAW_OBJECT_MAX]
}

/** The same from the bounds of all live files, read with the statistics of `_raw_object`; undefined when one of them does not tell. */
export function rawObjectMaxOf(files: readonly LiveFile[], schema: Schema): string | undefined {
  const id = schema.fields.find(field => field.name === RAW_OBJECT)?.id
  if (id === undefined) return undefined
  let max = ''
  for (const { file } of files) {
    const upper = file.upper_bounds.get(id)
    if (upper === undefined && !isNull(file, id)) return undefined
    // A bound that was cut is rounded up, so it is one all the same.
    if (upper !== undefined) max = greatest(max, String(fromBinary('string', upper)))
  }
  return max
}

/** No bound is also what a file has whose rows all came from another writer, without a raw object. */
function isNull(file: LiveFile['file'], id: number): boolean {
  const values = file.value_counts.get(id)
  return file.record_count === 0n || (values !== undefined && file.null_value_counts.get(id) === values)
}

const greatest = (left: string, right: string): string => (compareValues(left, right) < 0 ? right : left)

/** Whether all of the ids are greater than every `_raw_object` in the table, so that it holds no rows of theirs. */
export function areNew(rawObjects: readonly string[], max: string | undefined): boolean {
  return max !== undefined && rawObjects.every(id => compareValues(id, max) > 0)
}

/** The summary of a snapshot that adds rows of these raw objects to a table of which `max` is known. */
export function raisedMax(max: string | undefined, rawObjects: readonly string[]): Readonly<Record<string, string>> {
  const raised = max === undefined ? undefined : rawObjects.reduce(greatest, max)
  return raised === undefined || raised === '' ? {} : { [RAW_OBJECT_MAX]: raised }
}

/** What every commit takes over from its parent: only a change that adds no rows can, and one that adds some says so itself. */
export function carriedMax(staged: Staged, parent: Snapshot | undefined): Readonly<Record<string, string>> {
  const max = parent?.summary[RAW_OBJECT_MAX]
  const addsRows = staged.operation !== 'replace' && staged.added.length > 0
  return max === undefined || addsRows ? {} : { [RAW_OBJECT_MAX]: max }
}
