import { LakeError } from './errors.ts'
import type { HivePartition, HiveTable, TableName, Uri } from './lake.ts'

/** What Glue, Athena and a folder all take. */
export const TABLE_NAME = /^[a-z0-9_]{1,255}$/

export function checkName(name: TableName): void {
  if (!TABLE_NAME.test(name))
    throw new LakeError('usage', `"${name}" is not a table name: lower-case letters, digits and _ only`, { name })
}

export const exists = (name: TableName): LakeError =>
  new LakeError('already-exists', `table ${name} exists already`, { table: name })

export const conflict = (name: TableName, expected: string, found: string | undefined): LakeError =>
  new LakeError('conflict', `table ${name} moved on: expected version ${expected}, found ${found ?? 'none'}`, {
    table: name,
    expected,
    found,
  })

export const noTable = (name: TableName): LakeError =>
  new LakeError('not-found', `table ${name} does not exist`, { table: name })

/** A partition is named by its values; the names come from the table's partition keys. */
export function checkPartition(name: TableName, table: HiveTable, partition: HivePartition): void {
  if (partition.values.length === table.partitionKeys.length) return
  throw new LakeError('usage', `table ${name} has ${table.partitionKeys.length} partition keys`, {
    table: name,
    values: partition.values,
  })
}

export const otherLocation = (name: TableName, partition: HivePartition, found: Uri): LakeError =>
  new LakeError('conflict', `partition ${partition.values.join('/')} of ${name} exists at ${found}`, {
    table: name,
    values: partition.values,
    location: partition.location,
    found,
  })

/** The order in which catalogs list partitions. */
export const byValues = (a: HivePartition, b: HivePartition): number => {
  const [left, right] = [a.values.join('\0'), b.values.join('\0')]
  return left < right ? -1 : left > right ? 1 : 0
}
