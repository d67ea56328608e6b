import { join, type Sql, sql } from '../../duckdb/sql.ts'
import type { SimpleRule } from '../ast.ts'
import { type Check, type CheckContext, judgeShare, noRows, numberOf, problem } from '../check.ts'
import { type Field, kindOf } from '../relation.ts'
import { asText, countGood, countRows, isCheck, metricName, scopeOf } from '../rule-columns.ts'

/** ColumnDataType: the share of values that Spark could cast to a type. Null cannot be cast; != turns the test round. */
export function columnDataType(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const { condition } = rule
  const [operand] = condition?.kind === 'string' ? condition.operands : []
  if (operand?.kind !== 'text' || (condition?.operator !== '=' && condition?.operator !== '!='))
    return problem('Unsupported operator: ColumnDataType takes = or != and the name of a type')
  const [field] = scope.fields as readonly [Field]
  const castable = castableTest(field, operand.value, rule)
  if (typeof castable === 'string') return problem(castable)
  const test = condition.operator === '=' ? castable : sql`(NOT ${castable})`
  const { where } = scope
  const name = metricName(rule, 'ColumnDataType.Compliance')
  return {
    aggregates: { rows: countRows(where), good: countGood(test, where) },
    row: { test, where },
    judge: values => {
      const rows = numberOf(values['rows']) ?? 0
      if (rows === 0) return noRows()
      return judgeShare(context, rule, { name, value: (numberOf(values['good']) ?? 0) / rows })
    },
  }
}

/** A test that is never null, or why there is none. */
function castableTest(field: Field, type: string, { tags }: SimpleRule): Sql | string {
  const name = type.toUpperCase().replaceAll(' ', '')
  const format = tags.find(each => each.name === 'format')
  if (name === 'DATE' && format) return formattedDate(asText(field), String(format.value))
  if (format) return `Unsupported rule format: the tag format fits DATE only, not ${type}`
  if (name === 'DATE' && tags.length > 0) return `Unsupported rule format: DATE takes the tag format only`
  const test = castTest(name, field)
  return test === undefined ? `Unrecognized data type: ${type}` : sql`COALESCE(${test}, FALSE)`
}

/** What Spark's cast takes. Typed columns are told by their type, text by its form: DuckDB is now stricter, now laxer. */
function castTest(type: string, field: Field): Sql | undefined {
  const [, precision, scale] = /^DECIMAL\((\d{1,2}),(\d{1,2})\)$/.exec(type) ?? []
  const decimal = precision === undefined ? undefined : { digits: Number(precision), places: Number(scale) }
  if (decimal ? decimal.digits > 38 || decimal.places > decimal.digits : !TYPES.has(type)) return undefined
  const kind = kindOf(field.type)
  if (kind === 'text' || kind === 'other') return textTest(type, asText(field), decimal)
  const isTemporal = kind === 'date' || kind === 'timestamp'
  if (decimal) return kind === 'number' ? decimalTest(field.sql, decimal) : sql`FALSE`
  if (type === 'DATE' ? !isTemporal : kind === 'date' && type !== 'TIMESTAMP') return sql`FALSE`
  if (type === 'INTEGRAL' || type === 'FRACTIONAL') return textTest(type, asText(field), undefined)
  return sql`${field.sql} IS NOT NULL`
}

const TYPES: ReadonlySet<string> = new Set(
  'BOOLEAN DATE TIMESTAMP INTEGER LONG INTEGRAL DOUBLE FLOAT FRACTIONAL'.split(' '),
)

interface Decimal {
  readonly digits: number
  readonly places: number
}

/** Spark cuts the fraction off where DuckDB rounds, and takes neither exponents nor hexadecimal digits nor underscores. */
const INTEGER = '\\s*[+-]?\\d+(\\.\\d*)?\\s*'
const WHOLE = '\\s*[+-]?\\d+\\s*'
/** Spark takes a trailing d or f, which DuckDB does not. */
const FRACTION = '\\s*[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?[dDfF]?\\s*'
const SPECIAL = '\\s*[+-]?(nan|inf|infinity)\\s*'
const BOOLEANS = ['t', 'true', 'y', 'yes', '1', 'f', 'false', 'n', 'no', '0'].map(word => sql`${word}`)
const WHITE = ' \t\n\r\f\v'

