import type { DateOperand, Duration, Size } from './ast.ts'
import type { Cursor } from './cursor.ts'
import { unitFix } from './parse-number.ts'

/** A date, a clock time, `now()` or `(now() - 3 days)`; undefined when something else comes. */
export function parseDate(cursor: Cursor): DateOperand | undefined {
  const { kind, text } = cursor.peek()
  if (kind === 'date') {
    cursor.next()
    return { kind: 'date', text }
  }
  if (kind === 'time') return parseTime(cursor)
  if (kind === 'now') {
    cursor.next()
    if (cursor.sees('+', '-'))
      return cursor.fail('arithmetic on now() stands in parentheses', { fix: 'write (now() - 3 days)' })
    return { kind: 'now', offset: undefined }
  }
  return text === '(' && cursor.peek(1).kind === 'now' ? parseNowOffset(cursor) : undefined
}

function parseNowOffset(cursor: Cursor): DateOperand {
  cursor.next()
  cursor.next()
  const sign = cursor.take('+', '-')
  if (!sign)
    return cursor.fail(`expected + or - after now(), found ${cursor.found()}`, {
      fix: cursor.sees(')') ? 'write now() without parentheses' : undefined,
    })
  const duration = parseDuration(cursor)
  cursor.expect(')')
  return { kind: 'now', offset: { sign: sign.text as '+' | '-', duration } }
}

/** Clock times are checked, dates are not ("2022-99-99" parses): so AWS does. */
function parseTime(cursor: Cursor): DateOperand {
  const { text, span } = cursor.next()
  const minutes = minutesOf(text)
  return minutes === undefined
    ? cursor.refuse(`"${text}" is no time of the day`, { span, fix: 'such as "9:30 AM", "9:30 PM" or "21:30"' })
    : { kind: 'time', text, minutes }
}

/** Java's pattern HH:mm takes 24:00 for the midnight with which the day begins, and no other minute of that hour. */
function minutesOf(text: string): number | undefined {
  const [, hours, minutes, half] = /^(\d{1,2}):(\d\d)(?: ([AP])M)?$/.exec(text) ?? []
  const [hour, minute] = [Number(hours), Number(minutes)]
  if (minute > 59) return undefined
  if (half === undefined) return text === '24:00' ? 0 : hour > 23 ? undefined : hour * 60 + minute
  return hour < 1 || hour > 12 ? undefined : ((hour % 12) + (half === 'P' ? 12 : 0)) * 60 + minute
}

const DURATION_UNITS = ['days', 'hours', 'minutes'] as const
const SIZE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const

export const isDurationNext = (cursor: Cursor): boolean => isAmountOf(cursor, DURATION_UNITS)
export const isSizeNext = (cursor: Cursor): boolean => isAmountOf(cursor, SIZE_UNITS)

function isAmountOf(cursor: Cursor, units: readonly string[]): boolean {
  const unit = cursor.peek(1)
  return isWhole(cursor.peek()) && unit.kind === 'keyword' && units.includes(unit.text)
}

const isWhole = ({ kind, text }: { readonly kind: string; readonly text: string }): boolean =>
  kind === 'number' && /^\d+$/.test(text)

export function parseDuration(cursor: Cursor): Duration {
  const amount = parseAmount(cursor)
  const unit = cursor.take(...DURATION_UNITS)
  if (unit) return { amount, unit: unit.text as Duration['unit'] }
  return cursor.fail(`expected days, hours or minutes, found ${cursor.found()}`, {
    fix: unitFix(String(amount), cursor.peek().text),
  })
}

export function parseSize(cursor: Cursor): Size {
  const amount = parseAmount(cursor)
  return { amount, unit: cursor.next().text as Size['unit'] }
}

/** AWS keeps amounts in 32 bits and dies on more. */
export const AMOUNT_MAX = 2_147_483_647

function parseAmount(cursor: Cursor): number {
  if (!isWhole(cursor.peek()))
    return cursor.fail(`expected a whole number, found ${cursor.found()}`, { fix: amountFix(cursor.peek().text) })
  const { text, span } = cursor.next()
  if (Number(text) > AMOUNT_MAX) return cursor.refuse(`${text} is too large: at most ${AMOUNT_MAX}`, { span })
  return Number(text)
}

function amountFix(text: string): string | undefined {
  const [, amount, unit] = /^(\d+)([a-z]+)$/i.exec(text) ?? []
  return amount === undefined || unit === undefined ? undefined : unitFix(amount, unit)
}

/** A zone of the tz database, or an offset as Java writes it. */
export function isTimeZone(name: string): boolean {
  if (/^(Z|(UTC|GMT|UT)?[+-]\d{1,2}(:?\d\d)?)$/.test(name)) return true
  if (!/^[A-Z]/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
