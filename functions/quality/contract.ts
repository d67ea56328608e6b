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
  /** The text is what DuckDB's JSON reader made of a value: numbers with a fraction went through a double. */
  readonly loose?: boolean
  /** Inside a struct, list or map, where looking at every text costs more than all else. */
  readonly nested?: boolean
}

export function typed(type: ColumnType, input: Sql, options: TypedOptions = {}): Typed {
  if (typeof type === 'string') return typedPrimitive(type, input, options)
  if ('struct' in type) return typedStruct(type.struct, input, options)
  if ('list' in type) return typedList(type.list, input, options)
  return typedMap(type.map.value, input, options)
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

function typedStruct(fields: readonly Column[], input: Sql, options: TypedOptions): Typed {
  const parts = fields.map(field => ({ field, text: sql`${input}.${ident(field.name)}` }))
  const inner = parts.map(({ field, text }) => ({
    field,
    ...typed(field.type, text, { ...options, format: field.format, nested: true }),
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

function typedList(element: ColumnType, input: Sql, options: TypedOptions): Typed {
  const depth = options.depth ?? 0
  const each = ident(`element_${depth}`)
  const inner = typed(element, each, { ...options, format: undefined, depth: depth + 1, nested: true })
  return {
    value: inner.value.text === each.text ? input : sql`list_transform(${input}, lambda ${each}: ${inner.value})`,
    fits: inner.fits && sql`len(list_filter(${input}, lambda ${each}: NOT (${each} IS NULL OR (${inner.fits})))) = 0`,
  }
}

function typedMap(value: ColumnType, input: Sql, options: TypedOptions): Typed {
  const entries = sql`json_transform(${input}, ${JSON.stringify(`MAP(VARCHAR, ${textShape(value).text})`)})`
  const inner = typedList(value, sql`map_values(${entries})`, options)
  const fits = sql`json_type(${input}) = 'OBJECT'`
  return {
    value: sql`CASE WHEN ${input} IS NULL THEN NULL ELSE map(map_keys(${entries}), ${inner.value}) END`,
    fits: inner.fits === undefined ? fits : sql`(${fits} AND ${inner.fits})`,
  }
}

// --- Primitives ----------------------------------------------------------------------------------------------------

function typedPrimitive(type: Primitive, text: Sql, { format, loose, nested }: TypedOptions): Typed {
  switch (type) {
    case 'string':
      return { value: text, fits: loose && !nested ? isCertainText(text) : undefined }
    case 'boolean':
      return {
        value: sql`TRY_CAST(${text} AS BOOLEAN)`,
        fits: sql`CASE WHEN ${text} IN ('true', 'false') THEN TRUE ELSE lower(${text}) IN ('true', 'false', '1', '0') END`,
      }
    case 'int':
    case 'long':
      return typedInteger(type === 'int' ? sql`INTEGER` : sql`BIGINT`, text, loose ?? false)
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

/**
 * DuckDB hands a number over in its shortest form. As text that is the number itself as long as a double holds all of its
 * digits; longer ones are for the scanner, which keeps them as they were written.
 */
function isCertainText(text: Sql): Sql {
  const fraction = sql`regexp_full_match(${text}, '-?[0-9]+([.][0-9]+([eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)')`
  return sql`CASE WHEN strlen(${text}) BETWEEN 17 AND 26 THEN NOT ${fraction} ELSE TRUE END`
}

const notNull = (value: Sql): Typed => ({ value, fits: sql`${value} IS NOT NULL` })

/** DuckDB's cast rounds `1.5`, and takes `1e3`, `0x1f` and `1_000`; a whole number prints back as it was written. */
function typedInteger(type: Sql, text: Sql, loose: boolean): Typed {
  const value = sql`TRY_CAST(${text} AS ${type})`
  const exact = loose ? sql` AND ${value} BETWEEN -9007199254740991 AND 9007199254740991` : sql``
  const whole = sql`(${value} IS NOT NULL${exact} AND regexp_full_match(${text}, '[+-]?[0-9]+([.]0*)?'))`
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
  const value = type === 'timestamptz' ? sql`TRY_CAST(${text} AS TIMESTAMPTZ)` : sql`TRY_CAST(${text} AS TIMESTAMP)`
  const zone = type === 'timestamptz' ? '( ?(Z|z|[+-][0-9]{2}(:?[0-9]{2})?))?' : ''
  const form = sql`regexp_full_match(${text}, ${`${ISO_DATE}([Tt ]${ISO_TIME}${zone})?`})`
  // The usual form of its length, such as 2024-03-01T10:00:00.000Z, is settled without a regular expression.
  const usual = sql`(${text} LIKE '____-__-__T__:__:__%Z' AND strlen(${text}) <= 27)`
  const fits = type === 'timestamptz' ? sql`CASE WHEN ${usual} THEN TRUE ELSE ${form} END` : form
  return { value, fits: sql`(${value} IS NOT NULL AND ${fits})` }
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
