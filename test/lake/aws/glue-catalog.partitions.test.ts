// Contract: partitions are registered in calls of 100, and each item's own error is heard: what exists in the same place is
// done, what exists elsewhere is a conflict, what failed for a passing reason is sent again, and nothing else.
import { GlueClient } from '@aws-sdk/client-glue'
import { afterEach, expect, test } from 'vitest'
import { glueCatalog } from '#lake/aws/glue-catalog.ts'
import { kindOf } from '../../contracts/storage.contract.ts'
import {
  credentials,
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

const table = {
  Name: 'trips__raw',
  Parameters: { classification: 'json' },
  PartitionKeys: [{ Name: 'hour', Type: 'string' }],
  StorageDescriptor: { Columns: [{ Name: 'id', Type: 'bigint' }], Location: 's3://raw', InputFormat: 'in' },
}
const hour = (value: string, location = `s3://raw/${value}`) => ({ values: [value], location })
const itemError = (value: string, code: string) => ({ PartitionValues: [value], ErrorDetail: { ErrorCode: code } })

/** A catalog that knows some partitions; `create` answers the calls that create, by their count. */
async function serve(
  known: Readonly<Record<string, string>>,
  create: (values: readonly string[], call: number) => Reply,
): Promise<{ readonly calls: (readonly string[])[] }> {
  const calls: (readonly string[])[] = []
  server = await scriptedServer(request => {
    const input = inputOf(request)
    if (operationOf(request) === 'GetTable') return json({ Table: table })
    if (operationOf(request) === 'BatchGetPartition') {
      const asked = (input['PartitionsToGet'] as readonly { readonly Values: readonly [string] }[]).map(
        one => one.Values[0],
      )
      const found = asked.filter(value => known[value] !== undefined)
      return json({
        Partitions: found.map(value => ({ Values: [value], StorageDescriptor: { Location: known[value] } })),
      })
    }
    const list = input['PartitionInputList'] as readonly { readonly Values: readonly [string] }[]
    calls.push(list.map(one => one.Values[0]))
    return create(calls.at(-1) ?? [], calls.length)
  })
  return { calls }
}

function catalog() {
  const client = new GlueClient({ endpoint: server.endpoint, region: 'eu-central-1', credentials, maxAttempts: 2 })
  return glueCatalog({ ...retrying(), client, swapClient: client, database: 'lake' })
}

test('250 partitions are three calls, each with the descriptor of the table at the place of the partition', async () => {
  const { calls } = await serve({}, () => json({}))
  const hours = Array.from({ length: 250 }, (_, index) => hour(String(index)))
  await catalog().addPartitions('trips__raw', [...hours, ...hours.slice(0, 10)])
  expect(calls.map(call => call.length)).toEqual([100, 100, 50])
  const [first] = inputOf(server.requests[1])['PartitionInputList'] as readonly unknown[]
  expect(first).toEqual({ Values: ['0'], StorageDescriptor: { ...table.StorageDescriptor, Location: 's3://raw/0' } })
})

test('what exists in the same place is done, and is not sent again', async () => {
  const { calls } = await serve({ '01': 's3://raw/01' }, () =>
    json({ Errors: [itemError('01', 'AlreadyExistsException')] }),
  )
  await catalog().addPartitions('trips__raw', [hour('01')])
  expect(calls).toEqual([['01']])
})

test('what exists elsewhere is a conflict, after the others are there', async () => {
  const known: Record<string, string> = { '01': 's3://elsewhere' }
  const { calls } = await serve(known, values => {
    known['02'] = 's3://raw/02'
    return json({ Errors: values.includes('01') ? [itemError('01', 'AlreadyExistsException')] : [] })
  })
  expect(await kindOf(catalog().addPartitions('trips__raw', [hour('01'), hour('02')]))).toBe('conflict')
  expect(calls).toEqual([['01', '02']])
})

test('only what failed for a passing reason is sent again', async () => {
  const known: Record<string, string> = {}
  const { calls } = await serve(known, (values, call) => {
    for (const value of values) if (value !== '02' || call > 2) known[value] = `s3://raw/${value}`
    return json({
      Errors: call > 2 ? [] : [itemError('02', call === 1 ? 'InternalServiceException' : 'ThrottlingException')],
    })
  })
  await catalog().addPartitions('trips__raw', [hour('01'), hour('02'), hour('03')])
  expect(calls).toEqual([['01', '02', '03'], ['02'], ['02']])
})

test('a passing reason that does not pass ends after five calls', async () => {
  const { calls } = await serve({}, () => json({ Errors: [itemError('01', 'InternalServiceException')] }))
  expect(await kindOf(catalog().addPartitions('trips__raw', [hour('01')]))).toBe('unavailable')
  expect(calls).toHaveLength(5)
})

test('a terminal reason ends at once', async () => {
  const { calls } = await serve({}, () => json({ Errors: [itemError('01', 'InvalidInputException')] }))
  expect(await kindOf(catalog().addPartitions('trips__raw', [hour('01'), hour('02')]))).toBe('usage')
  expect(calls).toHaveLength(1)
})

test('a call that fails as a whole because one partition exists goes on with the others', async () => {
  const known: Record<string, string> = { '01': 's3://raw/01' }
  const { calls } = await serve(known, values =>
    values.includes('01') ? jsonFailure(400, 'AlreadyExistsException') : json({}),
  )
  await catalog().addPartitions('trips__raw', [hour('01'), hour('02')])
  expect(calls).toEqual([['01', '02'], ['02']])
})
