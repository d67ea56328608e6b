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
import {
  type Check,
  type CheckContext,
  failed,
  type Judgement,
  judgeMetric,
  judgeShare,
  lastOf,
  numberOf,
  passed,
  problem,
  type Values,
} from '../check.ts'
import { compareNumber, compareSql, dateSql } from '../condition-sql.ts'
import { type Incomputable, isIncomputable } from '../number.ts'
import { patternProblem, re2Pattern } from '../patterns.ts'
import { type Field, kindOf } from '../relation.ts'
import { asDouble, asText, isCheck, metricName, over, rowUnder, scopeOf } from '../rule-columns.ts'
import { both } from './length.ts'

/** ColumnValues: every value satisfies the condition, or the share that the threshold wants. */
export function columnValues(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const [field] = scope.fields as readonly [Field]
  const { condition } = rule
  if (!condition) return problem('ColumnValues needs a condition')
  const test = testOf(field, condition, { rule, context })
  if (isIncomputable(test)) return problem(test.problem)
  const number = condition.kind === 'number' && isExtreme(rule, condition, context) ? condition : undefined
  return {
    aggregates: {
      rows: over(sql`count(*)`, scope.where),
      present: over(sql`count(${field.sql})`, scope.where),
      good: over(sql`count_if(${test})`, scope.where),
      ...(number ? extremes(field, scope.where) : {}),
    },
    row: rowUnder(test, scope.where),
    judge: values => judgeValues(rule, context, { values, number }),
  }
}

/** Tests of the smallest and largest value: Glue takes no threshold for these, its documentation says nothing of it. */
function isExtreme(rule: SimpleRule, { operator, operands }: NumberCondition, context: CheckContext): boolean {
  if (operands.some(operand => operand.kind === 'null')) return false
  if (rule.threshold && context.thresholds === 'documented') return false
  return ['>', '>=', '<', '<=', '=', 'between'].includes(operator)
}

const extremes = (field: Field, where: Sql | undefined): Check['aggregates'] => ({
  least: over(sql`min(${asDouble(field)})`, where),
  most: over(sql`max(${asDouble(field)})`, where),
})

interface Tested {
  readonly rule: SimpleRule
  readonly context: CheckContext
}

