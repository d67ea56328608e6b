// What --at takes: digits are an id, everything else is a time, in UTC unless it says otherwise. Nothing is guessed.
import { expect, test } from 'vitest'
import { readAt } from '../../cli/snapshot-choice.ts'

test.each([
  ['2026-05-01', '2026-05-01T00:00:00.000Z'],
  ['2026-05-01 10:30', '2026-05-01T10:30:00.000Z'],
  ['2026-05-01T10:30', '2026-05-01T10:30:00.000Z'],
  ['2026-05-01T10:30:15', '2026-05-01T10:30:15.000Z'],
  ['2026-05-01T10:30:15.123Z', '2026-05-01T10:30:15.123Z'],
  ['2026-05-01t10:30:15z', '2026-05-01T10:30:15.000Z'],
  ['2026-05-01T10:30:15+02:00', '2026-05-01T08:30:15.000Z'],
  ['2026-05-01 10:30:15 -0530', '2026-05-01T16:00:15.000Z'],
])('%s is the time %s', (text, iso) => {
  expect(readAt(text)).toEqual({ kind: 'time', ms: Date.parse(iso), text })
})

test('digits are an id, exact to the last one', () => {
  expect(readAt('9223372036854775807')).toEqual({ kind: 'id', id: 9223372036854775807n })
  expect(readAt('2026')).toEqual({ kind: 'id', id: 2026n })
})

test.each(['', 'now', 'yesterday', '2026-13-01', '2026-05-01T25:00', '01/05/2026', '99999999999999999999', '-5'])(
  '%j is refused',
  text => {
    expect(() => readAt(text)).toThrow(`--at ${text} is neither a snapshot id nor a time`)
  },
)
