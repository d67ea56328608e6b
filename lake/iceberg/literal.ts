import { parsePrimitive } from './primitive.ts'
import type { PrimitiveType } from './types.ts'
import type { Value } from './value.ts'

/** A constant as a person writes it. */
export type Literal =
  | { readonly kind: 'number' | 'bytes'; readonly text: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  /** `keyword` is what stands before it, in capitals: `DATE '2024-02-29'`. */
  | { readonly kind: 'text'; readonly text: string; readonly keyword: string | undefined }

/** The literal as a value of exactly this type, nothing rounded or cut; undefined when the type has no such value. */
export function literalValue(type: PrimitiveType, literal: Literal): Value | undefined {
  const primitive = parsePrimitive(type)
  switch (primitive.kind) {
    case 'boolean':
      return literal.kind === 'boolean' ? literal.value : undefined
    case 'int': {
      const value = wholeOf(literal, 32)
      return value === undefined ? undefined : Number(value)
    }
    case 'long':
      return wholeOf(literal, 64)
    case 'decimal': {
      const value = literal.kind === 'number' ? unscaled(literal.text, primitive.scale) : undefined
      const limit = 10n ** BigInt(primitive.precision)
      return value !== undefined && value > -limit && value < limit ? value : undefined
    }
    case 'float':
    case 'double':
      return floating(literal, primitive.kind)
    case 'date':
      return daysOf(literal)
    case 'time':
      return timeOf(literal)
    case 'timestamp':
    case 'timestamptz':
      return microsOf(literal, primitive.kind)
    case 'string':
      return literal.kind === 'text' && literal.keyword === undefined ? literal.text : undefined
    case 'uuid':
      return uuidOf(literal)
    case 'binary':
      return bytesOf(literal)
    case 'fixed': {
      const bytes = bytesOf(literal)
      return bytes?.length === primitive.length ? bytes : undefined
    }
  }
}

/** What a literal of the type looks like. */
export function literalForm(type: PrimitiveType): string {
  const primitive = parsePrimitive(type)
  switch (primitive.kind) {
    case 'boolean':
      return 'true or false'
    case 'int':
      return `a whole number from ${-(2n ** 31n)} to ${2n ** 31n - 1n}`
    case 'long':
      return `a whole number from ${-(2n ** 63n)} to ${2n ** 63n - 1n}`
    case 'decimal':
      return `a number with at most ${primitive.precision} digits, ${primitive.scale} of them after the point`
    case 'float':
    case 'double':
      return "a number such as 1.5 or 1e-3, 'NaN' or 'Infinity'"
    case 'date':
      return "a date such as DATE '2024-02-29'"
    case 'time':
      return "a time such as TIME '12:30:00'"
    case 'timestamp':
      return "a time such as TIMESTAMP '2024-02-29 12:30:00', without a zone"
    case 'timestamptz':
      return "a time such as TIMESTAMP '2024-02-29 12:30:00+00'; without a zone it is in UTC"
    case 'string':
      return "text in single quotes: 'text'"
    case 'uuid':
      return "an id such as 'f79c3e09-677c-4bbd-a479-3f349cb785e7'"
    case 'binary':
      return "bytes in hex: X'0aff'"
    case 'fixed':
      return `${primitive.length} bytes in hex: X'${'00'.repeat(Math.min(primitive.length, 8))}'`
  }
}

// --- Numbers -------------------------------------------------------------------------------------------------------

function wholeOf(literal: Literal, bits: 32 | 64): bigint | undefined {
  const value = literal.kind === 'number' ? unscaled(literal.text, 0) : undefined
  return value !== undefined && BigInt.asIntN(bits, value) === value ? value : undefined
}

/** Beyond this no type has digits, and `1e999999999` must not be written out. */
const EXPONENT_MAX = 400

/** The number times 10^scale; undefined when that is not whole. */
function unscaled(text: string, scale: number): bigint | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0'] = /^([-+]?)(\d*)\.?(\d*)(?:e([-+]?\d+))?$/i.exec(text) ?? []
  if (sign === undefined || Math.abs(Number(exponent)) > EXPONENT_MAX) return undefined
  const digits = BigInt(`${whole}${fraction}` || '0')
  const shift = scale - fraction.length + Number(exponent)
  const divisor = 10n ** BigInt(Math.max(0, -shift))
  if (digits % divisor !== 0n) return undefined
  const value = (digits / divisor) * 10n ** BigInt(Math.max(0, shift))
  return sign === '-' ? -value : value
}

