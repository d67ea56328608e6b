import type { Column, ColumnType } from '#lake/dataset.ts'
import type { ChangeSource } from '#lake/dataset-changes.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { type Typed, textShape, typed } from '../contract.ts'

/** How a value stands in an event. `plain` is text as the contract reads it. */
export type Wire =
  | { readonly kind: 'plain' | 'variable-decimal' | 'days' }
  | { readonly kind: 'bytes'; readonly encoding: ChangeSource['bytes'] }
  | { readonly kind: 'decimal'; readonly scale: number }
  | { readonly kind: 'epoch' | 'clock'; readonly unit: TimeUnit }
  | { readonly kind: 'list'; readonly of: Wire }

/** Records of one object may have been written by different schemas: which, says an expression over the record. */
export interface WireByCase {
  readonly kind: 'by-case'
  readonly of: Sql
  readonly cases: readonly (readonly [string, Wire])[]
}

export type TimeUnit = 'millis' | 'micros' | 'nanos'

/** Microseconds in a unit; a nanosecond is cut, because Iceberg v2 has none. */
const MICROS: Readonly<Record<TimeUnit, Sql>> = { millis: sql`* 1000`, micros: sql`* 1`, nanos: sql`// 1000` }

/**
 * A value as it stands in an event, typed for its column: what JSON's text does not say (days since 1970, base64 of a number) is undone
 * first, the rest is the contract's. Nothing is rounded or guessed.
 */
export function wired(column: Column, text: Sql, wire: Wire | WireByCase): Typed {
  if (wire.kind === 'by-case') return byCase(column, text, wire)
  const { type } = column
  if (typeof type !== 'string')
    return 'list' in type ? list({ ...column, type: type.list }, text, elementWire(wire)) : nested(type, text)
  const whole = sql`TRY_CAST(${text} AS BIGINT)`
  switch (wire.kind) {
    case 'days':
      // Text of another mode (isostring) is told by its form: a number of days has no dash but a leading one.
      return either(text, { number: dayOf(type, whole), other: iso(type, text) })
    case 'epoch':
      return either(text, { number: instantOf(type, sql`(${whole} ${MICROS[wire.unit]})`), other: iso(type, text) })
    case 'clock':
      return either(text, { number: clockOf(type, sql`(${whole} ${MICROS[wire.unit]})`), other: iso(type, text) })
    case 'decimal':
      // A number that has a scale of its own says so by its form.
      return type === 'binary' ? typed(type, text) : typed(type, variableDecimal(text, decimalText(text, wire.scale)))
    case 'variable-decimal':
      return typed(type, variableDecimal(text, text))
    case 'bytes':
      return typed(type, asBase64(text, wire.encoding))
    case 'list':
      // An array that is to become text, or of which the contract says nothing of the kind.
      return typed(type, text)
    case 'plain':
      if (type === 'float' || type === 'double') return withoutNumber(typed(type, text), text)
      return column.format === undefined ? iso(type, text) : typed(type, text, { format: column.format })
  }
}

/** What PostgreSQL's floats may be beside numbers. Connect's converter writes it as text, because JSON has no word for it. */
function withoutNumber({ value, fits }: Typed, text: Sql): Typed {
  return { value, fits: sql`(${text} IN ('NaN', 'Infinity', '-Infinity') OR ${fits ?? sql`TRUE`})` }
}

function byCase(column: Column, text: Sql, { of, cases }: WireByCase): Typed {
  const each = cases.map(([name, wire]) => ({ name, ...wired(column, text, wire) }))
  const when = (part: (typed: Typed) => Sql): Sql =>
    sql`CASE ${of} ${join(
      each.map(({ name, ...of }) => sql`WHEN ${name} THEN ${part(of)}`),
      ' ',
    )} END`
  return { value: when(({ value }) => value), fits: when(({ fits }) => fits ?? sql`TRUE`) }
}

const elementWire = (wire: Wire): Wire => (wire.kind === 'list' ? wire.of : { kind: 'plain' })

/** Each element is written as a column of its type would be. What is no JSON array gives NULL, and NULL does not fit. */
function list(each: Column, text: Sql, wire: Wire): Typed {
  const elements = sql`TRY(json_transform_strict(CAST(${text} AS JSON), '["VARCHAR"]')::VARCHAR[])`
  // Lambdas within lambdas need parameters of different names.
  const element = ident(`element_of_${depthOf(each.type)}`)
  const { value, fits } = wired(each, element, wire)
  const misfits = sql`list_filter(${elements}, lambda ${element}: ${element} IS NOT NULL AND NOT COALESCE(${fits ?? sql`TRUE`}, FALSE))`
  return {
    value: value.text === element.text ? elements : sql`list_transform(${elements}, lambda ${element}: ${value})`,
    fits: fits === undefined ? sql`(${elements} IS NOT NULL)` : sql`(${elements} IS NOT NULL AND len(${misfits}) = 0)`,
  }
}

