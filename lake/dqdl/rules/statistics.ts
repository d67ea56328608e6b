import { type Sql, sql } from '../../duckdb/sql.ts'
import type { SimpleRule } from '../ast.ts'
import { type Check, type CheckContext, errorOf, judgeMetric, numberCondition, numberOf, problem } from '../check.ts'
import { type Field, kindOf } from '../relation.ts'
import { asDouble, asText, isCheck, metricName, over, scopeOf } from '../rule-columns.ts'

interface Statistic {
  /** Of numbers only. */
  readonly numeric: boolean
  readonly aggregate: (field: Field) => Sql
  readonly ignoresWhere?: true
}

/** Statistics of one column, or of two; nulls are skipped, deviations are those of the population. */
const STATISTICS: ReadonlyMap<string, Statistic> = new Map([
  ['Mean', { numeric: true, aggregate: (field: Field) => sql`avg(${asDouble(field)})` }],
  ['Sum', { numeric: true, aggregate: (field: Field) => sql`sum(${asDouble(field)})` }],
  ['StandardDeviation', { numeric: true, aggregate: (field: Field) => sql`stddev_pop(${asDouble(field)})` }],
  ['Variance', { numeric: true, aggregate: (field: Field) => sql`var_pop(${asDouble(field)})` }],
  // DuckDB's entropy is in bits, Glue's in nats. Glue takes it of all rows, whatever `where` says.
  [
    'Entropy',
    { numeric: false, ignoresWhere: true, aggregate: (field: Field) => sql`(entropy(${asText(field)}) * ln(2))` },
  ],
])

export function statistic(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const known = STATISTICS.get(rule.type.name) ?? RANGE
  const condition = numberCondition(rule)
  const [field] = scope.fields as readonly [Field]
  if (!condition) return problem(`${rule.type.name} cannot be evaluated`)
  if (known.numeric && kindOf(field.type) !== 'number') return problem(notNumeric(rule, 0, field))
  const name = metricName(rule, rule.type.name)
  const where = known.ignoresWhere ? undefined : scope.where
  return {
    aggregates: { value: known === RANGE ? range(field, where) : over(known.aggregate(field), where) },
    judge: values => judgeMetric(context, condition, { name, value: numberOf(values['value']) }),
  }
}

/** A filter belongs to each aggregate, not to the difference of two. */
const RANGE: Statistic = { numeric: true, aggregate: field => range(field, undefined) }
const range = (field: Field, where: Sql | undefined): Sql =>
  sql`(${over(sql`max(${asDouble(field)})`, where)} - ${over(sql`min(${asDouble(field)})`, where)})`

function notNumeric(rule: SimpleRule, at: number, field: Field): string {
  return `${rule.type.name} needs numbers, and ${rule.parameters[at]?.value} is ${field.type}`
}

/** Pearson's correlation of the rows where neither is null. */
export function correlation(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const [left, right] = scope.fields as readonly [Field, Field]
  const text = scope.fields.findIndex(field => kindOf(field.type) !== 'number')
  const condition = numberCondition(rule)
  if (text >= 0) return problem(notNumeric(rule, text, scope.fields[text] as Field))
  const name = metricName(rule, 'ColumnCorrelation')
  return {
    aggregates: { value: over(sql`corr(${asDouble(left)}, ${asDouble(right)})`, scope.where) },
    judge: values =>
      condition ? judgeMetric(context, condition, { name, value: numberOf(values['value']) }) : errorOf('no condition'),
  }
}

/** Values are compared as text, and null is one of them. */
export function distinctValues(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const [field] = scope.fields as readonly [Field]
  const condition = numberCondition(rule)
  const name = metricName(rule, 'DistinctValuesCount')
  return {
    aggregates: {
      distinct: over(sql`count(DISTINCT ${asText(field)})`, scope.where),
      nulls: over(sql`count_if(${field.sql} IS NULL)`, scope.where),
    },
    judge: values => {
      const value = (numberOf(values['distinct']) ?? 0) + ((numberOf(values['nulls']) ?? 0) > 0 ? 1 : 0)
      return condition ? judgeMetric(context, condition, { name, value }) : errorOf('no condition')
    },
  }
}
