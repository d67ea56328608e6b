// Contract: the swap of a table's pointer always compares, is sent exactly once, and says what is known of its outcome; what
// others keep in the table stays.
import { GlueClient } from '@aws-sdk/client-glue'
import { afterEach, expect, test } from 'vitest'
import { glueCatalog } from '#lake/aws/glue-catalog.ts'
import type { CatalogEntry, IcebergEntry } from '#lake/lake.ts'
import { kindOf } from '../../contracts/storage.contract.ts'
import {
  credentials,
  HANG_UP,
  inputOf,
  json,
  jsonFailure,
  operationOf,
  type Reply,
  retrying,
  type ScriptedServer,
  scriptedServer,
} from './scripted-server.ts'

let server: ScriptedServer
afterEach(() => server.close())

const base: CatalogEntry = { name: 'trips', metadataLocation: 's3://t/v1.json', token: '7' }
const next: IcebergEntry = {
  metadataLocation: 's3://t/v2.json',
  location: 's3://t',
  columns: [
    { name: 'Id', type: 'bigint', parameters: { 'iceberg.field.id': '1', 'iceberg.field.current': 'true' } },
    { name: 'place', type: 'string', comment: 'where' },
  ],
}
const table = {
  Name: 'trips',
  VersionId: '7',
  CreateTime: 1,
  Description: 'written in the console',
  Owner: 'data-team',
  Retention: 3,
  Parameters: { table_type: 'ICEBERG', metadata_location: 's3://t/v1.json', team: 'bikes' },
  StorageDescriptor: {
    Location: 's3://t',
    Columns: [
      { Name: 'id', Type: 'bigint', Comment: 'kept comment' },
      { Name: 'place', Type: 'string', Comment: 'old comment' },
      { Name: 'former', Type: 'string', Parameters: { 'iceberg.field.id': '3', 'iceberg.field.current': 'true' } },
    ],
    AdditionalLocations: ['s3://elsewhere'],
  },
}

async function serve(update: Reply | typeof HANG_UP, found: unknown = table): Promise<void> {
  server = await scriptedServer(request => {
    if (operationOf(request) === 'GetTable') return json({ Table: found })
    return update
  })
}

function catalog() {
  const settings = { endpoint: server.endpoint, region: 'eu-central-1', credentials }
  return glueCatalog({
    ...retrying(),
    client: new GlueClient({ ...settings, maxAttempts: 3 }),
    swapClient: new GlueClient({ ...settings, maxAttempts: 1 }),
    database: 'lake',
  })
}
const updates = () => server.requests.filter(request => operationOf(request) === 'UpdateTable')

test('sends the version to compare, no archive, the new pointer and the previous one', async () => {
  await serve(json({}))
  await catalog().swap('trips', base, next)
  const input = inputOf(updates()[0]) as { readonly TableInput: Record<string, unknown> }
  expect(input).toMatchObject({ DatabaseName: 'lake', VersionId: '7', SkipArchive: true })
  expect(input.TableInput).toMatchObject({
    Name: 'trips',
    TableType: 'EXTERNAL_TABLE',
    Parameters: {
      table_type: 'ICEBERG',
      metadata_location: 's3://t/v2.json',
      previous_metadata_location: 's3://t/v1.json',
    },
  })
})

test('keeps the parameters, owner, description and comments of others, and marks columns that left the schema', async () => {
  await serve(json({}))
  await catalog().swap('trips', base, next)
  const { TableInput } = inputOf(updates()[0])
  expect(TableInput).toMatchObject({
    Owner: 'data-team',
    Retention: 3,
    Description: 'written in the console',
    Parameters: { team: 'bikes' },
    StorageDescriptor: {
      AdditionalLocations: ['s3://elsewhere'],
      Columns: [
        {
          Name: 'id',
          Type: 'bigint',
          Comment: 'kept comment',
          Parameters: { 'iceberg.field.id': '1', 'iceberg.field.current': 'true' },
        },
        { Name: 'place', Type: 'string', Comment: 'where' },
        { Name: 'former', Type: 'string', Parameters: { 'iceberg.field.id': '3', 'iceberg.field.current': 'false' } },
      ],
    },
  })
  expect(TableInput).not.toHaveProperty('CreateTime')
  expect(TableInput).not.toHaveProperty('VersionId')
})

test('each outcome has its kind, and each swap is one request', async () => {
  const table: readonly (readonly [Reply | typeof HANG_UP, string])[] = [
    [jsonFailure(400, 'ConcurrentModificationException'), 'conflict'],
    [jsonFailure(400, 'VersionMismatchException'), 'conflict'],
    [jsonFailure(400, 'EntityNotFoundException'), 'not-found'],
    [jsonFailure(400, 'OperationTimeoutException'), 'commit-unknown'],
    [jsonFailure(500, 'InternalServiceException'), 'commit-unknown'],
    [jsonFailure(503, 'ServiceUnavailable'), 'commit-unknown'],
    [HANG_UP, 'commit-unknown'],
    [jsonFailure(400, 'ThrottlingException'), 'throttled'],
    [jsonFailure(400, 'AccessDeniedException'), 'access-denied'],
    [jsonFailure(400, 'InvalidInputException'), 'usage'],
  ]
  for (const [reply, kind] of table) {
    await serve(reply)
    expect([reply, await kindOf(catalog().swap('trips', base, next))]).toEqual([reply, kind])
    expect(updates()).toHaveLength(1)
    await server.close()
  }
})

test('a table that moved on already is a conflict without asking', async () => {
  for (const moved of [
    { ...table, VersionId: '8' },
    { ...table, Parameters: { ...table.Parameters, metadata_location: 's3://t/other.json' } },
  ]) {
    await serve(json({}), moved)
    expect(await kindOf(catalog().swap('trips', base, next))).toBe('conflict')
    expect(updates()).toHaveLength(0)
    await server.close()
  }
})

test('an Iceberg table without its pointer is corrupt, and another kind of table is none of ours', async () => {
  await serve(json({}), { ...table, Parameters: { table_type: 'ICEBERG' } })
  expect(await kindOf(catalog().load('trips'))).toBe('table-corrupt')
  await server.close()
  await serve(json({}), { ...table, Parameters: { classification: 'csv' } })
  expect(await catalog().load('trips')).toBeUndefined()
})

test('a create whose lost success echoes as "exists" is a success; the table of another is not', async () => {
  for (const [location, kind] of [
    ['s3://t/v2.json', undefined],
    ['s3://t/v1.json', 'already-exists'],
  ]) {
    let creates = 0
    server = await scriptedServer(request => {
      if (operationOf(request) === 'GetTable')
        return json({ Table: { ...table, Parameters: { ...table.Parameters, metadata_location: location } } })
      creates += 1
      return creates === 1 ? jsonFailure(500, 'InternalServiceException') : jsonFailure(400, 'AlreadyExistsException')
    })
    expect(await kindOf(catalog().create('trips', next))).toBe(kind)
    await server.close()
  }
})
