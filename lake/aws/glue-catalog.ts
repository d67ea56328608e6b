import { isDeepStrictEqual } from 'node:util'
import {
  CreateTableCommand,
  GetTableCommand,
  type GlueClient,
  paginateGetTables,
  type Table,
  UpdateTableCommand,
} from '@aws-sdk/client-glue'
import { checkName, checkPartition, conflict, exists, noTable } from '../catalog-rules.ts'
import { LakeError } from '../errors.ts'
import type { Catalog, CatalogEntry, HiveTable, IcebergEntry, TableName } from '../lake.ts'
import { attempts, type Retrying } from './attempts.ts'
import { serviceFailure } from './aws-errors.ts'
import { glueError } from './glue-errors.ts'
import { createPartitions, listPartitions } from './glue-partitions.ts'
import { entryOf, hiveInput, hiveTableOf, icebergInput, isIceberg } from './glue-table.ts'

export interface GlueOptions extends Retrying {
  readonly client: GlueClient
  /**
   * A client with `maxAttempts: 1`, for the swap alone: when the SDK sends a swap again whose answer was lost, Glue answers
   * ConcurrentModification to our own success (apache/iceberg#7151).
   */
  readonly swapClient: GlueClient
  readonly database: string
}

/** The Glue Data Catalog, one database. */
export function glueCatalog(options: GlueOptions): Catalog {
  return {
    load: async name => {
      const table = await getTable(options, name)
      return table !== undefined && isIceberg(table) ? entryOf(name, table) : undefined
    },
    create: (name, entry) => createTable(options, name, entry),
    swap: (name, expected, entry) => swap(options, expected, { name, entry }),
    tables: () => tableNames(options),
    putHiveTable: (name, table) =>
      attempts(
        options,
        error => error.kind === 'conflict',
        () => putHiveTable(options, name, table),
      ),
    hiveTable: async name => {
      const table = await getTable(options, name)
      return table === undefined || isIceberg(table) ? undefined : hiveTableOf(name, table)
    },
    addPartitions: async (name, partitions) => {
      if (partitions.length === 0) return
      const table = await getTable(options, name)
      if (table === undefined) throw noTable(name)
      for (const partition of partitions) checkPartition(name, hiveTableOf(name, table), partition)
      await createPartitions(options, { ...table, Name: name }, partitions)
    },
    partitions: name => listPartitions(options, name),
  }
}

async function getTable(options: GlueOptions, name: TableName): Promise<Table | undefined> {
  checkName(name)
  try {
    return (await options.client.send(new GetTableCommand({ DatabaseName: options.database, Name: name }))).Table
  } catch (error) {
    const failure = glueError(error, name)
    if (failure.kind === 'not-found') return undefined
    throw failure
  }
}

/** The SDK may send a create again, so "exists" can be the echo of our own success: the metadata location tells, it is unique to an attempt. */
async function createTable(options: GlueOptions, name: TableName, entry: IcebergEntry): Promise<void> {
  checkName(name)
  const command = new CreateTableCommand({ DatabaseName: options.database, TableInput: icebergInput(name, entry) })
  try {
    await options.client.send(command)
  } catch (error) {
    const failure = glueError(error, name)
    if (failure.kind !== 'already-exists' || serviceFailure(error).attempts === 1) throw failure
    const found = await getTable(options, name)
    if (found?.Parameters?.['metadata_location'] !== entry.metadataLocation) throw failure
  }
}

/** GetTable first: what others keep in the table is carried over, and a table that moved on is not even asked. The compare itself is Glue's. */
async function swap(
  options: GlueOptions,
  expected: CatalogEntry,
  next: { readonly name: TableName; readonly entry: IcebergEntry },
): Promise<void> {
  const { name, entry } = next
  const table = await getTable(options, name)
  if (table === undefined) throw noTable(name)
  const found = entryOf(name, table)
  if (found.token !== expected.token || found.metadataLocation !== expected.metadataLocation)
    throw conflict(name, expected.token, found.token)
  const command = new UpdateTableCommand({
    DatabaseName: options.database,
    TableInput: icebergInput(name, entry, table),
    VersionId: expected.token,
    SkipArchive: true,
  })
  try {
    await options.swapClient.send(command)
  } catch (error) {
    const failure = glueError(error, name)
    if (failure.kind !== 'unavailable') throw failure
    throw new LakeError(
      'commit-unknown',
      `the answer to the commit of ${name} was lost`,
      { table: name },
      { cause: error },
    )
  }
}

async function tableNames(options: GlueOptions): Promise<readonly TableName[]> {
  const names: string[] = []
  try {
    for await (const page of paginateGetTables({ client: options.client }, { DatabaseName: options.database }))
      for (const table of page.TableList ?? []) if (table.Name !== undefined) names.push(table.Name)
  } catch (error) {
    throw glueError(error, '*')
  }
  return names.sort()
}

/** A conflict is another deploy or cold start that writes the same table: looked at again, it is mostly there already. */
async function putHiveTable(options: GlueOptions, name: TableName, table: HiveTable): Promise<void> {
  const found = await getTable(options, name)
  const TableInput = hiveInput(name, table)
  try {
    if (found === undefined) {
      await options.client.send(new CreateTableCommand({ DatabaseName: options.database, TableInput }))
      return
    }
    if (isIceberg(found)) throw exists(name)
    if (isDeepStrictEqual(hiveTableOf(name, found), table)) return
    await options.client.send(
      new UpdateTableCommand({
        DatabaseName: options.database,
        TableInput,
        SkipArchive: true,
        ...(found.VersionId === undefined ? {} : { VersionId: found.VersionId }),
      }),
    )
  } catch (error) {
    const failure = glueError(error, name)
    if (found !== undefined || failure.kind !== 'already-exists') throw failure
    throw new LakeError('conflict', `table ${name} was created by another`, { table: name }, { cause: error })
  }
}
