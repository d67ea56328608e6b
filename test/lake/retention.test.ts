// Which snapshots and refs may go, as the spec's "Snapshot Retention Policy" and Java's RemoveSnapshots have it: a branch keeps its newest
// ancestors by number and by age, a tag its snapshot, both as long as they may live; `main` and the current snapshot never go.
import { expect, test } from 'vitest'
import { removeSnapshots } from '#lake/iceberg/operations/expire.ts'
import { type Expiry, planExpiry } from '#lake/retention.ts'
import { type History, HOUR_MS, idsOf, metadataOf, NOW_MS } from '../functions/maintain/history.ts'

const limits = (ageHours: number, count?: number): Readonly<Record<string, string>> => ({
  'history.expire.max-snapshot-age-ms': String(ageHours * HOUR_MS),
  ...(count === undefined ? {} : { 'history.expire.min-snapshots-to-keep': String(count) }),
})

const told = ({ expired, refs }: Expiry): string =>
  [...expired.map(snapshot => String(snapshot['snapshot-id'])), ...refs].join(' ')

const LINE = '1@50 2@40<1 3@30<2 4@20<3'

test.each<[string, History, string]>([
  ['five days by default', { snapshots: '1@121 2@120<1 3@119<2' }, '1'],
  ['at least one by default', { snapshots: '1@500 2@400<1' }, '1'],
  ['by age', { snapshots: LINE, properties: limits(35) }, '1 2'],
  ['as old as the limit is not older', { snapshots: LINE, properties: limits(40) }, '1'],
  ['retain last: by number, however old', { snapshots: LINE, properties: limits(1, 3) }, '1'],
  ['more to keep than there are', { snapshots: LINE, properties: limits(1, 9) }, ''],
  ['a number of zero still keeps the current one', { snapshots: LINE, properties: limits(0, 0) }, '1 2 3'],
  ['nothing is old', { snapshots: LINE, properties: limits(60) }, ''],
  ['a single snapshot', { snapshots: '1@900' }, ''],
  ['a chain that was cut before', { snapshots: '3@30<2 4@20<3', properties: limits(1, 5) }, ''],
  [
    'times that are out of order end at the first old one',
    { snapshots: '1@5 2@40<1 3@1<2', properties: limits(10) },
    '2 1',
  ],
])('%s', (_what, history, gone) => {
  expect(told(planExpiry(metadataOf(history), NOW_MS)), 'in the order of their times').toBe(gone)
})

test.each<[string, History, string]>([
  [
    'a rollback: what came after is no ancestor, and stays while it is young',
    { snapshots: '1@50 2@40<1 3@30<2', current: 1, properties: limits(35) },
    '2',
  ],
  ['a rollback long ago', { snapshots: '1@50 2@40<1 3@30<2', current: 1, properties: limits(1) }, '2 3'],
  ['staged and young', { snapshots: '1@50 2@20<1 3@10<1', current: 3, properties: limits(30) }, '1'],
  ['staged and old', { snapshots: '1@50 2@40<1 3@10<1', current: 3, properties: limits(30) }, '1 2'],
  ['cherry-picked from a staged one', { snapshots: '1@50 2@45<1 3@40<1 4@1<3', properties: limits(30) }, '1 2 3'],
])('%s', (_what, history, gone) => {
  expect(told(planExpiry(metadataOf(history), NOW_MS))).toBe(gone)
})

test.each<[string, History, string]>([
  [
    'a tag holds its snapshot alone',
    { snapshots: LINE, refs: [{ name: 'q1', at: 2, tag: true }], properties: limits(1) },
    '1 3',
  ],
  [
    'a tag as old as it may become',
    {
      snapshots: LINE,
      refs: [{ name: 'q1', at: 2, tag: true, 'max-ref-age-ms': 40 * HOUR_MS }],
      properties: limits(1),
    },
    '1 3',
  ],
  [
    'a tag that is older goes, and its snapshot with it',
    {
      snapshots: LINE,
      refs: [{ name: 'q1', at: 2, tag: true, 'max-ref-age-ms': 39 * HOUR_MS }],
      properties: limits(1),
    },
    '1 2 3 q1',
  ],
  [
    'the default age of refs is the table’s',
    {
      snapshots: LINE,
      refs: [
        { name: 'old', at: 1, tag: true },
        { name: 'young', at: 3, tag: true },
      ],
      properties: { ...limits(1), 'history.expire.max-ref-age-ms': String(35 * HOUR_MS) },
    },
    '1 2 old',
  ],
])('%s', (_what, history, gone) => {
  expect(told(planExpiry(metadataOf(history), NOW_MS))).toBe(gone)
})

