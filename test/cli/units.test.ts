// Numbers as people read them: rounded where the digits say nothing, exact where they do.
import { expect, test } from 'vitest'
import { counted, formatBytes, formatCount, formatDuration, formatTime, isoTime } from '../../cli/units.ts'

test.each([
  [0, '0'],
  [999, '999'],
  [1_000, '1,000'],
  [3_000_000, '3,000,000'],
  [9_007_199_254_740_993n, '9,007,199,254,740,993'],
  [-1_234, '-1,234'],
])('%s is written %s', (count, text) => {
  expect(formatCount(count)).toBe(text)
})

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.0 kB'],
  [999_949, '999.9 kB'],
  [999_950, '1.0 MB'],
  [45_100_000n, '45.1 MB'],
  [2 ** 60, '1152.9 PB'],
])('%s bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})

test.each([
  [0, '0.00 s'],
  [-5, '0.00 s'],
  [1_234, '1.23 s'],
  [9_996, '10.0 s'],
  [59_940, '59.9 s'],
  [99_960, '1 min 40 s'],
  [119_600, '2 min 0 s'],
  [7_199_400, '119 min 59 s'],
  [7_199_600, '2 h 0 min'],
  [172_769_000, '47 h 59 min'],
  [172_771_000, '2 d 0 h'],
  [17_649_791_000, '204 d 7 h'],
])('%i ms are %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

test('times are in UTC, one row is not "1 rows"', () => {
  expect(formatTime(1_700_000_000_123)).toBe('2023-11-14 22:13:20Z')
  expect(isoTime(1_700_000_000_123)).toBe('2023-11-14T22:13:20.123Z')
  expect(counted(1, 'row')).toBe('1 row')
  expect(counted(0, 'row')).toBe('0 rows')
  expect(counted(2_000n, 'row')).toBe('2,000 rows')
})
