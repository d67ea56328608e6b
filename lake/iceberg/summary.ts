import { partitionKeyOf } from './operations/overwrite.ts'
import type { Staged } from './operations/staged.ts'
import type { DataFile, Snapshot } from './types.ts'

/** The counts of a snapshot summary and the totals they lead to, all as text (spec, appendix F, "Optional Snapshot Summary Fields"). */
export function summarize(staged: Staged, parent: Snapshot | undefined): Snapshot['summary'] {
  const { added, removed } = staged
  const changes = {
    records: sum(added, rows) - sum(removed, rows),
    'files-size': sum(added, bytes) - sum(removed, bytes),
    'data-files': BigInt(added.length - removed.length),
    'delete-files': 0n,
    'position-deletes': 0n,
    'equality-deletes': 0n,
  }
  return {
    operation: staged.operation,
    'added-data-files': String(added.length),
    'deleted-data-files': String(removed.length),
    'added-records': String(sum(added, rows)),
    'deleted-records': String(sum(removed, rows)),
    'added-files-size': String(sum(added, bytes)),
    'removed-files-size': String(sum(removed, bytes)),
    'changed-partition-count': String(new Set([...added, ...removed].map(partitionKeyOf)).size),
    ...Object.fromEntries(Object.entries(changes).flatMap(([name, change]) => total(name, change, parent))),
  }
}

/** A total that the parent does not have cannot be known, so it stays out. */
function total(name: string, change: bigint, parent: Snapshot | undefined): readonly (readonly [string, string])[] {
  const before = parent ? parent.summary[`total-${name}`] : '0'
  return before !== undefined && /^\d+$/.test(before) ? [[`total-${name}`, String(BigInt(before) + change)]] : []
}

const rows = (file: DataFile): bigint => file.record_count
const bytes = (file: DataFile): bigint => file.file_size_in_bytes
const sum = (files: readonly DataFile[], of: (file: DataFile) => bigint): bigint =>
  files.reduce((all, file) => all + of(file), 0n)
