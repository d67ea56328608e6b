import { join, type Sql, sql } from '../../duckdb/sql.ts'
import type { SimpleRule } from '../ast.ts'
import { type Check, type CheckContext, failed, judgeShare, numberOf, passed, problem } from '../check.ts'
import { type Field, kindOf } from '../relation.ts'
import { asText, isCheck, metricName, over, rowUnder, scopeOf } from '../rule-columns.ts'

/** ColumnDataType: the share of values that Spark could cast to a type. Null cannot be cast; != turns the test round. */
export function columnDataType(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const { condition } = rule
  const [operand] = condition?.kind === 'string' ? condition.operands : []
  if (operand?.kind !== 'text' || (condition?.operator !== '=' && condition?.operator !== '!='))
    return problem('ColumnDataType takes = or != and the name of a type')
  const [field] = scope.fields as readonly [Field]
  const castable = castableTest(field, operand.value, formatOf(rule))
  if (typeof castable === 'string') return { judge: () => failed(castable) }
  const test = condition.operator === '=' ? castable : sql`(NOT ${castable})`
  const name = metricName(rule, 'ColumnDataType.Compliance')
  return {
    aggregates: { rows: over(sql`count(*)`, scope.where), good: over(sql`count_if(${test})`, scope.where) },
    row: rowUnder(test, scope.where),
    judge: values => {
      const rows = numberOf(values['rows']) ?? 0
      if (rows === 0)
        return rule.where === undefined
          ? failed('the table has no rows')
          : { ...passed(), reason: 'no row matched where' }
      return judgeShare(context, rule, { name, value: (numberOf(values['good']) ?? 0) / rows })
    },
  }
}

function formatOf(rule: SimpleRule): string | undefined {
  const tag = rule.tags.find(each => each.name === 'format')
  return tag === undefined ? undefined : String(tag.value)
}

/** A test that is never null, or why there is none. */
function castableTest(field: Field, type: string, format: string | undefined): Sql | string {
  const name = type.toUpperCase().replaceAll(' ', '')
  if (name === 'DATE' && format !== undefined) return formattedDate(asText(field), format)
  if (format !== undefined) return `the tag format fits the type Date only, not ${type}`
  const test = spark(name, field)
  return test === undefined ? `unrecognized type ${type}` : sql`COALESCE(${test}, FALSE)`
}

const INTEGER = '^\\s*[+-]?\\d+(\\.\\d*)?\\s*$'
const WHOLE = '^\\s*[+-]?\\d+\\s*$'
/** Spark takes a trailing d or f, which DuckDB does not. */
const FRACTION = '^\\s*[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?[dDfF]?\\s*$'
const SPECIAL = '^\\s*[+-]?(nan|inf|infinity)\\s*$'
const DATE = '^\\s*[+-]?\\d{4,7}(-\\d{1,2}(-\\d{1,2}([ T].*)?)?)?\\s*$'

/** What Spark's cast takes, told by the text where DuckDB's is stricter or laxer (reference: the table of traps). */
function spark(type: string, field: Field): Sql | undefined {
  const text = asText(field)
  switch (type) {
    case 'BOOLEAN':
      return sql`lower(trim(${text})) IN ('t', 'true', 'y', 'yes', '1', 'f', 'false', 'n', 'no', '0')`
    case 'DATE':
      return isTemporal(field) ? sql`${field.sql} IS NOT NULL` : sparkDate(text)
    case 'TIMESTAMP':
      return isTemporal(field)
        ? sql`${field.sql} IS NOT NULL`
        : sql`(${sparkDate(text)} AND (TRY_CAST(trim(${text}) AS TIMESTAMP) IS NOT NULL OR NOT regexp_matches(${text}, '[ T]\\d')))`
    case 'INTEGER':
    case 'INT':
      return within(text, { low: '-2147483648', high: '2147483647' })
    case 'LONG':
    case 'BIGINT':
      return within(text, { low: '-9223372036854775808', high: '9223372036854775807' })
    case 'INTEGRAL':
      return sql`regexp_full_match(${text}, ${WHOLE})`
    case 'DOUBLE':
    case 'FLOAT':
      return sql`(regexp_full_match(${text}, ${FRACTION}) OR regexp_full_match(${text}, ${SPECIAL}, 'i'))`
    case 'FRACTIONAL':
      return sql`(regexp_full_match(${text}, ${FRACTION}) AND NOT regexp_full_match(${text}, ${WHOLE}))`
    default:
      return decimalTest(type, text)
  }
}

const isTemporal = (field: Field): boolean => ['date', 'timestamp'].includes(kindOf(field.type))

/** Spark cuts off decimals where DuckDB rounds, and takes neither exponents nor hexadecimal digits. */
function within(text: Sql, { low, high }: { readonly low: string; readonly high: string }): Sql {
  const digits = sql`TRY_CAST(trim(regexp_replace(${text}, '\\..*$', '')) AS HUGEINT)`
  return sql`(regexp_full_match(${text}, ${INTEGER}) AND ${digits} BETWEEN CAST(${low} AS HUGEINT) AND CAST(${high} AS HUGEINT))`
}

/** A year, or a year and a month, is a date to Spark. */
function sparkDate(text: Sql): Sql {
  const padded = sql`(CASE WHEN regexp_full_match(trim(${text}), '\\d{4}') THEN trim(${text}) || '-01-01' WHEN regexp_full_match(trim(${text}), '\\d{4}-\\d{1,2}') THEN trim(${text}) || '-01' ELSE regexp_replace(trim(${text}), '[ T].*$', '') END)`
  return sql`(regexp_full_match(${text}, ${DATE}) AND TRY_CAST(${padded} AS DATE) IS NOT NULL)`
}

function decimalTest(type: string, text: Sql): Sql | undefined {
  const [, precision, scale = '0'] = /^DECIMAL(?:\((\d{1,2})(?:,(\d{1,2}))?\))?$/.exec(type) ?? []
  if (!type.startsWith('DECIMAL') || (type !== 'DECIMAL' && precision === undefined)) return undefined
  const [digits, places] = [Math.min(38, Number(precision ?? 10)), Number(scale)]
  return sql`(regexp_full_match(${text}, ${FRACTION}) AND TRY_CAST(trim(${text}) AS DECIMAL(${digits}, ${Math.min(places, digits)})) IS NOT NULL)`
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
  const known = FORMATS.get(format.replaceAll('/', '-'))
  if (known === undefined || /[-].*\/|\/.*[-]/.test(format)) return sql`FALSE`
  const separator = format.includes('/') ? '/' : '-'
  const pattern = known.replaceAll('-', separator)
  const filled = pattern.includes('%d') && !pattern.includes('%Y') ? [text, sql`${`${separator}2000`}`] : [text]
  const whole = filled.length > 1 ? `${pattern}${separator}%Y` : pattern
  const digits = known.replaceAll('%Y', '\\d{4}').replaceAll(/%[md]/g, '\\d{2}').replaceAll('-', separator)
  return sql`COALESCE(regexp_full_match(${text}, ${digits}) AND try_strptime(${join([sql`concat(`, join(filled, ', '), sql`)`], ' ')}, ${whole}) IS NOT NULL, FALSE)`
}
