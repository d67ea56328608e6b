// Whatever form a record has, each of its events becomes a line of its dataset, exactly as it was put, in the folder of its own time and key;
// a record of which nothing fits fails, one that holds nothing is dropped.
import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { answers, clicks, envelope, payments, record } from './stream-fixture.ts'

const lake = memoryLake()
afterAll(() => lake.dispose())

const CLICK = '{"type":"click","id":1,"at":"2026-05-04T10:15:00Z","country":"de"}'
const TAP = '{"type":"tap","id":2,"at":"2026-05-04T10:59:59Z","country":"de"}'
const HERE = 'clicks 2026-05-04 10 de'
const LOG = '{"level":"info","time":1777894740000}'
const FAILED = { result: 'ProcessingFailed' }

const lines = (...events: readonly string[]): string => `${events.join('\n')}\n`

const SHAPES: readonly (readonly [shape: string, data: string | Uint8Array, answer: object])[] = [
  ['an object', CLICK, { result: 'Ok', text: lines(CLICK), keys: HERE }],
  ['an object and a newline', `${CLICK}\n`, { result: 'Ok', text: lines(CLICK), keys: HERE }],
  ['several by line', `${CLICK}\r\n\n${TAP}`, { result: 'Ok', text: lines(CLICK, TAP), keys: HERE }],
  ['several back to back', `${CLICK}${TAP}`, { result: 'Ok', text: lines(CLICK, TAP), keys: HERE }],
  ['an array', `[${CLICK} , ${TAP}]`, { result: 'Ok', text: lines(CLICK, TAP), keys: HERE }],
  ['gzip', gzipSync(lines(CLICK, TAP)), { result: 'Ok', text: lines(CLICK, TAP), keys: HERE }],
  [
    'several over more than one line each',
    '{\n "type": "tap",\n "id": 2 }\n{"type": "tap",\n"id": 3}',
    {
      result: 'Ok',
      text: '{\n "type": "tap",\n "id": 2 }\n{"type": "tap",\n"id": 3}\n',
      keys: 'clicks 2026-05-04 12 null',
    },
  ],
  [
    'digits that a double does not hold',
    '{"type":"click","id":9007199254740993,"at":null,"x":1.10}',
    { result: 'Ok', text: '{"type":"click","id":9007199254740993,"at":null,"x":1.10}\n' },
  ],
  [
    'brackets and quotes in text',
    '{"type":"click","id":1,"country":"}\\"{"}{"type":"click","id":2}',
    { result: 'Ok', text: '{"type":"click","id":1,"country":"}\\"{"}\n{"type":"click","id":2}\n' },
  ],
  [
    'a dataset by name',
    '{"_dataset":"payments"}\n{"id":7,"date":"2026-05-03","amount":"1.50"}\n',
    { result: 'Ok', text: lines('{"id":7,"date":"2026-05-03","amount":"1.50"}'), keys: 'payments 2026-05-03 00 all' },
  ],
  [
    'a name that outweighs the route',
    `{"_dataset":"clicks"}\n{"type":"other","id":7}`,
    { result: 'Ok', text: '{"type":"other","id":7}\n', keys: 'clicks 2026-05-04 12 null' },
  ],
  [
    'log events with JSON in their messages',
    envelope('/aws/lambda/shop', [LOG, `${LOG}\n`]),
    { result: 'Ok', text: lines(LOG, LOG), keys: 'logs 2026-05-04 11 all' },
  ],
  [
    'log events among which some are no JSON',
    envelope('/aws/lambda/shop', ['START RequestId: 1\n', LOG]),
    { result: 'Ok', text: lines('"START RequestId: 1\\n"', LOG), keys: 'logs 2026-05-04 11 all' },
  ],
  [
    'the test message of CloudWatch Logs',
    envelope('', ['CWL CONTROL MESSAGE: …'], 'CONTROL_MESSAGE'),
    { result: 'Dropped' },
  ],
  ['nothing', '', { result: 'Dropped' }],
  ['blanks', ' \n\r\n', { result: 'Dropped' }],
  ['a name and nothing behind it', '{"_dataset":"clicks"}\n', { result: 'Dropped' }],
  ['an array of nothing', '[]', { result: 'Dropped' }],
  ['log events of a group that nobody takes', envelope('/ecs/shop', [LOG]), FAILED],
  ['log events without any JSON', envelope('/aws/lambda/shop', ['END RequestId: 1\n']), FAILED],
  ['no JSON', 'id=1&type=click', FAILED],
  ['JSON that is no object', '"click"', FAILED],
  ['JSON that is cut', CLICK.slice(0, -5), FAILED],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), FAILED],
  ['gzip that is cut', gzipSync(CLICK).subarray(0, 30), FAILED],
  ['gzip that expands beyond all measure', gzipSync(Buffer.alloc(70_000_000)), FAILED],
  ['a route of nobody', '{"type":"scroll","id":1}', FAILED],
  ['a dataset of no such name', '{"_dataset":"orders"}\n{"id":1}', FAILED],
  ['events of two datasets', `${CLICK}\n{"logGroup":"/aws/lambda/shop","message":{"level":"info"}}`, FAILED],
  ['an event of nobody among others', `${CLICK}\n{"type":"scroll","id":1}`, FAILED],
  ['no envelope where one is declared', '{"_dataset":"logs"}\n{"level":"info"}', FAILED],
  ['a required value that is missing', '{"type":"click","at":"2026-05-04T10:15:00Z"}', FAILED],
  ['a field that a frozen contract does not know', '{"_dataset":"payments"}\n{"id":7,"note":""}', FAILED],
]

