// `sluice dlq` groups dead letters by cause, sends them again to where they fell out of, or drops them, and never without being told
// which. What a redrive cannot do anything with stays and says why.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { QUEUES } from '../../cli/dlq-letters.ts'
import { tableRows } from '../functions/quality/batches.ts'
import { type CommandBench, commandBench, orders } from './command-bench.ts'

let bench: CommandBench
beforeEach(() => {
  bench = commandBench()
})
afterEach(() => bench.remove())

const created = (key: string): string =>
  JSON.stringify({
    source: 'aws.s3',
    'detail-type': 'Object Created',
    detail: { bucket: { name: 'landing' }, object: { key } },
  })

const keep = (id: string, change: { queue?: string; body?: string; cause?: string } = {}) =>
  bench.lake.deadLetters.keep({
    id,
    queue: 'ingest',
    body: created('orders/a.ndjson'),
    cause: 'NO_PERMISSIONS',
    message: 'not allowed',
    sentMs: Date.UTC(2026, 0, 1),
    ...change,
  })

const land = (key: string, text = '{"id":1}\n') =>
  bench.lake.storage.put(`${bench.lake.zones.landing}/${key}`, Buffer.from(text))

const listed = async () => JSON.parse((await bench.run(['dlq', 'list', '--json'])).out)
const ids = async () => (await tableRows(bench.lake, 'orders')).map(row => Number(row['id']))

test('a lake without dead letters', async () => {
  await land('orders/a.ndjson')
  expect(await bench.run(['dlq', 'list'])).toEqual({ code: 0, out: 'No dead letters.\n', err: '' })
})

test('a filter that nothing passes does not look like a lake without dead letters', async () => {
  await keep('1')
  const none = 'No dead letters match. `sluice dlq list` shows all there are.\n'
  for (const filter of [
    ['--queue', 'refine'],
    ['--cause', 'no-permissions'],
    ['--match', 'b.ndjson'],
  ])
    for (const action of ['list', 'show']) {
      const { code, out, err } = await bench.run(['dlq', action, ...filter])
      expect({ code, out, err }, `${action} ${filter.join(' ')}`).toEqual({ code: 0, out: none, err: '' })
    }
  expect((await bench.run(['dlq', 'drop', '--cause', 'no-permissions'])).out).toBe(
    '0 letters dropped: none match; `sluice dlq list` shows all there are\n',
  )
  expect(await listed()).toMatchObject({ letters: 1 })
})

test('a queue that is not there is refused, with those that there are', async () => {
  await keep('1', { queue: 'own' })
  const queues = [...QUEUES, 'own', 'rejected'].join(', ')
  for (const action of ['list', 'show', 'redrive', 'drop']) {
    const { code, err } = await bench.run(['dlq', action, '--queue', 'foo'])
    expect({ code, err }, action).toEqual({
      code: 2,
      err: `error: there is no queue foo\nnext:  the queues are ${queues}\n`,
    })
  }
  expect((await bench.run(['dlq', 'show', '--queue', 'ingst'])).err).toContain(
    `did you mean ingest? the queues are ${queues}\n`,
  )
  expect((await bench.run(['dlq', 'show', '--queue', 'own'])).code).toBe(0)
})

test('the queues are those of a stage', () => {
  const program = readFileSync(join(import.meta.dirname, '../../sst.config.ts'), 'utf8')
  const named = [...program.matchAll(/(\w+): stages\.\w+\.deadLetters/g)].map(([, name]) => name)
  expect(QUEUES).toEqual(named)
})

test('groups by queue and cause, with an example', async () => {
  await keep('1')
  await keep('2', { body: created('orders/b.ndjson') })
  await keep('3', { queue: 'refine', cause: 'THROTTLING', body: '{"detail":{"dataset":"orders","batch":"B1"}}' })
  expect((await bench.run(['dlq', 'list'])).out).toBe(
    [
      'queue   cause           letters  oldest                newest                for example',
      '──────  ──────────────  ───────  ────────────────────  ────────────────────  ────────────────────────────',
      'ingest  NO_PERMISSIONS        2  2026-01-01 00:00:00Z  2026-01-01 00:00:00Z  orders/a.ndjson: not allowed',
      'refine  THROTTLING            1  2026-01-01 00:00:00Z  2026-01-01 00:00:00Z  orders B1: not allowed',
      '3 dead letters',
      '',
    ].join('\n'),
  )
  // Looking holds nothing for long.
  expect((await listed()).letters).toBe(3)
})

test('show prints letters with their bodies, filtered', async () => {
  await keep('1')
  await keep('2', { body: created('orders/b.ndjson') })
  const { out } = await bench.run(['dlq', 'show', '--match', 'b.ndjson'])
  expect(out).toContain(
    'orders/b.ndjson  ingest 2\n  NO_PERMISSIONS  not allowed\n  sent 2026-01-01 00:00:00Z, looked at 1 time\n',
  )
  expect(out).toContain('1 dead letter\n')
  expect((await bench.run(['dlq', 'show', '--limit', '1'])).out).toContain('1 of 2 dead letters\n')
})