const depthOf = (type: ColumnType): number => (typeof type !== 'string' && 'list' in type ? 1 + depthOf(type.list) : 0)

/** A struct comes as its JSON text: what has not the declared shape gives NULL, and NULL does not fit. */
function nested(type: Exclude<ColumnType, string>, text: Sql): Typed {
  if ('map' in type) return typed(type, text)
  const shape = JSON.stringify(shapeOf(type))
  const parsed = sql`TRY(json_transform_strict(CAST(${text} AS JSON), ${shape})::${textShape(type)})`
  const inner = typed(type, parsed)
  const fits = inner.fits === undefined ? sql`` : sql` AND COALESCE(${inner.fits}, FALSE)`
  return { value: inner.value, fits: sql`(${parsed} IS NOT NULL${fits})` }
}

function shapeOf(type: ColumnType): unknown {
  if (typeof type === 'string') return 'VARCHAR'
  if ('struct' in type) return Object.fromEntries(type.struct.map(field => [field.name, shapeOf(field.type)]))
  return 'list' in type ? [shapeOf(type.list)] : 'JSON'
}

// --- Numbers that stand for something ------------------------------------------------------------------------------

const isWhole = (text: Sql): Sql => sql`regexp_full_match(${text}, '-?[0-9]{1,19}')`

function either(text: Sql, { number, other }: { readonly number: Sql | undefined; readonly other: Typed }): Typed {
  if (number === undefined) return other
  const fits = other.fits ?? sql`TRUE`
  return {
    value: sql`CASE WHEN ${isWhole(text)} THEN ${number} ELSE ${other.value} END`,
    fits: sql`CASE WHEN ${isWhole(text)} THEN ${number} IS NOT NULL ELSE ${fits} END`,
  }
}

/** Days that Iceberg and every reader can hold. */
const dayOf = (type: string, days: Sql): Sql | undefined => {
  const day = sql`CASE WHEN ${days} BETWEEN -719162 AND 2932896 THEN make_date(${days}::INTEGER) END`
  if (type === 'date') return day
  return type === 'timestamp' || type === 'timestamptz' ? sql`CAST(${day} AS ${duck(type)})` : undefined
}

const instantOf = (type: string, micros: Sql): Sql | undefined => {
  if (type !== 'timestamp' && type !== 'timestamptz' && type !== 'date') return undefined
  // Years 1 to 9999: milliseconds taken for microseconds, or the other way round, end far outside or are refused.
  const instant = sql`CASE WHEN ${micros} BETWEEN -62135596800000000 AND 253402300799999999 THEN make_timestamp((${micros})::BIGINT) END`
  return sql`CAST(${instant} AS ${duck(type)})`
}

const clockOf = (type: string, micros: Sql): Sql | undefined =>
  type === 'time'
    ? sql`CASE WHEN ${micros} BETWEEN 0 AND 86399999999 THEN CAST(make_timestamp((${micros})::BIGINT) AS TIME) END`
    : undefined

const duck = (type: string): Sql =>
  type === 'timestamptz' ? sql`TIMESTAMPTZ` : type === 'date' ? sql`DATE` : sql`TIMESTAMP`

/** ISO text says `Z` also where the column has no zone (`isostring` and `ZonedTime`); a date or time of UTC is the same without it. */
function iso(type: Column['type'], text: Sql): Typed {
  const zoneless = type === 'timestamp' || type === 'date' || type === 'time'
  return typed(type, zoneless ? sql`rtrim(${text}, 'Zz')` : text)
}

/**
 * Whether DuckDB's JSON reader may have rounded a number on its way into this text: it holds fractions as doubles. Such records are read
 * again with their numbers as text.
 */
