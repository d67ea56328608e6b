import { partitionKeyOf } from './operations/overwrite.ts'
import type { PartitionColumn } from './partition.ts'
import { mayMatch, summaryRange } from './predicate.ts'
import { columnsOf } from './table.ts'
import type { DataFile, ManifestFile, PartitionSummary, PartitionValue, TableMetadata } from './types.ts'
import { fromPartition } from './value.ts'

/** The partitions of some files, by spec: which manifests can hold those files (Java's ManifestFileUtil.canContainAny). */
export type Partitions = ReadonlyMap<number, SpecPartitions>

interface SpecPartitions {
  readonly columns: readonly PartitionColumn[]
  readonly values: readonly (readonly PartitionValue[])[]
}

export function partitionsOf(metadata: TableMetadata, files: readonly DataFile[]): Partitions {
  return new Map(
    [...Map.groupBy(files, file => file.spec_id)].map(([specId, same]) => {
      const distinct = new Map(same.map(file => [partitionKeyOf(file), file.partition]))
      return [specId, { columns: columnsOf(metadata, specId), values: [...distinct.values()] }]
    }),
  )
}

/** Whether the manifest can hold a file of these partitions, by what the list sums up of it; in doubt, yes. */
export function mayHoldAny(
  { partition_spec_id, partitions: summaries }: ManifestFile,
  partitions: Partitions,
): boolean {
  const own = partitions.get(partition_spec_id)
  if (!own || summaries === null) return own !== undefined
  return own.values.some(values =>
    own.columns.every((column, index) => mayHold(summaries[index], column, values[index] ?? null)),
  )
}

function mayHold(summary: PartitionSummary | undefined, column: PartitionColumn, stored: PartitionValue): boolean {
  if (!summary) return true
  const value = fromPartition(column.type, stored)
  const range = summaryRange(summary, column.type)
  return value === null
    ? mayMatch(range, { column: column.field.name, op: 'is-null' })
    : mayMatch(range, { column: column.field.name, op: 'in', values: [value] })
}