describe('redrive', () => {
  test('what ingest was not given gets its rows; again there is nothing to do', async () => {
    await land('orders/a.ndjson')
    await keep('1')
    expect((await bench.run(['dlq', 'redrive', '--queue', 'ingest'])).out).toContain('1 letter redriven')
    expect(await ids()).toEqual([1])
    expect(await listed()).toMatchObject({ letters: 0 })
    expect((await bench.run(['dlq', 'redrive', '--queue', 'ingest'])).out).toBe(
      '0 letters redriven: none match; `sluice dlq list` shows all there are\n',
    )
    expect((await bench.run(['dlq', 'redrive', '--all'])).out).toBe('0 letters redriven\n')
    await keep('2')
    await bench.run(['dlq', 'redrive', '--all'])
    expect(await ids()).toEqual([1])
  })

  test('an object that no dataset wanted is taken once a dataset is there; before, it stays', async () => {
    const info = await land('orders/a.ndjson')
    await keep('1', { body: created('orders/a.ndjson') })
    const none = { datasets: [{ ...orders, name: 'other', source: { ...orders.source, match: ['other/**'] } }] }
    await bench.run(['dlq', 'redrive', '--all'], none)
    expect(await listed()).toMatchObject({ letters: 1, groups: [{ queue: 'rejected', cause: 'no-dataset' }] })
    await bench.run(['dlq', 'redrive', '--all'], none)
    expect(await listed()).toMatchObject({ letters: 1 })
    await bench.run(['dlq', 'redrive', '--queue', 'rejected'])
    expect(await ids()).toEqual([1])
    expect(await listed()).toMatchObject({ letters: 0 })
    expect(await bench.lake.storage.head(info.uri)).toBeDefined()
  })

  test('a message that is no event is rejected again, and said so', async () => {
    await keep('1', { body: 'no event' })
    await bench.run(['dlq', 'redrive', '--all'])
    expect(await listed()).toMatchObject({ letters: 1, groups: [{ queue: 'rejected', cause: 'event-invalid' }] })
    await bench.run(['dlq', 'redrive', '--all'])
    expect(await listed()).toMatchObject({ letters: 1 })
  })

  test('what a schedule repeats by itself is left, with the reason', async () => {
    await keep('1', { queue: 'watch', body: '{}' })
    const { code, out } = await bench.run(['dlq', 'redrive', '--all'])
    expect(code).toBe(1)
    expect(out).toBe('left: watch {}: the schedule starts watch again by itself: drop the letter\n0 letters redriven\n')
    expect(await listed()).toMatchObject({ letters: 1 })
  })

  test('a dry run changes nothing', async () => {
    await land('orders/a.ndjson')
    await keep('1')
    expect((await bench.run(['dlq', 'redrive', '--all', '--dry-run'])).out).toContain('1 dead letter\n')
    expect(await ids()).toEqual([])
    expect(await listed()).toMatchObject({ letters: 1 })
  })
})

describe('drop', () => {
  test('takes those that are named and leaves the others, however many', async () => {
    for (let at = 0; at < 120; at++) await keep(`other-${String(at).padStart(3, '0')}`)
    await keep('wanted', { cause: 'THROTTLING' })
    const dropped = await bench.run(['dlq', 'drop', '--cause', 'THROTTLING', '--rate', '100000', '--json'])
    expect(JSON.parse(dropped.out)).toEqual({ dropped: 1, left: [] })
    expect(await listed()).toMatchObject({ letters: 120, groups: [{ cause: 'NO_PERMISSIONS' }] })
  })

  test('a rejected object stays dropped', async () => {
    await land('nowhere/a.ndjson')
    await keep('1', { body: created('nowhere/a.ndjson') })
    await bench.run(['dlq', 'redrive', '--all'])
    await bench.run(['dlq', 'drop', '--queue', 'rejected'])
    expect(await listed()).toMatchObject({ letters: 0 })
    await keep('2', { body: created('nowhere/a.ndjson') })
    await bench.run(['dlq', 'redrive', '--queue', 'ingest'])
    expect(await listed()).toMatchObject({ letters: 0 })
  })
})

test.each([
  [['dlq', 'redriv'], 'error: sluice dlq cannot redriv\nnext:  did you mean redrive?\n'],
  [
    ['dlq', 'redrive'],
    'error: sluice dlq redrive: which letters?\nnext:  name them with --queue, --cause or --match, or say --all\n',
  ],
  [
    ['dlq', 'drop'],
    'error: sluice dlq drop: which letters?\nnext:  name them with --queue, --cause or --match, or say --all\n',
  ],
  [
    ['dlq', 'drop', '--all', '--rate', '0'],
    'error: --rate 0: not a number\nnext:  give a whole number, 1 at the least: --rate 10\n',
  ],
  [
    ['dlq', 'list', '--lake', 'aws'],
    'error: nothing says which lake on AWS is meant\nnext:  run it where `npx sst deploy` ran, which leaves .sst/outputs.json, or set SLUICE_OPS_URI and the other names of the stage\n',
  ],
  [
    ['tables', '--lake', 'aws'],
    'error: sluice tables works on a lake in a folder, not on AWS\nnext:  give its folder: --lake FOLDER; ./aws is a folder of that name\n',
  ],
])('%j is refused', async (argv, err) => {
  await keep('1')
  const ran = await bench.run(argv)
  expect(ran.err).toBe(err)
  expect(ran.code).toBeGreaterThan(0)
  expect(await listed()).toMatchObject({ letters: 1 })
})
