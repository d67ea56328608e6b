import { type Sql, sql } from '../../duckdb/sql.ts'
import type { SimpleRule } from '../ast.ts'
import {
  type Check,
  type CheckContext,
  judgeMetric,
  numberCondition,
  numberOf,
  problem,
  type Values,
} from '../check.ts'
import { type Field, kindOf } from '../relation.ts'
import { asDouble, isCheck, metricName, over, scopeOf } from '../rule-columns.ts'
import { groupsOf, groupsQuery } from './groups.ts'

/** Statistics of one column of numbers; nulls are skipped, deviations are those of the population. */
interface Statistic {
  readonly aggregates: (value: Sql) => Readonly<Record<string, Sql>>
  readonly compute: (values: Values) => number | undefined
}

const single = (aggregate: (value: Sql) => Sql): Statistic => ({
  aggregates: value => ({ value: aggregate(value) }),
  compute: values => numberOf(values['value']),
})

const STATISTICS: ReadonlyMap<string, Statistic> = new Map([
  ['Mean', single(value => sql`avg(${value})`)],
  ['Sum', single(value => sql`sum(${value})`)],
  ['StandardDeviation', single(value => sql`stddev_pop(${value})`)],
  ['Variance', single(value => sql`var_pop(${value})`)],
  [
    'Range',
    {
      // The extremes are what other rules ask for as well, and whole numbers could overflow in a difference.
      aggregates: value => ({ least: sql`min(${value})`, most: sql`max(${value})` }),
      compute: values => {
        const [least, most] = [numberOf(values['least']), numberOf(values['most'])]
        return least === undefined || most === undefined ? undefined : most - least
      },
    },
  ],
])

export function statistic(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const known = STATISTICS.get(rule.type.name)
  const condition = numberCondition(rule)
  const [field] = scope.fields as readonly [Field]
  if (!condition || !known) return problem(`${rule.type.name} needs a condition`)
  if (kindOf(field.type) !== 'number') return problem(notNumeric(rule, 0, field))
  const aggregates = Object.entries(known.aggregates(field.sql)).map(([as, each]) => [as, over(each, scope.where)])
  const name = metricName(rule, rule.type.name)
  return {
    aggregates: Object.fromEntries(aggregates) as Readonly<Record<string, Sql>>,
    judge: values => judgeMetric(context, condition, { name, value: known.compute(values) }),
  }
}

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
  if (!condition) return problem('ColumnCorrelation needs a condition')
  if (text >= 0) return problem(notNumeric(rule, text, scope.fields[text] as Field))
  const name = metricName(rule, 'ColumnCorrelation')
  return {
    aggregates: { value: over(sql`corr(${asDouble(left)}, ${asDouble(right)})`, scope.where) },
    judge: values => judgeMetric(context, condition, { name, value: numberOf(values['value']) }),
  }
}

/** Entropy in nats, as Glue computes it; of all rows, whatever `where` says, as Glue does. Null is no value. */
export function entropy(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const condition = numberCondition(rule)
  if (!condition) return problem('Entropy needs a condition')
  return {
    queries: [groupsQuery(context.relation, { ...scope, where: undefined })],
    judge: values => {
      const groups = groupsOf(values, 1)
      const value = groups.keyed === 0 ? undefined : groups.entropy
      return judgeMetric(context, condition, { name: metricName(rule, 'Entropy'), value })
    },
  }
}

/** Null is one of the values. */
export function distinctValues(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const condition = numberCondition(rule)
  if (!condition) return problem('DistinctValuesCount needs a condition')
  return {
    queries: [groupsQuery(context.relation, scope)],
    judge: values => {
      const { kept, keyed, keys } = groupsOf(values, 1)
      const value = keys + (kept > keyed ? 1 : 0)
      return judgeMetric(context, condition, { name: metricName(rule, 'DistinctValuesCount'), value })
    },
  }
}
