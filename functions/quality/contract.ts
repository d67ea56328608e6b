import type { Column, ColumnType, Dataset, Primitive, TemporalFormat } from '#lake/dataset.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'

/**
 * Rows against columns. Every decoder hands over *text*: a leaf is VARCHAR, a struct a STRUCT of such leaves, a list a
 * LIST, a map JSON. From a column's type this file writes two expressions over that text: its typed value, and whether the
 * text holds exactly such a value. Nothing is rounded, cut or guessed: what does not fit is a problem of the row.
 */
export interface Typed {
  readonly value: Sql
  /** TRUE, FALSE or, for a NULL input, NULL. undefined: any text fits. */
  readonly fits: Sql | undefined
}

/** A column that the table has and the declaration has not (evolution `add`): what does not fit goes to `_rescued`. */
export interface ContractColumn extends Column {
  readonly soft: boolean
}

export interface Contract {
  readonly dataset: Dataset
  readonly columns: readonly ContractColumn[]
}

export interface TypedOptions {
  readonly format?: TemporalFormat | undefined
  /** How many lambdas are around this one: each needs a parameter name of its own. */
  readonly depth?: number
}

export function typed(type: ColumnType, input: Sql, options: TypedOptions = {}): Typed {
  const depth = options.depth ?? 0
  if (typeof type === 'string') return typedPrimitive(type, input, options.format)
  if ('struct' in type) return typedStruct(type.struct, input, depth)
  if ('list' in type) return typedList(type.list, input, depth)
  return typedMap(type.map.value, input, depth)
}

/** The text-shaped DuckDB type that decoders must deliver for a column. */
export function textShape(type: ColumnType): Sql {
  if (typeof type === 'string') return sql`VARCHAR`
  if ('struct' in type)
    return sql`STRUCT(${join(
      type.struct.map(field => sql`${ident(field.name)} ${textShape(field.type)}`),
      ', ',
    )})`
  if ('list' in type) return sql`${textShape(type.list)}[]`
  return sql`JSON`
}

// --- Nested --------------------------------------------------------------------------------------------------------

function typedStruct(fields: readonly Column[], input: Sql, depth: number): Typed {
  const parts = fields.map(field => ({ field, text: sql`${input}.${ident(field.name)}` }))
  const inner = parts.map(({ field, text }) => ({
    field,
    ...typed(field.type, text, { format: field.format, depth }),
    text,
  }))
  const packed = join(
    inner.map(each => sql`${ident(each.field.name)} := ${each.value}`),
    ', ',
  )
  const checks = inner.flatMap(each => {
    const fits = each.fits === undefined ? [] : [sql`(${each.text} IS NULL OR ${each.fits})`]
    return each.field.required ? [...fits, sql`${each.text} IS NOT NULL`] : fits
  })
  const plain = inner.every(each => each.value.text === each.text.text)
  return {
    value: plain ? input : sql`CASE WHEN ${input} IS NULL THEN NULL ELSE struct_pack(${packed}) END`,
    fits: checks.length === 0 ? undefined : join(checks, ' AND '),
  }
}

function typedList(element: ColumnType, input: Sql, depth: number): Typed {
  const each = ident(`element_${depth}`)
  const inner = typed(element, each, { depth: depth + 1 })
  return {
    value: inner.value.text === each.text ? input : sql`list_transform(${input}, lambda ${each}: ${inner.value})`,
    fits: inner.fits && sql`len(list_filter(${input}, lambda ${each}: NOT (${each} IS NULL OR (${inner.fits})))) = 0`,
  }
}

function typedMap(value: ColumnType, input: Sql, depth: number): Typed {
  const entries = sql`json_transform(${input}, ${JSON.stringify(`MAP(VARCHAR, ${textShape(value).text})`)})`
  const inner = typedList(value, sql`map_values(${entries})`, depth)
  const fits = sql`json_type(${input}) = 'OBJECT'`
  return {
    value: sql`CASE WHEN ${input} IS NULL THEN NULL ELSE map(map_keys(${entries}), ${inner.value}) END`,
    fits: inner.fits === undefined ? fits : sql`(${fits} AND ${inner.fits})`,
  }
}

// --- Primitives ----------------------------------------------------------------------------------------------------

function typedPrimitive(type: Primitive, text: Sql, format: TemporalFormat | undefined): Typed {
  switch (type) {
    case 'string':
      return { value: text, fits: undefined }
    case 'boolean':
      return { value: sql`TRY_CAST(${text} AS BOOLEAN)`, fits: sql`lower(${text}) IN ('true', 'false', '1', '0')` }
    case 'int':
    case 'long':
      return typedInteger(type === 'int' ? sql`INTEGER` : sql`BIGINT`, text)
    case 'float':
    case 'double':
      return typedFloat(type === 'float' ? sql`FLOAT` : sql`DOUBLE`, text)
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return format === undefined ? typedIso(type, text) : typedFormat(type, text, format)
    case 'time':
      return typedTime(text)
    case 'uuid':
      return notNull(sql`TRY_CAST(${text} AS UUID)`)
    case 'binary':
      return notNull(sql`TRY(from_base64(${text}))`)
    default:
      return typedDecimal(type, text)
  }
}

