// A record of a few kilobytes may expand to more than a function holds: it has failed, and the records beside it keep their places. What
// Firehose then delivers with the errors is taken apart under the same bounds.
import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { ownersOf } from '#lake/stream-error.ts'
import { streamRouter } from '#lake/stream-route.ts'
import { answers, record, streamed } from './stream-fixture.ts'

const lake = memoryLake()
afterAll(() => lake.dispose())

const CLICK = '{"type":"click","id":1,"at":"2026-05-04T10:15:00Z","country":"de"}'
const MILLION = 1_000_000

const logsOf = (stream: string, events: number): string => {
  const envelope = { messageType: 'DATA_MESSAGE', owner: '1', logGroup: '/aws/lambda/shop', logStream: stream }
  return JSON.stringify({ ...envelope, logEvents: Array.from({ length: events }, () => ({ message: '{}' })) })
}

const BOMBS: readonly (readonly [what: string, plain: () => string])[] = [
  ['one long value', () => `{"type":"click","id":1,"country":"${'x'.repeat(20 * MILLION)}"}`],
  ['millions of elements', () => `[${'1,'.repeat(30 * MILLION)}1]`],
  ['millions of lines', () => '1\n'.repeat(30 * MILLION)],
  ['millions of events', () => '{}'.repeat(30 * MILLION)],
  ['millions of levels', () => `${'['.repeat(30 * MILLION)}${']'.repeat(30 * MILLION)}`],
  ['a long name in each of many log events', () => logsOf('s'.repeat(100_000), 20_000)],
  ['the same in several envelopes', () => logsOf('s'.repeat(10_000), 2_000).repeat(20)],
]

test.each(BOMBS)('%s', async (_what, plain) => {
  const bytes = gzipSync(plain())
  expect(bytes.length).toBeLessThan(1_024_000)
  expect(await answers(lake, [record('before', CLICK), record('bomb', bytes), record('behind', CLICK)])).toMatchObject({
    before: { result: 'Ok' },
    bomb: { result: 'ProcessingFailed' },
    behind: { result: 'Ok' },
  })
})

test('bombs are of no dataset, so that their error is a dead letter', () => {
  const router = streamRouter(streamed)
  for (const [, plain] of BOMBS.slice(1)) expect([...ownersOf(router, gzipSync(plain()))]).toEqual([undefined])
})

test('what a log group sends in a minute is no bomb', async () => {
  const events = Array.from({ length: 20_000 }, () => ({ message: '{"level":"info","time":1777894740000}' }))
  const envelope = { messageType: 'DATA_MESSAGE', owner: '1', logGroup: '/aws/lambda/shop', logStream: '2026/05/04/a' }
  const bytes = gzipSync(JSON.stringify({ ...envelope, logEvents: events }))
  expect(await answers(lake, [record('logs', bytes)])).toMatchObject({ logs: { result: 'Ok' } })
})
