import { byValues, checkName, checkPartition, conflict, exists, noTable, otherLocation } from '../catalog-rules.ts'
import type { LakeError } from '../errors.ts'
import type { Catalog, CatalogEntry, HivePartition, HiveTable, IcebergEntry, TableName } from '../lake.ts'

export type CatalogMoment = `${'before' | 'after'} ${keyof Catalog}`
/** Called around every effect, as for storage: throwing after a swap is the lost answer that `commit-unknown` stands for. */
export type CatalogFaults = (operation: CatalogMoment, name: TableName) => Promise<void> | void

interface Tables {
  readonly iceberg: Map<TableName, { readonly counter: number; readonly entry: IcebergEntry }>
  readonly hive: Map<TableName, HiveTable>
  readonly partitions: Map<TableName, Map<string, HivePartition>>
}

/** A catalog in memory; every swap compares. */
export function memoryCatalog(options: { readonly faults?: CatalogFaults } = {}): Catalog {
  const tables: Tables = { iceberg: new Map(), hive: new Map(), partitions: new Map() }
  async function effect<T>(operation: keyof Catalog, name: TableName, work: () => T): Promise<T> {
    await options.faults?.(`before ${operation}`, name)
    if (operation !== 'tables') checkName(name)
    const result = work()
    await options.faults?.(`after ${operation}`, name)
    return result
  }
  return {
    load: name => effect('load', name, () => load(tables, name)),
    create: (name, entry) =>
      effect('create', name, () => {
        if (tables.iceberg.has(name) || tables.hive.has(name)) throw exists(name)
        tables.iceberg.set(name, { counter: 1, entry })
      }),
    swap: (name, expected, entry) => effect('swap', name, () => swap(tables, expected, { name, entry })),
    tables: () => effect('tables', '', () => [...tables.iceberg.keys(), ...tables.hive.keys()].sort()),
    putHiveTable: (name, table) =>
      effect('putHiveTable', name, () => {
        if (tables.iceberg.has(name)) throw exists(name)
        tables.hive.set(name, structuredClone(table))
      }),
    hiveTable: name => effect('hiveTable', name, () => tables.hive.get(name)),
    addPartitions: (name, partitions) => effect('addPartitions', name, () => addPartitions(tables, name, partitions)),
    partitions: name =>
      effect('partitions', name, () => [...(tables.partitions.get(name)?.values() ?? [])].sort(byValues)),
  }
}

function load(tables: Tables, name: TableName): CatalogEntry | undefined {
  const found = tables.iceberg.get(name)
  return found && { name, metadataLocation: found.entry.metadataLocation, token: String(found.counter) }
}

function swap(
  tables: Tables,
  expected: CatalogEntry,
  next: { readonly name: TableName; readonly entry: IcebergEntry },
): void {
  const found = load(tables, next.name)
  if (found === undefined) throw noTable(next.name)
  if (found.token !== expected.token || found.metadataLocation !== expected.metadataLocation)
    throw conflict(next.name, expected.token, found.token)
  tables.iceberg.set(next.name, { counter: Number(found.token) + 1, entry: next.entry })
}

function addPartitions(tables: Tables, name: TableName, partitions: readonly HivePartition[]): void {
  const table = tables.hive.get(name)
  if (table === undefined) throw noTable(name)
  const known = tables.partitions.get(name) ?? new Map<string, HivePartition>()
  tables.partitions.set(name, known)
  for (const partition of partitions) checkPartition(name, table, partition)
  const conflicts: LakeError[] = []
  for (const partition of partitions) {
    const key = JSON.stringify(partition.values)
    const found = known.get(key)
    if (found === undefined) known.set(key, partition)
    else if (found.location !== partition.location) conflicts.push(otherLocation(name, partition, found.location))
  }
  if (conflicts[0] !== undefined) throw conflicts[0]
}