function textTest(type: string, text: Sql, decimal: Decimal | undefined): Sql {
  if (decimal) return sql`(regexp_full_match(${text}, ${FRACTION}) AND ${decimalTest(trimmed(text), decimal)})`
  switch (type) {
    case 'BOOLEAN':
      return sql`lower(${trimmed(text)}) IN (${join(BOOLEANS, ', ')})`
    case 'DATE':
      return dateTest(text)
    case 'TIMESTAMP':
      return sql`(${dateTest(text)} AND (TRY_CAST(${trimmed(text)} AS TIMESTAMP) IS NOT NULL OR NOT regexp_matches(${text}, '[ T]\\d')))`
    case 'INTEGER':
      return wholeTest(text, [-(2n ** 31n), 2n ** 31n - 1n])
    case 'LONG':
      return wholeTest(text, [-(2n ** 63n), 2n ** 63n - 1n])
    case 'INTEGRAL':
      return sql`regexp_full_match(${text}, ${WHOLE})`
    case 'FRACTIONAL':
      return sql`(regexp_full_match(${text}, ${FRACTION}) AND NOT regexp_full_match(${text}, ${WHOLE}))`
    default:
      return sql`(regexp_full_match(${text}, ${FRACTION}) OR regexp_full_match(${text}, ${SPECIAL}, 'i'))`
  }
}

const trimmed = (text: Sql): Sql => sql`trim(${text}, ${WHITE})`

const decimalTest = (value: Sql, { digits, places }: Decimal): Sql =>
  sql`TRY_CAST(${value} AS DECIMAL(${digits}, ${places})) IS NOT NULL`

function wholeTest(text: Sql, [low, high]: readonly [bigint, bigint]): Sql {
  const digits = sql`TRY_CAST(${trimmed(sql`regexp_replace(${text}, '\\..*$', '')`)} AS HUGEINT)`
  return sql`(regexp_full_match(${text}, ${INTEGER}) AND ${digits} BETWEEN ${low} AND ${high})`
}

const DAY = '\\s*[+-]?\\d{4,7}(-\\d{1,2}(-\\d{1,2}([ T].*)?)?)?\\s*'

/** A year, or a year and a month, is a date to Spark; what follows the day does not matter. */
function dateTest(text: Sql): Sql {
  const bare = sql`regexp_replace(${trimmed(text)}, '[ T].*$', '')`
  const whole = sql`(CASE WHEN NOT contains(substring(${bare}, 2), '-') THEN ${bare} || '-01-01' WHEN regexp_full_match(${bare}, '.?[^-]*-[^-]*') THEN ${bare} || '-01' ELSE ${bare} END)`
  return sql`(regexp_full_match(${text}, ${DAY}) AND TRY_CAST(${whole} AS DATE) IS NOT NULL)`
}

/** Glue's closed list, with - or /; what is missing is day 01, or a leap year. */
const FORMATS: ReadonlyMap<string, string> = new Map([
  ['dd-MM-yyyy', '%d-%m-%Y'],
  ['MM-dd-yyyy', '%m-%d-%Y'],
  ['yyyy-MM-dd', '%Y-%m-%d'],
  ['MM-yyyy', '%m-%Y'],
  ['yyyy-MM', '%Y-%m'],
  ['dd-MM', '%d-%m'],
  ['MM-dd', '%m-%d'],
])

function formattedDate(text: Sql, format: string): Sql {
  const separator = format.includes('/') ? '/' : '-'
  const isMixed = separator === '/' && format.includes('-')
  const pattern = isMixed ? undefined : FORMATS.get(format.replaceAll('/', '-'))
  if (pattern === undefined) return sql`FALSE`
  const digits = pattern.replaceAll('%Y', '\\d{4}').replaceAll(/%[md]/g, '\\d{2}').replaceAll('-', separator)
  const day = pattern.includes('%Y')
    ? sql`try_strptime(${text}, ${pattern.replaceAll('-', separator)})`
    : sql`try_strptime(${text} || ${`${separator}2000`}, ${`${pattern}-%Y`.replaceAll('-', separator)})`
  return sql`COALESCE(regexp_full_match(${text}, ${digits}) AND ${day} IS NOT NULL, FALSE)`
}