test.each<[string, History, string]>([
  [
    'a branch has the table’s limits',
    { snapshots: '1@50 2@40<1 3@30<2 4@20<1', refs: [{ name: 'b', at: 3 }], properties: limits(35) },
    '1 2',
  ],
  [
    'a branch with limits of its own',
    {
      snapshots: '1@50 2@40<1 3@30<2 4@20',
      refs: [{ name: 'b', at: 3, 'min-snapshots-to-keep': 2, 'max-snapshot-age-ms': 1 }],
      properties: limits(10),
    },
    '1',
  ],
  [
    'a branch that keeps more time than the table',
    {
      snapshots: '1@50 2@40<1 3@30<2 4@20',
      refs: [{ name: 'b', at: 3, 'max-snapshot-age-ms': 45 * HOUR_MS }],
      properties: limits(10),
    },
    '1',
  ],
  [
    'a branch that is too old goes; what only it led to stays while it is young',
    {
      snapshots: '1@50 2@40<1 3@30<2 4@20<1',
      refs: [{ name: 'b', at: 3, 'max-ref-age-ms': HOUR_MS }],
      properties: limits(35),
    },
    '1 2 b',
  ],
  [
    'a ref to nowhere goes',
    { snapshots: LINE, refs: [{ name: 'lost', at: 99, tag: true }], properties: limits(60) },
    'lost',
  ],
  [
    'main has limits of its own and no end',
    {
      snapshots: LINE,
      refs: [{ name: 'main', at: 4, 'min-snapshots-to-keep': 3, 'max-ref-age-ms': 1 }],
      properties: limits(1),
    },
    '1',
  ],
])('%s', (_what, history, gone) => {
  expect(told(planExpiry(metadataOf(history), NOW_MS))).toBe(gone)
})

test('metadata without refs: the current snapshot counts as main', () => {
  const metadata = { ...metadataOf({ snapshots: LINE, properties: limits(1, 2) }), refs: {} }
  expect(told(planExpiry(metadata, NOW_MS))).toBe('1 2')
})

test('a table without snapshots', () => {
  const { 'current-snapshot-id': _current, ...metadata } = metadataOf({ snapshots: LINE })
  expect(planExpiry({ ...metadata, snapshots: [], refs: {} }, NOW_MS)).toMatchObject({ expired: [], refs: [] })
})

test.each([['1d'], ['-1'], ['1.5'], ['']])('a limit of "%s" is refused, for it must not become none', text => {
  const metadata = metadataOf({ snapshots: LINE, properties: { 'history.expire.max-snapshot-age-ms': text } })
  expect(() => planExpiry(metadata, NOW_MS)).toThrow('history.expire.max-snapshot-age-ms')
})

test('what is taken out takes its statistics and the history before it along', () => {
  const statistics = ['1', '2', '4'].map(id => ({ 'snapshot-id': BigInt(id), 'statistics-path': `s3://b/${id}.stats` }))
  const metadata = {
    ...metadataOf({ snapshots: LINE, log: [1, 4, 2, 3, 4], properties: limits(25) }),
    statistics,
    'partition-statistics': statistics,
    'some-future-field': { kept: true },
  }
  const after = removeSnapshots(metadata, { snapshots: new Set([1n, 2n]), refs: [] })
  expect(idsOf(after)).toBe('3 4')
  // Not 4 3 4: between the first 4 and 3 the table was at 2.
  expect(after['snapshot-log'].map(entry => entry['snapshot-id'])).toEqual([3n, 4n])
  expect(after['statistics']).toEqual([statistics[2]])
  expect(after['partition-statistics']).toEqual([statistics[2]])
  expect(after['some-future-field']).toEqual({ kept: true })
  expect(after['current-snapshot-id']).toBe(4n)
})

test('nothing to take out gives back what was given, so that a repetition ends', () => {
  const metadata = metadataOf({ snapshots: LINE })
  expect(removeSnapshots(metadata, { snapshots: new Set([9n]), refs: ['none'] })).toBe(metadata)
  expect(removeSnapshots(metadata, { snapshots: new Set([1n]), refs: [] })['statistics']).toBeUndefined()
})
