// What is said of a dataset follows from its measure alone: each limit at its edge, alarms before warnings.
import { expect, test } from 'vitest'
import { age, judge } from '#functions/watch/judge.ts'
import type { Measure } from '#functions/watch/measure.ts'

const NOW = Date.UTC(2026, 0, 2, 12)
const MINUTE = 60_000

const well: Measure = {
  dataset: 'orders',
  measuredMs: NOW,
  lastCommitMs: NOW - 60 * MINUTE,
  eventMs: undefined,
  maxLagMinutes: 60,
  backlog: { batches: 0, objects: 0, bytes: 0, oldestMs: undefined, halted: 0 },
  completeness: { put: 1_000, queryable: 990, quarantined: 10, superseded: 0, suppressed: 0, missing: 0 },
  table: { rows: 990, files: 1, bytes: 10 },
  quarantineRows: 10,
  smallFiles: 1,
  compactionDue: false,
  oldestErasureMs: undefined,
}
const waiting = (minutes: number) => ({ ...well.backlog, batches: 2, oldestMs: NOW - minutes * MINUTE })
const codes = (change: Partial<Measure>) => judge({ ...well, ...change }).map(({ level, code }) => `${level} ${code}`)

test.each<readonly [string, Partial<Measure>, readonly string[]]>([
  ['at every limit', {}, []],
  ['a commit later than promised', { lastCommitMs: NOW - 61 * MINUTE }, ['alarm late-commit']],
  ['no promise, no lateness', { lastCommitMs: 0, maxLagMinutes: undefined }, []],
  ['events later than promised, though commits come', { eventMs: NOW - 61 * MINUTE }, ['alarm late-events']],
  ['an event ahead of the clock', { eventMs: NOW + 61 * MINUTE }, ['warning future-events']],
  ['an event a little ahead', { eventMs: NOW + 60 * MINUTE }, []],
  ['a batch that waits within the promise', { backlog: waiting(60) }, []],
  ['a batch that waits longer', { backlog: waiting(61) }, ['alarm stuck']],
  ['a batch that waits, without a promise', { backlog: waiting(61), maxLagMinutes: undefined }, ['alarm stuck']],
  ['a halted batch', { backlog: { ...well.backlog, halted: 1 } }, ['warning halted']],
  ['never committed', { lastCommitMs: undefined }, ['warning never-committed']],
  ['nothing promised, nothing committed', { lastCommitMs: undefined, maxLagMinutes: undefined }, []],
  ['small files', { compactionDue: true }, ['warning compaction-due']],
  [
    'more than one in a hundred refused',
    { completeness: { put: 1_000, queryable: 989, quarantined: 11, superseded: 0, suppressed: 0, missing: 0 } },
    ['warning quarantine'],
  ],
  [
    'few refused, of few',
    { completeness: { put: 10, queryable: 1, quarantined: 9, superseded: 0, suppressed: 0, missing: 0 } },
    [],
  ],
  [
    'rows that are nowhere, and small files',
    {
      compactionDue: true,
      completeness: { put: 10, queryable: 9, quarantined: 0, superseded: 0, suppressed: 0, missing: 1 },
    },
    ['alarm rows-missing', 'warning compaction-due'],
  ],
  [
    'rows that are counted before their report',
    { completeness: { put: 9, queryable: 10, quarantined: 0, superseded: 0, suppressed: 0, missing: -1 } },
    [],
  ],
])('%s', (_name, change, expected) => expect(codes(change)).toEqual(expected))

test('every finding says what to do next', () => {
  const all = judge({
    ...well,
    lastCommitMs: NOW - 61 * MINUTE,
    eventMs: NOW - 61 * MINUTE,
    backlog: { ...waiting(61), halted: 1 },
    compactionDue: true,
    completeness: { put: 100, queryable: 49, quarantined: 50, superseded: 0, suppressed: 0, missing: 1 },
  })
  expect(all).toHaveLength(7)
  for (const { next, message } of all) expect(Math.min(next.length, message.length)).toBeGreaterThan(10)
})

test.each([
  [1, '1 batch was refused by a rule and is not in the table'],
  [2, '2 batches were refused by a rule and are not in the table'],
])('%d halted: replay is named, which takes them again', (halted, message) => {
  const next =
    '`sluice quality orders` says which; correct the data, or the rule and then `sluice replay --dataset orders --mode failed`'
  expect(judge({ ...well, backlog: { ...well.backlog, halted } })).toMatchObject([{ code: 'halted', message, next }])
})

test('what is in quarantine is listed by the command for it', () => {
  const completeness = { put: 100, queryable: 50, quarantined: 50, superseded: 0, suppressed: 0, missing: 0 }
  expect(judge({ ...well, completeness })).toMatchObject([{ next: 'sluice quarantine list orders' }])
})

test.each([
  [0, '0 s'],
  [59_999, '59 s'],
  [MINUTE, '1 min'],
  [60 * MINUTE, '1 h'],
  [200 * MINUTE, '3 h 20 min'],
  [48 * 60 * MINUTE, '2 d'],
  [52 * 60 * MINUTE, '2 d 4 h'],
  [-5, '0 s'],
])('%d ms is %s', (ms, text) => expect(age(ms)).toBe(text))