const SPECIAL: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  infinity: Infinity,
  inf: Infinity,
  '-infinity': -Infinity,
  '-inf': -Infinity,
}

/** Numbers are taken to the nearest of the type, as every engine does. */
function floating(literal: Literal, kind: 'float' | 'double'): number | undefined {
  if (literal.kind === 'text' && literal.keyword === undefined) return SPECIAL[literal.text.toLowerCase()]
  if (literal.kind !== 'number') return undefined
  const value = kind === 'float' ? Math.fround(Number(literal.text)) : Number(literal.text)
  return Number.isFinite(value) ? value : undefined
}

// --- Dates and times -----------------------------------------------------------------------------------------------

const DAY_MS = 86_400_000
const DATE = /^\d{4}-\d\d-\d\d$/
const MOMENT = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)\s*(Z|[-+]\d\d(?::?\d\d)?)?)?$/i
const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,6}))?)?$/

function daysOf(literal: Literal): number | undefined {
  return isText(literal, ['DATE']) ? days(literal.text) : undefined
}

/** undefined for a day that no calendar has; JavaScript would take the 30th of February for the 1st of March. */
function days(text: string): number | undefined {
  const ms = DATE.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text) ? ms / DAY_MS : undefined
}

function timeOf(literal: Literal): bigint | undefined {
  return isText(literal, ['TIME']) ? clockMicros(literal.text) : undefined
}

function clockMicros(text: string): bigint | undefined {
  const [found, hours, minutes, seconds = '0', fraction = ''] = CLOCK.exec(text) ?? []
  if (found === undefined) return undefined
  const whole = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)
  return BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
}

function microsOf(literal: Literal, kind: 'timestamp' | 'timestamptz'): bigint | undefined {
  if (!isText(literal, ['DATE', 'TIMESTAMP', 'TIMESTAMPTZ'])) return undefined
  const [, date = '', clock = '00:00', zone] = MOMENT.exec(literal.text) ?? []
  const day = days(date)
  const time = clockMicros(clock)
  const offset = zone === undefined ? 0n : kind === 'timestamptz' ? offsetMicros(zone) : undefined
  if (day === undefined || time === undefined || offset === undefined) return undefined
  return BigInt(day) * BigInt(DAY_MS) * 1_000n + time - offset
}

function offsetMicros(zone: string): bigint | undefined {
  if (zone.toUpperCase() === 'Z') return 0n
  const time = clockMicros(`${zone.slice(1, 3)}:${zone.slice(3).replace(':', '') || '00'}`)
  return time === undefined || zone.startsWith('+') ? time : -time
}

// --- Text and bytes ------------------------------------------------------------------------------------------------

/** Text alone is taken as what the column is, or with one of the keywords before it. */
function isText(literal: Literal, keywords: readonly string[]): literal is Extract<Literal, { readonly kind: 'text' }> {
  return literal.kind === 'text' && (literal.keyword === undefined || keywords.includes(literal.keyword))
}

function uuidOf(literal: Literal): Buffer | undefined {
  if (!isText(literal, ['UUID'])) return undefined
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(literal.text)
    ? Buffer.from(literal.text.replaceAll('-', ''), 'hex')
    : undefined
}

function bytesOf(literal: Literal): Buffer | undefined {
  return literal.kind === 'bytes' && /^([0-9a-f]{2})*$/i.test(literal.text)
    ? Buffer.from(literal.text, 'hex')
    : undefined
}