const notNull = (value: Sql): Typed => ({ value, fits: sql`${value} IS NOT NULL` })

/** DuckDB's cast rounds `1.5`, and takes `1e3`, `0x1f` and `1_000`; a whole number prints back as it was written. */
function typedInteger(type: Sql, text: Sql): Typed {
  const value = sql`TRY_CAST(${text} AS ${type})`
  const whole = sql`(${value} IS NOT NULL AND regexp_full_match(${text}, '[+-]?[0-9]+([.]0*)?'))`
  return { value, fits: sql`CASE WHEN CAST(${value} AS VARCHAR) = ${text} THEN TRUE ELSE ${whole} END` }
}

/** JSON has no NaN or Infinity and 1e400 is out of range: all three are refused. */
function typedFloat(type: Sql, text: Sql): Typed {
  const value = sql`TRY_CAST(${text} AS ${type})`
  return { value, fits: sql`(COALESCE(isfinite(${value}), FALSE) AND NOT contains(${text}, '_'))` }
}

/** DuckDB's cast rounds to the scale. Up to 15 digits a double holds the text exactly, so that comparing doubles proves it. */
function typedDecimal(type: string, text: Sql): Typed {
  const [, precision, scale] = /^decimal\((\d+),(\d+)\)$/.exec(type) as unknown as [string, string, string]
  const value = sql`TRY_CAST(${text} AS DECIMAL(${Number(precision)}, ${Number(scale)}))`
  const same = sql`COALESCE(CAST(${value} AS DOUBLE) = TRY_CAST(${text} AS DOUBLE), FALSE)`
  if (Number(precision) <= 15) return { value, fits: sql`(${same} AND NOT contains(${text}, '_'))` }
  const digits = sql`regexp_full_match(${text}, ${`[+-]?[0-9]*([.][0-9]{0,${scale}}0*)?`})`
  const exponent = sql`(${same} AND regexp_full_match(${text}, '[+-]?[0-9.]+[eE][+-]?[0-9]+'))`
  return { value, fits: sql`(${value} IS NOT NULL AND (${digits} OR ${exponent}))` }
}

const ISO_DATE = '[0-9]{4}-[0-9]{2}-[0-9]{2}'
const ISO_TIME = '[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?'

/**
 * ISO 8601. A `timestamp` has no zone, so text with an offset does not fit it (declare `timestamptz`); a `timestamptz`
 * without an offset is UTC. Digits below microseconds are cut: Iceberg v2 has none.
 */
function typedIso(type: 'date' | 'timestamp' | 'timestamptz', text: Sql): Typed {
  if (type === 'date') {
    const value = sql`TRY_CAST(${text} AS DATE)`
    return { value, fits: sql`COALESCE(CAST(${value} AS VARCHAR) = ${text} AND isfinite(${value}), FALSE)` }
  }
  const zone = type === 'timestamptz' ? '( ?(Z|z|[+-][0-9]{2}(:?[0-9]{2})?))?' : ''
  const value = type === 'timestamptz' ? sql`TRY_CAST(${text} AS TIMESTAMPTZ)` : sql`TRY_CAST(${text} AS TIMESTAMP)`
  return {
    value,
    fits: sql`(${value} IS NOT NULL AND regexp_full_match(${text}, ${`${ISO_DATE}([Tt ]${ISO_TIME}${zone})?`}))`,
  }
}

/** DuckDB has a 24:00:00, Iceberg has not. */
function typedTime(text: Sql): Typed {
  const value = sql`TRY_CAST(${text} AS TIME)`
  return {
    value,
    fits: sql`(${value} IS NOT NULL AND regexp_full_match(${text}, ${ISO_TIME}) AND ${value} < TIME '24:00:00')`,
  }
}

const EPOCH = { 'epoch-seconds': 1_000_000, 'epoch-millis': 1_000, 'epoch-micros': 1 } as const

function typedFormat(type: 'date' | 'timestamp' | 'timestamptz', text: Sql, format: TemporalFormat): Typed {
  const instant = format.startsWith('%')
    ? sql`TRY(try_strptime(${text}, ${format}))`
    : sql`TRY(make_timestamp(CAST(TRY_CAST(${text} AS DECIMAL(24, 6)) * ${EPOCH[format as keyof typeof EPOCH]} AS BIGINT)))`
  const duck = { date: sql`DATE`, timestamp: sql`TIMESTAMP`, timestamptz: sql`TIMESTAMPTZ` }[type]
  return notNull(sql`CAST(${instant} AS ${duck})`)
}
