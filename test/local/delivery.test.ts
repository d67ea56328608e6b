// The stream of a laptop delivers as Firehose does: by size or by age, through the same transformation, to the same keys, what fails with the errors.
// Whoever dies in the middle of a delivery, at any moment, is followed by somebody who delivers the same: every event is in its table once.
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { diskLake, type LocalLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { recordHeader } from '#lake/stream.ts'
import { deliverDue } from '#local/delivery.ts'
import { startLocal } from '#local/run.ts'
import { uris } from '../functions/ingest/landing.ts'
import { streamed } from '../functions/ingest/stream-fixture.ts'
import { inFolder, query } from './lake-state.ts'

const FLUSH = { bytesMax: 1_048_576, ageMsMax: 0 }
const click = (id: number, at = '2026-01-01T10:00:00Z'): Buffer =>
  Buffer.from(JSON.stringify({ type: 'click', id, at }))

const keysOf = async (lake: LocalLake): Promise<readonly string[]> =>
  (await uris(lake, `${lake.zones.landing}/`)).map(uri =>
    uri.slice(lake.zones.landing.length + 1).replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, '<id>'),
  )

test('to folders by dataset, event date, event hour and key; what fails below the errors', async () => {
  const lake = memoryLake()
  await lake.stream.put([
    click(1),
    click(2, '2026-01-01T11:59:59Z'),
    Buffer.from('{"type":"tap","id":3,"at":"2026-01-01T10:30:00Z","country":"de"}'),
    Buffer.from(`${recordHeader('payments')}{"id":4,"date":"2025-12-31"}`),
    Buffer.from('no event'),
    Buffer.from(' '),
  ])
  lake.clock.advance(61_000)
  const objects = await deliverDue(lake, streamed, FLUSH)
  expect(await keysOf(lake)).toEqual([
    'stream-errors/processing-failed/2026/01/01/00/local-1-2026-01-01-00-01-01-<id>',
    'streams/clicks/event_date=2026-01-01/event_hour=10/key=de/local-1-2026-01-01-00-01-01-<id>.gz',
    'streams/clicks/event_date=2026-01-01/event_hour=10/key=null/local-1-2026-01-01-00-01-01-<id>.gz',
    'streams/clicks/event_date=2026-01-01/event_hour=11/key=null/local-1-2026-01-01-00-01-01-<id>.gz',
    'streams/payments/event_date=2025-12-31/event_hour=00/key=all/local-1-2026-01-01-00-01-01-<id>.gz',
  ])
  const texts = await Promise.all(objects.map(async ({ uri }) => Buffer.from(await lake.storage.get(uri))))
  const plain = texts.map(bytes => (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString())
  expect(plain).toContain('{"id":4,"date":"2025-12-31"}\n')
  const error = plain.find(text => text.includes('errorCode'))
  expect(JSON.parse(error ?? '')).toMatchObject({
    errorCode: 'Lambda.ProcessingFailedStatus',
    rawData: Buffer.from('no event').toString('base64'),
  })
  expect(await uris(lake, lake.stream.base)).toEqual([])
})

test('not before there is enough of it, or it has waited long enough', async () => {
  const lake = memoryLake()
  const buffering = { bytesMax: 3_000, ageMsMax: 60_000 }
  await lake.stream.put([click(1)])
  lake.clock.advance(59_999)
  expect(await deliverDue(lake, streamed, buffering)).toEqual([])
  lake.clock.advance(1)
  expect(await deliverDue(lake, streamed, buffering)).toHaveLength(1)
  const many = Array.from({ length: 20 }, (_, at) => click(at))
  await lake.stream.put(many)
  expect(await deliverDue(lake, streamed, buffering)).toHaveLength(1)
  expect(await lake.stream.waiting()).toEqual([])
})

test('more than 500 folders at a time go to the errors', async () => {
  const lake = memoryLake()
  const one = (at: number) => Buffer.from(JSON.stringify({ type: 'click', id: at, country: `c${at}` }))
  await lake.stream.put(Array.from({ length: 499 }, (_, at) => one(at)))
  await lake.stream.put(Array.from({ length: 3 }, (_, at) => one(499 + at)))
  expect(await deliverDue(lake, streamed, FLUSH)).toHaveLength(501)
  const errors = (await keysOf(lake)).filter(key => key.startsWith('stream-errors/'))
  expect(errors).toHaveLength(1)
  expect(errors[0]).toMatch(/^stream-errors\/activePartitionExceeded\/2026\/01\/01\/00\//)
})

test('dying at each call of a delivery, and again at the next one: the same objects, each event once', async () => {
  const run = async (diesAt: readonly number[]): Promise<{ calls: number; rows: readonly string[] }> => {
    let calls = 0
    let life = 0
    let armed = false
    const lake = memoryLake({
      storageFaults: moment => {
        if (!armed || moment.endsWith('list')) return
        calls++
        if (calls === diesAt[life]) throw new Error('killed')
      },
    })
    await lake.stream.put([click(1), click(2), Buffer.from('bad')])
    await lake.stream.put([click(3), Buffer.from(`${recordHeader('payments')}{"id":4}`)])
    armed = true
    for (; ; life++) {
      calls = 0
      try {
        await deliverDue(lake, streamed, FLUSH)
        break
      } catch (error) {
        if (!(error instanceof Error) || error.message !== 'killed') throw error
      }
    }
    armed = false
    const events: string[] = []
    for (const uri of await uris(lake, `${lake.zones.landing}/`)) {
      const bytes = Buffer.from(await lake.storage.get(uri))
      const text = (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString()
      events.push(
        ...text
          .trimEnd()
          .split('\n')
          .map(line => JSON.parse(line).id ?? JSON.parse(line).rawData),
      )
    }
    expect(await uris(lake, lake.stream.base)).toEqual([])
    lake.dispose()
    return { calls, rows: events.map(String).toSorted() }
  }
  const whole = await run([])
  expect(whole.rows).toEqual(['1', '2', '3', '4', Buffer.from('bad').toString('base64')].toSorted())
  expect(whole.calls).toBeGreaterThan(15)
  for (let first = 1; first <= whole.calls; first++) {
    expect((await run([first])).rows, `killed at call ${first}`).toEqual(whole.rows)
    for (let second = 1; second <= whole.calls; second += 3)
      expect((await run([first, second])).rows, `killed at calls ${first} and ${second}`).toEqual(whole.rows)
  }
})

test('into the tables, and what failed into quarantine', () =>
  inFolder(async folder => {
    const lake = diskLake(folder)
    await lake.stream.put([click(1), click(2), Buffer.from(`${recordHeader('clicks')}{"id":"x"}`)])
    const runner = startLocal(lake, streamed, { windowMs: 5 })
    runner.landed(await deliverDue(lake, streamed, FLUSH))
    await runner.idle()
    await runner.close()
    const ids = await query(lake, 'clicks', table => sql`SELECT id::INTEGER AS id FROM ${table} ORDER BY id`)
    expect(ids).toEqual([{ id: 1 }, { id: 2 }])
    const refused = await query(
      lake,
      'clicks__quarantine',
      table => sql`SELECT decode(raw) AS raw, reason FROM ${table}`,
    )
    expect(refused).toEqual([{ raw: '{"id":"x"}', reason: 'type:id' }])
  }))
