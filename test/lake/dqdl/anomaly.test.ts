// A value is judged by the history of its metric: by the same weekday with two weeks of daily values, by all of them otherwise. The median
// and its deviation tell what is usual, so an outlier of the past moves nothing; without a history everything is usual.
import { expect, test } from 'vitest'
import { expectationOf } from '#lake/dqdl/anomaly.ts'
import type { MetricValue } from '#lake/dqdl/check.ts'

const DAY_MS = 86_400_000
/** A Saturday. */
const NOW_MS = Date.UTC(2024, 5, 15, 12)

/** Values of the days before, the most recent first. */
const daily = (values: readonly number[]): readonly MetricValue[] =>
  values.map((value, at) => ({ value, timeMs: NOW_MS - (at + 1) * DAY_MS }))

const fits = (value: number, history: readonly MetricValue[]): boolean => {
  const { low, high } = expectationOf(history, NOW_MS)
  return value >= low && value <= high
}

test('fewer than four values say nothing', () => {
  expect(expectationOf(daily([1, 1, 1]), NOW_MS).method).toBe('none')
  expect(fits(1e9, daily([1, 1, 1]))).toBe(true)
})

test('three and a half deviations of the median are usual', () => {
  // The deviations of the median 100 are 0, 1, 1, 2, 2: their median, 1, scaled, is 1.4826.
  const history = daily([98, 99, 100, 101, 102])
  expect(expectationOf(history, NOW_MS)).toMatchObject({ method: 'robust-z', expected: 100 })
  expect([94.9, 105.1].map(value => fits(value, history))).toEqual([true, true])
  expect([94.7, 105.3].map(value => fits(value, history))).toEqual([false, false])
})

test('one outlier of the past moves nothing', () => {
  expect(fits(1000, daily([100, 101, 1000, 99, 100, 101, 99]))).toBe(false)
  expect(fits(100, daily([100, 101, 1000, 99, 100, 101, 99]))).toBe(true)
})

test('a metric that never changed may change by a hundredth', () => {
  expect(fits(1009, daily([1000, 1000, 1000, 1000]))).toBe(true)
  expect(fits(1011, daily([1000, 1000, 1000, 1000]))).toBe(false)
  expect(fits(0.5, daily([0, 0, 0, 0]))).toBe(false)
})

test('with three weeks of days, a Saturday is like Saturdays', () => {
  // The days before a Saturday, back: Friday, Thursday, Wednesday, Tuesday, Monday, Sunday, Saturday.
  const week = [100, 101, 99, 100, 102, 20, 10]
  const history = daily([...week, ...week.map(value => value + 1), ...week])
  expect(expectationOf(history, NOW_MS)).toMatchObject({ method: 'seasonal-naive', expected: 10 })
  expect(fits(10, history)).toBe(true)
  expect(fits(100, history)).toBe(false)
})

test('values that do not come daily have no weekdays', () => {
  const hourly = Array.from({ length: 30 }, (_each, at) => ({ value: 100 + (at % 2), timeMs: NOW_MS - at * 3_600_000 }))
  expect(expectationOf(hourly, NOW_MS).method).toBe('robust-z')
})
