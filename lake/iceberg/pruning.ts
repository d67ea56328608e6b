import { LakeError } from '../errors.ts'
import type { PartitionColumn } from './partition.ts'
import { mayMatch, metricsRange, type Predicate, partitionRange, project, summaryRange } from './predicate.ts'
import { isPrimitive } from './primitive.ts'
import { columnByName } from './schema.ts'
import { columnsOf } from './table.ts'
import type { DataFile, ManifestFile, Schema, TableMetadata } from './types.ts'

/** Which manifests and files can hold matching rows, by what manifests say of them. In doubt, all of them can. */

export interface Search {
  readonly tests: readonly Test[]
  /** The partition fields of every spec of the table. */
  readonly columns: ReadonlyMap<number, readonly PartitionColumn[]>
}

/** A predicate and the column that it is about, which files and partition specs know by its id. */
interface Test {
  readonly predicate: Predicate
  readonly id: number
  readonly type: string
}

/** Fails with `contract-broken` for a column that the schema does not have and with `usage` for one that is not primitive. */
export function searchFor(metadata: TableMetadata, schema: Schema, where: readonly Predicate[]): Search {
  const columns = metadata['partition-specs'].map(
    spec => [spec['spec-id'], columnsOf(metadata, spec['spec-id'])] as const,
  )
  return { tests: where.map(predicate => testOf(schema, predicate)), columns: new Map(columns) }
}

function testOf(schema: Schema, predicate: Predicate): Test {
  const column = columnByName(schema, predicate.column)
  if (!isPrimitive(column.type))
    throw new LakeError('usage', `${predicate.column}: only columns of primitive types can be compared`, {})
  return { predicate, id: column.id, type: column.type }
}

/**
 * By the partitions that the manifest sums up. That holds for delete manifests too: a delete file with a partition applies to data
 * files of the same partition alone, so where it is left out they are as well.
 */
export function manifestMayMatch(manifest: ManifestFile, search: Search): boolean {
  const { partitions, partition_spec_id, content } = manifest
  if (partitions === null) return true
  return everyField(partition_spec_id, search, (projected, { index, type }) => {
    const summary = partitions[index]
    if (!summary) return true
    // A file of the partition NaN is kept in doubt, and its deletes must be found even though the bounds leave NaN out.
    if (content === 1 && summary.contains_nan !== false && (type === 'float' || type === 'double')) return true
    return mayMatch(summaryRange(summary, type), projected)
  })
}

/** By the one partition that all rows of the file are in. */
export function partitionMayMatch(file: DataFile, search: Search): boolean {
  return everyField(file.spec_id, search, (projected, { index, type }) =>
    mayMatch(partitionRange(file, index, type), projected),
  )
}

/** By the least and greatest value of each column and its counts of nulls. */
export function metricsMayMatch(file: DataFile, { tests }: Search): boolean {
  return tests.every(({ predicate, id, type }) => mayMatch(metricsRange(file, id, type), predicate))
}

type FieldTest = (projected: Predicate, field: { readonly index: number; readonly type: string }) => boolean

/** Tests each partition field that is made from a column of the search. */
function everyField(specId: number, { tests, columns }: Search, holds: FieldTest): boolean {
  const fields = columns.get(specId) ?? []
  return tests.every(({ predicate, id }) =>
    fields.every(({ field, source, transform, type }, index) => {
      if (field['source-id'] !== id || !source) return true
      const projected = project(predicate, transform, source.type)
      return projected === undefined || holds(projected, { index, type })
    }),
  )
}