export function isRounded(column: Column, text: Sql): Sql | undefined {
  const digits = typeof column.type === 'string' ? Number(/^decimal\((\d+),/.exec(column.type)?.[1] ?? 0) : 0
  if (column.type !== 'string' && digits <= 15) return undefined
  const fraction = sql`regexp_full_match(${text}, '-?[0-9]+([.][0-9]+([eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)')`
  return sql`(strlen(${text}) BETWEEN 17 AND 26 AND ${fraction})`
}

/** Bytes in the encoding of `binary.handling.mode`; what is none becomes NULL, or text that is no base64 either. */
function asBase64(text: Sql, encoding: ChangeSource['bytes']): Sql {
  if (encoding === 'base64') return text
  if (encoding === 'hex') return sql`COALESCE(to_base64(TRY(unhex(${text}))), '?')`
  const standard = sql`translate(${text}, '-_', '+/')`
  return sql`rpad(${standard}, (CAST(ceil(strlen(${standard}) / 4.0) AS INTEGER) * 4), '=')`
}

// --- Decimals ------------------------------------------------------------------------------------------------------

const TWO_64 = sql`18446744073709551616::HUGEINT`

/** Names a value within an expression, which is written once then and not wherever it is needed. */
const bound = (value: Sql, name: string, within: (name: Sql) => Sql): Sql =>
  sql`list_transform([${value}], lambda ${ident(name)}: ${within(ident(name))})[1]`

/** Base64 of a two's-complement number with a scale (Kafka's Decimal) as decimal text; NULL when it is none of up to 16 bytes. */
export function decimalText(text: Sql, scale: number): Sql {
  return bound(unscaledText(text), 'digits', digits => pointed(digits, sql`${scale}`))
}

/** The number itself, without its scale. */
function unscaledText(text: Sql): Sql {
  return bound(sql`hex(TRY(from_base64(${text})))`, 'hexed', hexed => {
    const isNegative = sql`(${hexed} >= '8')`
    const padded = sql`lpad(${hexed}, 32, CASE WHEN ${isNegative} THEN 'F' ELSE '0' END)`
    const half = (from: number): Sql => sql`TRY_CAST(concat('0x', substr(${padded}, ${from}, 16)) AS UBIGINT)::HUGEINT`
    const high = sql`(${half(1)} - CASE WHEN ${isNegative} THEN ${TWO_64} ELSE 0 END)`
    return sql`CASE WHEN strlen(${hexed}) BETWEEN 1 AND 32 THEN CAST(${high} * ${TWO_64} + ${half(17)} AS VARCHAR) END`
  })
}

/** Puts the point where the scale says, from 0 to 38, or zeros where it is below; NULL stays NULL. */
function pointed(digits: Sql, scale: Sql): Sql {
  return bound(
    sql`lpad(ltrim(${digits}, '-'), greatest(${scale} + 1, strlen(ltrim(${digits}, '-')))::INTEGER, '0')`,
    'plain',
    plain => {
      const sign = sql`CASE WHEN starts_with(${digits}, '-') THEN '-' ELSE '' END`
      return sql`CASE WHEN ${scale} = 0 THEN ${digits} WHEN ${scale} BETWEEN 1 AND 38 THEN ${sign} || left(${plain}, -${scale}) || '.' || right(${plain}, ${scale}) WHEN ${scale} BETWEEN -38 AND -1 THEN ${digits} || repeat('0', -${scale}) END`
    },
  )
}

/** `{"scale":4,"value":"erc="}`, the form of numbers that each have a scale of their own, or what other text is read as. */
function variableDecimal(text: Sql, other: Sql): Sql {
  const unscaled = unscaledText(sql`json_extract_string(${text}, '$.value')`)
  const scaled = bound(unscaled, 'digits', digits =>
    bound(sql`TRY_CAST(json_extract_string(${text}, '$.scale') AS INTEGER)`, 'scale', scale => pointed(digits, scale)),
  )
  return sql`CASE WHEN starts_with(${text}, '{') THEN ${scaled} ELSE ${other} END`
}

// --- Events without a schema ---------------------------------------------------------------------------------------

/** What a column's values are when no schema comes with them: its type, and what the dataset declares of its source. */
export function declaredWire(column: Column, changes: ChangeSource): Wire {
  const { type } = column
  if (typeof type !== 'string')
    return 'list' in type
      ? { kind: 'list', of: declaredWire({ ...column, type: type.list }, changes) }
      : { kind: 'plain' }
  if (column.format !== undefined) return { kind: 'plain' }
  if (type === 'date') return { kind: 'days' }
  const unit = changes.timestamps ?? unitOf(changes)
  if (type === 'timestamp' || type === 'timestamptz') return { kind: 'epoch', unit }
  if (type === 'time') return { kind: 'clock', unit }
  const decimal = /^decimal\(\d+,(\d+)\)$/.exec(type)
  if (decimal === null) return type === 'binary' ? { kind: 'bytes', encoding: changes.bytes } : { kind: 'plain' }
  return changes.decimals === 'base64' ? { kind: 'decimal', scale: Number(decimal[1]) } : { kind: 'variable-decimal' }
}

/** `timestamp` of PostgreSQL has microseconds unless it is told otherwise; `datetime` of the others seconds or milliseconds. */
const unitOf = ({ connector }: ChangeSource): TimeUnit =>
  connector === undefined || connector === 'postgresql' ? 'micros' : 'millis'
