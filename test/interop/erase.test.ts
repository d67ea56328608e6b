// Contract: `sluice erase --lake aws` leaves nothing of a person in any version of any object, be it under Object Lock, replaced, deleted or swept, nor in
// a dead letter; the others' rows, records and letters stay, and it is known as open for as long as it has not ended.
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3'
import { SendMessageCommand } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cdcApply } from '#functions/cdc-apply/cdc-apply.ts'
import { ingest } from '#functions/ingest/ingest.ts'
import { publish } from '#functions/publish/publish.ts'
import { quality } from '#functions/quality/quality.ts'
import { awsLake } from '#lake/aws/aws-lake.ts'
import { type Dataset, defineDataset } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import type { Lake } from '#lake/lake.ts'
import { type CommandBench, commandBench } from '../cli/command-bench.ts'
import { holding } from '../cli/every-byte.ts'
import { created, drop } from '../functions/ingest/landing.ts'
import { tableRows } from '../functions/quality/batches.ts'
import { database, queueUrl, s3, sqs } from './moto.ts'

const people = defineDataset({
  name: 'people',
  source: { system: 'crm', format: 'ndjson', match: 'people/*' },
  columns: { id: 'long', email: 'string' },
})
const members = defineDataset({
  name: 'members',
  source: {
    ...{ system: 'crm', format: 'ndjson', match: 'members/*' },
    changes: { shape: 'debezium', connector: 'postgresql' },
  },
  columns: { id: 'long', email: 'string' },
  publish: { mode: 'merge', key: 'id' },
})
const datasets = [people, members]
const ZONES = ['landing', 'raw', 'staging', 'tables', 'ops'] as const

let bench: CommandBench
let env: Readonly<Record<string, string>>
let lake: Lake
beforeAll(async () => {
  bench = commandBench()
  for (const zone of ZONES) await zoneBucket(zone)
  const letters = await queueUrl('erase-letters')
  env = {
    ...Object.fromEntries(ZONES.map(zone => [`SLUICE_${zone.toUpperCase()}_URI`, `s3://erase-${zone}`])),
    ...{ SLUICE_DATABASE: await database('erase'), SLUICE_BUS: 'default', SLUICE_DEAD_LETTERS_INGEST: letters },
  }
  lake = awsLake(env)
  for (const key of ['people/ada@x.json', 'people/bob.json'])
    await sqs.send(new SendMessageCommand({ QueueUrl: letters, MessageBody: JSON.stringify({ key }) }))
})
afterAll(() => bench.remove())

/** As the stacks make them: all but staging versioned, raw locked in governance mode. */
async function zoneBucket(zone: string): Promise<void> {
  const Bucket = `erase-${zone}`
  const CreateBucketConfiguration = { LocationConstraint: 'eu-central-1' } as const
  await s3.send(
    new CreateBucketCommand({ Bucket, CreateBucketConfiguration, ObjectLockEnabledForBucket: zone === 'raw' }),
  )
  const VersioningConfiguration = { Status: 'Enabled' } as const
  if (zone !== 'staging') await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
  if (zone !== 'raw') return
  const Rule = { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } } as const
  const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled', Rule } as const
  await s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }))
}

async function land(dataset: Dataset, key: string, records: readonly object[]): Promise<void> {
  const { version } = await drop(lake, key, records.map(each => `${JSON.stringify(each)}\n`).join(''))
  const { batches, ...rest } = await ingest(lake, datasets, created(lake, key, version))
  expect(batches, JSON.stringify(rest)).toHaveLength(1)
  for (const { batch } of batches) {
    await quality(lake, dataset, { batch })
    if (dataset === members) await cdcApply(lake, dataset, { batch })
    await publish(lake, dataset, { batch })
  }
}

const event = (lsn: number, op: string, images: object) => ({
  ...{ before: null, after: null, op, source: { connector: 'postgresql', lsn, ts_ms: 1 } },
  ...images,
})

/** Every version that the buckets keep, current or not. */
async function versionsHolding(...texts: readonly string[]): Promise<readonly string[]> {
  const found: string[] = []
  for (const zone of ZONES) {
    const Bucket = `erase-${zone}`
    const { Versions = [], IsTruncated } = await s3.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 1_000 }))
    expect(IsTruncated).not.toBe(true)
    for (const { Key, VersionId } of Versions) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, VersionId }))
      const text = Buffer.from((await Body?.transformToByteArray()) ?? []).toString('latin1')
      if (texts.some(each => text.includes(each))) found.push(`${zone}/${Key} ${VersionId}`)
    }
  }
  return found
}

const emails = async (table: string) =>
  (await tableRows(lake, table, sql`email`)).map(row => String(row['email'])).toSorted()
const run = (...argv: readonly string[]) => bench.run(['erase', ...argv, '--lake', 'aws'], { datasets, env })

test('a table of records and one of changes', { timeout: 300_000 }, async () => {
  const rows = [
    { id: 1, email: 'ada@x' },
    { id: 2, email: 'bob@x' },
    { id: 'no number', email: 'ada@x' },
  ]
  await land(people, 'people/a', rows)
  await land(people, 'people/b', [{ id: 3, email: 'eve@x' }])
  const before = [
    event(1, 'c', { after: { id: 1, email: 'ada@x' } }),
    event(2, 'c', { after: { id: 2, email: 'bob@x' } }),
  ]
  await land(members, 'members/a', before)
  await land(members, 'members/b', [event(3, 'u', { before: { id: 1 }, after: { id: 1, email: 'later@x' } })])
  await lake.storage.delete(`${lake.zones.landing}/people/a`)
  expect(await versionsHolding('ada@x')).not.toEqual([])

  const dry = await run('--dataset', 'people', '--column', 'email', '--key', 'ada@x', '--dry-run')
  expect([dry.code, dry.err]).toEqual([0, ''])
  expect(dry.out).toMatch(/raw +2 objects +2 records in 1/)
  expect(dry.out).toMatch(/dead letters +1 letter/)

  for (const dataset of ['people', 'members']) {
    const ran = await run('--dataset', dataset, '--column', 'email', '--key', 'ada@x', '--quiesced')
    expect([ran.code, ran.err], ran.out).toEqual([0, ''])
    expect(ran.out).toContain('nothing is left')
  }
  expect(await versionsHolding('ada@x', 'later@x')).toEqual([])
  expect(await holding(lake, 'ada@x', 'later@x')).toEqual([])
  expect([await emails('people'), await emails('members')]).toEqual([['bob@x', 'eve@x'], ['bob@x']])
  expect(await lake.deadLetters.queues()).toEqual([{ name: 'ingest', letters: 1 }])

  const again = await run('--dataset', 'people', '--column', 'email', '--key', 'ada@x')
  expect(again.out).toContain('nothing is there, and nothing was changed')
})
