import type { MetricValue } from './check.ts'
import { median } from './number.ts'

/** What was expected of a metric, from its history. */
export interface Expectation {
  readonly method: 'seasonal-naive' | 'robust-z' | 'none'
  readonly expected: number
  readonly low: number
  readonly high: number
}

/** Fewer earlier values say nothing: everything is normal. */
const HISTORY_MIN = 4
/** Three and a half deviations, as Iglewicz and Hoaglin advise for the modified z-score. */
const DEVIATIONS_MAX = 3.5
/** Turns the median absolute deviation into a standard deviation of normal values. */
const MAD_SCALE = 1.4826
const SEASON = 7
const DAY_MS = 86_400_000

/**
 * Whether a value fits its history. With two weeks of daily values, it is compared with those of the same weekday (seasonal
 * naive); otherwise with all of them. What is usual is told by the median and the median absolute deviation, which an earlier outlier
 * does not move; a metric that never changed may change by a hundredth.
 */
export function expectationOf(history: readonly MetricValue[], nowMs: number): Expectation {
  if (history.length < HISTORY_MIN) return { method: 'none', expected: Number.NaN, low: -Infinity, high: Infinity }
  const season = sameWeekday(history, nowMs)
  const method = season.length >= 2 && isDaily(history) ? 'seasonal-naive' : 'robust-z'
  const values = (method === 'seasonal-naive' ? season : history).map(each => each.value)
  const expected = median(values)
  const spread =
    MAD_SCALE * median(history.map(each => Math.abs(each.value - baseline(each, { history, nowMs, method }))))
  const margin = Math.max(DEVIATIONS_MAX * spread, Math.abs(expected) * 0.01)
  return { method, expected, low: expected - margin, high: expected + margin }
}

const isDaily = (history: readonly MetricValue[]): boolean => {
  const times = history.map(each => each.timeMs)
  const days = (Math.max(...times) - Math.min(...times)) / DAY_MS
  return history.length >= 2 * SEASON && days >= 2 * SEASON - 1 && history.length <= 2 * (days + 1)
}

const sameWeekday = (history: readonly MetricValue[], nowMs: number): readonly MetricValue[] =>
  history.filter(each => weekdayOf(each.timeMs) === weekdayOf(nowMs))

const weekdayOf = (timeMs: number): number => Math.floor(timeMs / DAY_MS) % SEASON

/** What would have been expected of an earlier value, so that the rhythm of a week is no spread. */
function baseline(
  value: MetricValue,
  { history, method }: { readonly history: readonly MetricValue[]; readonly nowMs: number; readonly method: string },
): number {
  return median((method === 'seasonal-naive' ? sameWeekday(history, value.timeMs) : history).map(each => each.value))
}