/** Whether a value satisfies the condition; null where SQL says so, which is a failure. */
function testOf(field: Field, condition: Condition, tested: Tested): Sql | Incomputable {
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

// --- Numbers -------------------------------------------------------------------------------------------------------

function numberTest(field: Field, condition: NumberCondition, { rule, context }: Tested): Sql | Incomputable {
  const hasNull = condition.operands.some(operand => operand.kind === 'null')
  const isOnlyNull = condition.operands.every(operand => operand.kind === 'null')
  if (isOnlyNull) return nullTest(field, condition.operator)
  if (kindOf(field.type) !== 'number')
    return { problem: `${rule.parameters[0]?.value} is ${field.type}, and the condition compares with a number` }
  const test = compareNumber(asDouble(field), condition, lastOf(context, metricName(rule, 'Minimum')))
  if (isIncomputable(test)) return test
  return nullAware(field, test, { operator: condition.operator, hasNull })
}

function nullTest(field: Field, operator: Operator): Sql | Incomputable {
  if (operator === '=' || operator === 'in') return sql`(${field.sql} IS NULL)`
  if (operator === '!=' || operator === 'not in') return sql`(${field.sql} IS NOT NULL)`
  return { problem: `NULL cannot be compared with ${operator}` }
}

/** Null passes != and not in, unless NULL is named; it fails everything else. */
function nullAware(
  field: Field,
  test: Sql,
  { operator, hasNull }: { readonly operator: Operator; readonly hasNull: boolean },
): Sql {
  if (operator === 'in') return hasNull ? sql`(${field.sql} IS NULL OR ${test})` : test
  if (operator === 'not in')
    return hasNull ? sql`(${field.sql} IS NOT NULL AND ${test})` : sql`(${field.sql} IS NULL OR ${test})`
  return operator === '!=' ? sql`(${field.sql} IS NULL OR ${test})` : test
}

// --- Text ----------------------------------------------------------------------------------------------------------

function stringTest(field: Field, condition: StringCondition, rule: SimpleRule): Sql | Incomputable {
  const { operator, operands } = condition
  if (operator === 'matches' || operator === 'not matches') return matchTest(field, condition)
  const isNegated = operator === '!=' || operator === 'not in'
  const named = operands.filter(operand => operand.kind === 'keyword' && operand.keyword === 'NULL').length > 0
  const tests = operands.filter(operand => !isNull(operand)).map(operand => equals(field, operand, ignoresCase(rule)))
  if (tests.length === 0) return nullTest(field, operator)
  const positive = sql`(${join(tests, ' OR ')})`
  const test = isNegated ? sql`(NOT ${positive})` : positive
  return nullAware(field, test, { operator: isNegated ? 'not in' : 'in', hasNull: named })
}

const isNull = (operand: StringOperand): boolean => operand.kind === 'keyword' && operand.keyword === 'NULL'

function equals(field: Field, operand: StringOperand, ignoreCase: boolean): Sql {
  const value = asText(field)
  if (operand.kind === 'keyword')
    return operand.keyword === 'EMPTY' ? sql`${value} = ''` : sql`(length(${value}) > 0 AND trim(${value}, ' ') = '')`
  // Numbers are compared as numbers: 1.0 is "1".
  if (kindOf(field.type) === 'number') return sql`${asDouble(field)} = TRY_CAST(${operand.value} AS DOUBLE)`
  return ignoreCase ? sql`lower(${value}) = lower(${operand.value})` : sql`${value} = ${operand.value}`
}

/** The pattern must match the whole value; empty text never matches. */
function matchTest(field: Field, { operator, operands }: StringCondition): Sql | Incomputable {
  const [operand] = operands
  if (operand?.kind !== 'text') return { problem: 'a pattern must be a text' }
  const foreign = patternProblem(operand.value)
  if (foreign !== undefined) return { problem: foreign }
  const value = asText(field)
  const match = sql`(${value} <> '' AND regexp_full_match(${value}, ${re2Pattern(operand.value)}, 's'))`
  return operator === 'matches' ? match : sql`(NOT ${match})`
}

/** `with ignoreCase = "true"` folds quoted text in = != in not in. */
const ignoresCase = (rule: SimpleRule): boolean =>
  rule.tags.some(tag => tag.name === 'ignoreCase' && String(tag.value).toLowerCase() === 'true')

// --- Dates ---------------------------------------------------------------------------------------------------------

function dateTest(field: Field, condition: DateCondition, { nowMs }: CheckContext): Sql | Incomputable {
  const hasNull = condition.operands.some(operand => operand.kind === 'null')
  const days: Sql[] = []
  for (const operand of condition.operands.filter(each => each.kind !== 'null')) {
    const day = dateSql(operand, nowMs)
    if (isIncomputable(day)) return day
    days.push(day)
  }
  if (days.length === 0) return nullTest(field, condition.operator)
  const value = sql`TRY_CAST(${field.sql} AS DATE)`
  const test = compareSql(value, condition.operator, days)
  // Unlike numbers, dates that are null pass `not between`.
  if (condition.operator === 'not between') return sql`(${field.sql} IS NULL OR ${test})`
  return nullAware(field, test, { operator: condition.operator, hasNull })
}

// --- Judgement -----------------------------------------------------------------------------------------------------

function judgeValues(
  rule: SimpleRule,
  context: CheckContext,
  { values, number }: { readonly values: Values; readonly number: NumberCondition | undefined },
): Judgement {
  const rows = numberOf(values['rows']) ?? 0
  if (rows === 0)
    return rule.where === undefined
      ? failed('the table has no rows')
      : { ...passed(), reason: 'no row is left by where' }
  if (number) return judgeExtremes(rule, context, { values, number })
  const isPattern = rule.condition?.operator === 'matches' || rule.condition?.operator === 'not matches'
  const name = metricName(rule, isPattern ? 'PatternMatch' : 'ColumnValues.Compliance')
  return judgeShare(context, rule, { name, value: (numberOf(values['good']) ?? 0) / rows })
}

function judgeExtremes(
  rule: SimpleRule,
  context: CheckContext,
  { values, number }: { readonly values: Values; readonly number: NumberCondition },
): Judgement {
  const minimum = { name: metricName(rule, 'Minimum'), value: numberOf(values['least']) }
  const maximum = { name: metricName(rule, 'Maximum'), value: numberOf(values['most']) }
  const judged =
    number.operator === '>' || number.operator === '>='
      ? judgeMetric(context, number, minimum)
      : number.operator === '<' || number.operator === '<='
        ? judgeMetric(context, number, maximum)
        : both(judgeMetric(context, number, minimum), judgeMetric(context, number, maximum))
  const nulls = (numberOf(values['rows']) ?? 0) - (numberOf(values['present']) ?? 0)
  if (judged.outcome !== 'Passed' || nulls === 0) return judged
  return failed(`${nulls} values are null, which no comparison holds for`, judged.metrics)
}
