import { join, type Sql, sql } from '../../duckdb/sql.ts'
import type {
  Condition,
  DateCondition,
  NumberCondition,
  Operator,
  SimpleRule,
  StringCondition,
  StringOperand,
} from '../ast.ts'
import { type CheckContext, lastOf } from '../check.ts'
import { compareSql, dateSql, numbersOf } from '../condition-sql.ts'
import { type Incomputable, isIncomputable } from '../number.ts'
import { patternProblem, re2Pattern, withoutQuoteEscapes } from '../patterns.ts'
import { type Field, kindOf } from '../relation.ts'
import { asDouble, asText, comparable, metricName } from '../rule-columns.ts'

interface Tested {
  readonly rule: SimpleRule
  readonly context: CheckContext
}

/** Whether a value satisfies the condition of its rule; null where SQL says so, which is a failure. */
export function valueTest(field: Field, condition: Condition, tested: Tested): Sql | Incomputable {
  switch (condition.kind) {
    case 'number':
      return numberTest(field, condition, tested)
    case 'string':
      return stringTest(field, condition, tested.rule)
    case 'date':
      return dateTest(field, condition, tested.context)
    default:
      return { problem: `values cannot be compared with a ${condition.kind}` }
  }
}

function nullTest(field: Field, operator: Operator): Sql | Incomputable {
  if (operator === '=' || operator === 'in') return sql`(${field.sql} IS NULL)`
  if (operator === '!=' || operator === 'not in') return sql`(${field.sql} IS NOT NULL)`
  return { problem: `NULL cannot be compared with ${operator}` }
}

interface Nulls {
  readonly operator: Operator
  /** NULL is among the operands. */
  readonly named: boolean
}

/** Null passes != and not in, unless NULL is named; it fails everything else. */
function nullAware({ sql: value }: Field, test: Sql, { operator, named }: Nulls): Sql {
  switch (operator) {
    case 'in':
    case '=':
      return named ? sql`(${value} IS NULL OR ${test})` : test
    case 'not in':
    case '!=':
      return named ? sql`(${value} IS NOT NULL AND ${test})` : sql`(${value} IS NULL OR ${test})`
    default:
      return test
  }
}

// --- Numbers -------------------------------------------------------------------------------------------------------

function numberTest(field: Field, condition: NumberCondition, { rule, context }: Tested): Sql | Incomputable {
  const { operator, operands } = condition
  if (operands.every(operand => operand.kind === 'null')) return nullTest(field, operator)
  if (!['number', 'text'].includes(kindOf(field.type)))
    return { problem: `${rule.parameters[0]?.value} is ${field.type}, and the condition compares with a number` }
  const numbers = numbersOf(condition, lastOf(context, metricName(rule, historic(operator))))
  if (isIncomputable(numbers)) return numbers
  const test = compareSql(
    comparable(field, numbers),
    operator,
    numbers.map(number => sql`${number}`),
  )
  return nullAware(field, test, { operator, named: operands.some(operand => operand.kind === 'null') })
}

/** The metric that `last(k)` reads: that which the rule reports. */
function historic(operator: Operator): string {
  if (['>', '>=', '=', 'between'].includes(operator)) return 'Minimum'
  return operator === '<' || operator === '<=' ? 'Maximum' : 'ColumnValues.Compliance'
}

// --- Text ----------------------------------------------------------------------------------------------------------

function stringTest(field: Field, condition: StringCondition, rule: SimpleRule): Sql | Incomputable {
  const { operator, operands } = condition
  if (operator === 'matches' || operator === 'not matches') return matchTest(field, condition)
  const others = operands.filter(operand => !isNull(operand))
  if (others.length === 0) return nullTest(field, operator)
  const equal = sql`(${join(equalities(field, others, rule), ' OR ')})`
  const test = operator === '!=' || operator === 'not in' ? sql`(NOT ${equal})` : equal
  return nullAware(field, test, { operator, named: others.length < operands.length })
}

const isNull = (operand: StringOperand): boolean => operand.kind === 'keyword' && operand.keyword === 'NULL'

/** One IN for all quoted texts, which DuckDB looks up in a table, and a test for each keyword. */
function equalities(field: Field, operands: readonly StringOperand[], rule: SimpleRule): readonly Sql[] {
  const texts = operands.flatMap(operand => (operand.kind === 'text' ? [operand.value] : []))
  const keywords = operands.flatMap(operand => (operand.kind === 'keyword' ? [operand.keyword] : []))
  const value = asText(field)
  return [
    ...(texts.length === 0 ? [] : [inTexts(field, texts, rule)]),
    ...keywords.map(keyword =>
      keyword === 'EMPTY' ? sql`${value} = ''` : sql`(${value} <> '' AND trim(${value}, ' ') = '')`,
    ),
  ]
}

function inTexts(field: Field, texts: readonly string[], rule: SimpleRule): Sql {
  const list = (values: readonly Sql[]): Sql => join(values, ', ')
  // Numbers are compared as numbers, as Spark does: 1.0 is "1". A text that is no number is equal to none.
  if (kindOf(field.type) === 'number') {
    const numbers = texts.filter(text => text.trim() !== '').map(Number)
    const finite = numbers.filter(Number.isFinite)
    return finite.length === 0 ? sql`FALSE` : sql`${asDouble(field)} IN (${list(finite.map(each => sql`${each}`))})`
  }
  return ignoresCase(rule)
    ? sql`lower(${asText(field)}) IN (${list(texts.map(text => sql`lower(${text})`))})`
    : sql`${asText(field)} IN (${list(texts.map(text => sql`${text}`))})`
}

/** `with ignoreCase = "true"`, or IGNORE_CASE, folds quoted text in = != in not in. */
const ignoresCase = (rule: SimpleRule): boolean =>
  rule.tags.some(({ name, value }) => /^ignore_?case$/i.test(name) && String(value).toLowerCase() === 'true')

/** The pattern must match the whole value; empty text never matches. */
function matchTest(field: Field, { operator, operands }: StringCondition): Sql | Incomputable {
  const [operand] = operands
  if (operand?.kind !== 'text') return { problem: 'a pattern must be a text' }
  const pattern = withoutQuoteEscapes(operand.raw)
  const foreign = patternProblem(pattern)
  if (foreign !== undefined) return { problem: foreign }
  const value = asText(field)
  const match = sql`(${value} <> '' AND regexp_full_match(${value}, ${re2Pattern(pattern)}))`
  return operator === 'matches' ? match : sql`(NOT ${match})`
}

// --- Dates ---------------------------------------------------------------------------------------------------------

function dateTest(field: Field, condition: DateCondition, { nowMs }: CheckContext): Sql | Incomputable {
  const { operator, operands } = condition
  const days: Sql[] = []
  for (const operand of operands) {
    if (operand.kind === 'null') continue
    const day = dateSql(operand, nowMs)
    if (isIncomputable(day)) return day
    days.push(day)
  }
  if (days.length === 0) return nullTest(field, operator)
  const kind = kindOf(field.type)
  if (!['date', 'timestamp', 'text'].includes(kind))
    return { problem: `the column is ${field.type}, and the condition compares with a date` }
  const value = kind === 'date' ? field.sql : sql`TRY_CAST(${field.sql} AS DATE)`
  const test = compareSql(value, operator, days)
  // Unlike numbers, dates that are null pass `not between`.
  if (operator === 'not between') return sql`(${field.sql} IS NULL OR ${test})`
  return nullAware(field, test, { operator, named: days.length < operands.length })
}