test.each(SHAPES)('%s', async (_shape, data, answer) => {
  expect((await answers(lake, [record('r', data)]))['r']).toMatchObject(answer)
})

test('an envelope of any kind: the object in the named field, as it was written', async () => {
  const wrapped = {
    ...clicks,
    source: { ...clicks.source, stream: { ...stream, route: { source: ['web'] }, unwrap: 'detail' } },
  }
  const detail = '{ "id": 90071992547409931, "note": {"detail": [1.0]} }'
  const event = `{"source":"web","time":"2026-05-04T10:15:00Z","detail": ${detail} ,"region":"eu"}`
  expect((await answers(lake, [record('r', event)], [wrapped]))['r']).toMatchObject({
    result: 'Ok',
    text: `${detail}\n`,
  })
})

const stream = clicks.source.stream as NonNullable<typeof clicks.source.stream>

test('what does not fit goes along with what does: its line is there for quality to put aside', async () => {
  const bad = ['{"type":"click","id":"many"}', 'not JSON', '{"type":"click","id":']
  const answer = (await answers(lake, [record('r', lines(bad[0] as string, CLICK, ...bad.slice(1)))]))['r']
  expect(answer).toEqual({ result: 'Ok', text: lines(bad[0] as string, CLICK, ...bad.slice(1)), keys: HERE })
})

const TIMES: readonly (readonly [at: string, keys: string])[] = [
  ['"2026-05-04T10:15:00Z"', '2026-05-04 10'],
  ['"2026-05-04T23:30:00-04:00"', '2026-05-05 03'],
  ['"2026-05-04 00:10+0530"', '2026-05-03 18'],
  ['"2026-05-01"', '2026-05-01 00'],
  ['"2026-05-04T10:15:00"', '2026-05-04 10'],
  ['"2026-04-27T12:30:00Z"', '2026-04-27 12'],
  ['"2026-04-27T12:29:59Z"', 'other other'],
  ['"2026-05-05T12:30:01Z"', 'other other'],
  ['"1969-12-31T23:59:59Z"', 'other other'],
  // These get their place by their arrival; whether the contract takes them quality says.
  ['null', '2026-05-04 12'],
  ['"2026-02-30T00:00:00Z"', '2026-05-04 12'],
  ['"2026-05-04T25:00:00Z"', '2026-05-04 12'],
]

test.each(TIMES)('an event of %s is delivered to %s', async (at, keys) => {
  const answer = (await answers(lake, [record('r', `{"type":"click","id":1,"at":${at}}`)]))['r']
  expect(answer).toMatchObject({ result: 'Ok', keys: `clicks ${keys} null` })
})

test.each(['"yesterday"', '1777894740000', 'true', '{}', '"04.05.2026"'])(
  'a time of %s breaks the contract',
  async at => {
    expect((await answers(lake, [record('r', `{"type":"click","id":1,"at":${at}}`)]))['r']).toMatchObject(FAILED)
  },
)

test.each([
  ['de', 'de'],
  ['a/../b', 'a%2F..%2Fb'],
  ['..', 'sha256-1a0c5ee8f5a1a9d3a5a2b5e1'],
  ['é ☃', '%C3%A9%20%E2%98%83'],
  ["!'()*~", '%21%27%28%29%2A%7E'],
  ['x'.repeat(65), 'sha256-'],
])('the key %s is the folder %s', async (country, folder) => {
  const event = JSON.stringify({ type: 'click', id: 1, at: '2026-05-04T10:15:00Z', country })
  const { keys } = (await answers(lake, [record('r', event)]))['r'] as { keys: string }
  const made = keys.split(' ')[3] as string
  if (folder.startsWith('sha256-')) expect(made).toMatch(/^sha256-[0-9a-f]{32}$/)
  else expect(made).toBe(folder)
})

test('a record that came without its time goes by the clock', async () => {
  const { approximateArrivalTimestamp: _none, ...bare } = record('r', '{"_dataset":"payments"}\n{"id":1}')
  expect((await answers(lake, [bare], [payments]))['r']).toMatchObject({ keys: 'payments 2026-01-01 00 all' })
})
