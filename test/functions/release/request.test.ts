// What an event may ask of the function `release`: what it does not know, or cannot read, it refuses, because a filter that is not understood
// would mean all records.
import { expect, test } from 'vitest'
import { releaseAction } from '#functions/release/release.ts'
import { releaseRequest } from '#functions/release/request.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { isLakeError } from '#lake/errors.ts'
import { orders } from '../publish/refining.ts'

const dataset = orders()
const parse = (event: unknown) => releaseRequest([dataset], event)

test('all that can be said', () => {
  const event = {
    action: 'drop',
    dataset: 'orders',
    reason: 'type:*',
    stage: 'contract',
    batch: 'b1',
    source: 'orders/*',
    record: 0,
    since: '2026-05-01T10:00:00Z',
    limit: 5,
    because: 'a test',
    dryRun: true,
  }
  expect(parse(event)).toEqual({
    dataset,
    action: 'drop',
    filter: {
      reason: 'type:*',
      stage: 'contract',
      batch: 'b1',
      source: 'orders/*',
      record: 0,
      sinceMs: Date.UTC(2026, 4, 1, 10),
    },
    limit: 5,
    reason: 'a test',
    dryRun: true,
  })
  expect(parse({ action: 'release', dataset: 'orders' })).toEqual({
    dataset,
    action: 'release',
    filter: {},
    dryRun: false,
  })
})

const plain = { action: 'release', dataset: 'orders' }

test.each([
  [undefined, 'action is release or drop, not undefined'],
  [{ ...plain, action: 'delete' }, 'action is release or drop, not "delete"'],
  [{ ...plain, dataset: 'others' }, 'there is no dataset "others"'],
  [{ ...plain, reasons: 'type:*' }, 'there is no field reasons'],
  [{ ...plain, reason: '' }, 'reason is a text, not ""'],
  [{ ...plain, source: ['a'] }, 'source is a text, not ["a"]'],
  [{ ...plain, batch: 'x'.repeat(1_001) }, 'batch is a text, not "xxx'],
  [{ ...plain, record: -1 }, 'record is a whole number from 0 on, not -1'],
  [{ ...plain, limit: 0 }, 'limit is a whole number from 1 on, not 0'],
  [{ ...plain, since: 'yesterday' }, 'since is a time in ISO 8601, not "yesterday"'],
  [{ ...plain, dryRun: 'no' }, 'dryRun is true or false, not "no"'],
])('%j is refused', (event, message) => {
  expect(() => parse(event)).toThrow(message)
  try {
    parse(event)
  } catch (error) {
    expect(isLakeError(error, 'event-invalid')).toBe(true)
  }
})

test('a dataset that never had a quarantine', async () => {
  const lake = memoryLake()
  expect(await releaseAction(lake, plain, [dataset])).toMatchObject({ records: 0, batches: [] })
  lake.dispose()
})
