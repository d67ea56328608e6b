import {
  BatchCreatePartitionCommand,
  BatchGetPartitionCommand,
  type GlueClient,
  type PartitionError,
  paginateGetPartitions,
  type Table,
} from '@aws-sdk/client-glue'
import { byValues, otherLocation } from '../catalog-rules.ts'
import { type ErrorKind, LakeError } from '../errors.ts'
import type { HivePartition, TableName } from '../lake.ts'
import { attempts, type Retrying } from './attempts.ts'
import { serviceFailure } from './aws-errors.ts'
import { glueError, glueKind } from './glue-errors.ts'
import { partitionOf, partitionStorage } from './glue-table.ts'

/** https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog-partitions.html: 100 inputs a call. */
const BATCH_MAX = 100

export interface PartitionsAccess extends Retrying {
  readonly client: GlueClient
  readonly database: string
}

/** In batches of 100, each item with an error of its own: what exists at the same place is done, what failed for a passing reason is sent again. */
export async function createPartitions(
  access: PartitionsAccess,
  table: Table & { readonly Name: TableName },
  partitions: readonly HivePartition[],
): Promise<void> {
  const wanted = [...new Map(partitions.map(partition => [keyOf(partition), partition])).values()]
  const conflicts: LakeError[] = []
  for (let start = 0; start < wanted.length; start += BATCH_MAX)
    conflicts.push(...(await createBatch(access, table, wanted.slice(start, start + BATCH_MAX))))
  if (conflicts[0] !== undefined) throw conflicts[0]
}

async function createBatch(
  access: PartitionsAccess,
  table: Table & { readonly Name: TableName },
  batch: readonly HivePartition[],
): Promise<readonly LakeError[]> {
  const conflicts: LakeError[] = []
  let left = batch
  const passing = (error: LakeError): boolean => error.retryable
  await attempts(access, passing, async () => {
    const failure = await send(access, table, left)
    if (failure === undefined) return
    // Whatever the answer said, the catalog knows which of them exist by now, by us or by others.
    const found = await existing(access, table.Name, left)
    for (const partition of left) {
      const location = found.get(keyOf(partition))
      if (location !== undefined && location !== partition.location)
        conflicts.push(otherLocation(table.Name, partition, location))
    }
    left = left.filter(partition => !found.has(keyOf(partition)))
    if (left.length > 0) throw failure
  })
  return conflicts
}

/** The first failure of the call or of one of its items, the terminal ones before those that may pass. */
async function send(
  access: PartitionsAccess,
  table: Table & { readonly Name: TableName },
  batch: readonly HivePartition[],
): Promise<LakeError | undefined> {
  const command = new BatchCreatePartitionCommand({
    DatabaseName: access.database,
    TableName: table.Name,
    PartitionInputList: batch.map(({ values, location }) => ({
      Values: [...values],
      StorageDescriptor: partitionStorage(table, location),
    })),
  })
  try {
    const { Errors = [] } = await access.client.send(command)
    const failures = Errors.map(error => itemError(table.Name, error))
    return failures.find(failure => !failure.retryable) ?? failures[0]
  } catch (error) {
    // The whole call can fail because one of its partitions exists.
    if (serviceFailure(error).name === 'AlreadyExistsException') return someExist(table.Name, error)
    throw glueError(error, table.Name)
  }
}

function itemError(name: TableName, error: PartitionError): LakeError {
  const { ErrorCode: code = 'Unknown', ErrorMessage: message = '' } = error.ErrorDetail ?? {}
  if (code === 'AlreadyExistsException') return someExist(name, undefined)
  const kind: ErrorKind = glueKind({ name: code, status: undefined, attempts: 1 }) ?? 'unavailable'
  return new LakeError(kind, `partition ${error.PartitionValues?.join('/')} of ${name}: ${code}: ${message}`, {
    table: name,
    code,
  })
}

/** Retryable: those that do not exist are then sent without those that do. */
const someExist = (name: TableName, cause: unknown): LakeError =>
  new LakeError('unavailable', `some partitions of ${name} exist already`, { table: name }, { cause })

async function existing(
  access: PartitionsAccess,
  name: TableName,
  batch: readonly HivePartition[],
): Promise<ReadonlyMap<string, string>> {
  const command = new BatchGetPartitionCommand({
    DatabaseName: access.database,
    TableName: name,
    PartitionsToGet: batch.map(({ values }) => ({ Values: [...values] })),
  })
  const { Partitions = [] } = await access.client.send(command).catch(error => {
    throw glueError(error, name)
  })
  return new Map(Partitions.map(partitionOf).map(partition => [keyOf(partition), partition.location]))
}

export async function listPartitions(access: PartitionsAccess, name: TableName): Promise<readonly HivePartition[]> {
  const found: HivePartition[] = []
  const pages = paginateGetPartitions(
    { client: access.client },
    { DatabaseName: access.database, TableName: name, ExcludeColumnSchema: true },
  )
  try {
    for await (const page of pages) found.push(...(page.Partitions ?? []).map(partitionOf))
  } catch (error) {
    const failure = glueError(error, name)
    if (failure.kind === 'not-found') return []
    throw failure
  }
  return found.sort(byValues)
}

const keyOf = (partition: HivePartition): string => JSON.stringify(partition.values)
