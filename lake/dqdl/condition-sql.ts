import { join, type Sql, sql } from '../duckdb/sql.ts'
import type { DateOperand, Duration, NumberCondition, Operator, SizeCondition } from './ast.ts'
import { computeNumber, type Incomputable, isIncomputable, type Last } from './number.ts'

const COMPARISONS: Readonly<Record<string, Sql>> = {
  '>': sql`>`,
  '>=': sql`>=`,
  '<': sql`<`,
  '<=': sql`<=`,
  '=': sql`=`,
  '!=': sql`<>`,
}

/** `value <operator> operands` as DuckDB compares; between excludes both ends, not between includes them. */
export function compareSql(value: Sql, operator: Operator, operands: readonly Sql[]): Sql {
  const [first = sql`NULL`, second = sql`NULL`] = operands
  switch (operator) {
    case 'between':
      return sql`(${value} > ${first} AND ${value} < ${second})`
    case 'not between':
      return sql`(${value} <= ${first} OR ${value} >= ${second})`
    case 'in':
      return sql`(${value} IN (${join(operands, ', ')}))`
    case 'not in':
      return sql`(${value} NOT IN (${join(operands, ', ')}))`
    case 'matches':
    case 'not matches':
      return sql`FALSE`
    default:
      return sql`(${value} ${COMPARISONS[operator] as Sql} ${first})`
  }
}

/** The numbers that a condition compares with; NULL among them is left to the caller. */
export function numbersOf(condition: NumberCondition, last: Last): readonly number[] | Incomputable {
  const numbers: number[] = []
  for (const operand of condition.operands) {
    if (operand.kind === 'null') continue
    const computed = computeNumber(operand, last)
    if (isIncomputable(computed)) return computed
    if (!Number.isFinite(computed)) return { problem: 'an operand is not a number' }
    numbers.push(computed)
  }
  return numbers
}

/** Dates are days: both sides are cut to the day, even for now(). */
export function dateSql(operand: DateOperand, nowMs: number): Sql | Incomputable {
  switch (operand.kind) {
    case 'date':
      return isDate(operand.text)
        ? sql`CAST(${operand.text} AS DATE)`
        : { problem: `Invalid date operand: "${operand.text}" is not a day of the calendar` }
    case 'now':
      return sql`CAST(${dayOf(shifted(operand, nowMs))} AS DATE)`
    case 'time':
      return sql`CAST(${dayOf(nowMs)} AS DATE)`
    case 'null':
      return { problem: 'NULL cannot be compared' }
  }
}

export const dayOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10)

/** Milliseconds since the epoch of a date operand; clock times are those of today in the time zone. */
export function instantOf(operand: DateOperand, nowMs: number, timeZone = 'UTC'): number | Incomputable {
  switch (operand.kind) {
    case 'date':
      return isDate(operand.text)
        ? Date.parse(operand.text)
        : { problem: `Invalid date operand: "${operand.text}" is not a day of the calendar` }
    case 'now':
      return shifted(operand, nowMs)
    case 'time':
      return timeOfToday(operand.minutes, nowMs, timeZone)
    case 'null':
      return { problem: 'NULL cannot be compared' }
  }
}

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

/** The instant of a clock time on the day that it is now in a zone. On days when clocks change, offsets before and after differ. */
function timeOfToday(minutes: number, nowMs: number, timeZone: string): number {
  const localMs = nowMs + offsetMs(nowMs, timeZone)
  const wantedMs = Math.floor(localMs / DAY_MS) * DAY_MS + minutes * MINUTE_MS
  const guessMs = wantedMs - offsetMs(nowMs, timeZone)
  return wantedMs - offsetMs(guessMs, timeZone)
}

/** How far a zone is ahead of UTC at an instant. Java's `UTC+2` and `+0200` are offsets, which Intl spells `+02:00`. */
function offsetMs(atMs: number, timeZone: string): number {
  const [, sign, hours, minutes = '00'] = /^(?:UTC|GMT|UT)?([+-])(\d{1,2}):?(\d\d)?$/.exec(timeZone) ?? []
  if (sign !== undefined) return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MINUTE_MS
  if (timeZone === 'Z') return 0
  const parts = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  }).formatToParts(atMs)
  const part = (type: string): number => Number(parts.find(each => each.type === type)?.value)
  const local = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
  return local - Math.floor(atMs / 1_000) * 1_000
}

function isDate(text: string): boolean {
  const time = Date.parse(text)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}

function shifted({ offset }: Extract<DateOperand, { kind: 'now' }>, nowMs: number): number {
  if (offset === undefined) return nowMs
  const ms = hoursOf(offset.duration) * 3_600_000
  return offset.sign === '-' ? nowMs - ms : nowMs + ms
}

/** Minutes to four digits, as Glue turns them into hours. */
export function hoursOf({ amount, unit }: Duration): number {
  if (unit === 'days') return amount * 24
  return unit === 'hours' ? amount : Math.round((amount / 60) * 10_000) / 10_000
}

const UNITS = { B: 1, KB: 1_024, MB: 1_024 ** 2, GB: 1_024 ** 3, TB: 1_024 ** 4 } as const

/** A condition on sizes as one on bytes. */
export function bytesCondition({ operator, operands }: SizeCondition): NumberCondition {
  return {
    kind: 'number',
    operator,
    operands: operands.map(({ amount, unit }) => {
      const value = amount * UNITS[unit ?? 'B']
      return { kind: 'literal', text: String(value), value }
    }),
  }
}
