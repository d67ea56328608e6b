import { join, type Sql, sql } from '../../duckdb/sql.ts'
import type { SimpleRule } from '../ast.ts'
import {
  type Check,
  type CheckContext,
  type Judgement,
  judgeMetric,
  numberCondition,
  numberOf,
  problem,
  type Values,
} from '../check.ts'
import { type Field, fieldOf, kindOf, type Relation } from '../relation.ts'

/** Another table by its alias; a `Check` that says so when there is none. */
export function sourceOf(alias: string, context: CheckContext): Relation | Check {
  const found = context.sources.get(alias)
  if (found) return found
  const known = [...context.sources.keys()]
  return problem(`there is no data source ${alias}${known.length === 0 ? '' : `; there are ${known.join(', ')}`}`)
}

export const isRelation = (value: Relation | Check): value is Relation => 'columns' in value

export function rowCountMatch(rule: SimpleRule, context: CheckContext): Check {
  const alias = rule.parameters[0]?.value as string
  const other = sourceOf(alias, context)
  if (!isRelation(other)) return other
  return {
    aggregates: { rows: sql`count(*)` },
    queries: [sql`SELECT count(*) AS reference FROM ${other.source}`],
    judge: values => {
      const [rows, reference] = [numberOf(values['rows']) ?? 0, numberOf(values['reference']) ?? 0]
      const value = reference === 0 ? (rows === 0 ? 1 : 0) : rows / reference
      return judge(rule, context, { name: `Dataset.${alias}.RowCountMatch`, value })
    },
  }
}

export function judge(
  rule: SimpleRule,
  context: CheckContext,
  metric: { readonly name: string; readonly value: number | undefined },
): Judgement {
  const condition = numberCondition(rule)
  if (!condition) return { outcome: 'Error', reason: `${rule.type.name} needs a condition`, metrics: {} }
  return judgeMetric(context, condition, metric)
}

/** The share of rows whose key is in the reference; a key with a null in it never is. */
export function referentialIntegrity(rule: SimpleRule, context: CheckContext): Check {
  const [mine, theirs] = rule.parameters.map(each => each.value) as [string, string]
  const [, alias = '', names = ''] = /^\s*([^.\s]+)\s*\.\s*([\s\S]+?)\s*$/.exec(theirs) ?? []
  const other = sourceOf(alias, context)
  if (!isRelation(other)) return other
  const left = fieldsNamed(mine, context.relation)
  const right = fieldsNamed(names.replace(/^\{([\s\S]*)\}$/, '$1'), other)
  if (typeof left === 'string') return problem(`there is no column ${left}`)
  if (typeof right === 'string') return problem(`there is no column ${right} in ${alias}`)
  if (left.length !== right.length) return problem('the two lists of columns are not of the same length')
  const known = keyTable(right, other)
  const keys = join(
    left.map((_field, at) => sql`p.k${at} = r.k${at}`),
    ' AND ',
  )
  const primary = sql`SELECT ${keyColumns(left)} FROM ${context.relation.source}`
  return {
    queries: [
      sql`SELECT count(*) AS total, count(r.k0) AS found FROM (${primary}) AS p LEFT JOIN (${known}) AS r ON ${keys}`,
    ],
    judge: values => {
      const total = numberOf(values['total']) ?? 0
      const value = total === 0 ? undefined : (numberOf(values['found']) ?? 0) / total
      return judge(rule, context, { name: `Column.${mine}.ReferentialIntegrity`, value })
    },
  }
}

function fieldsNamed(list: string, relation: Relation): readonly Field[] | string {
  const fields: Field[] = []
  for (const name of list.split(',').map(each => each.trim())) {
    const field = fieldOf(relation, name)
    if (!field) return name
    fields.push(field)
  }
  return fields
}

/** Keys compare as text when the two sides are of different kinds, as they do for a join of Spark. */
const keyColumns = (fields: readonly Field[]): Sql =>
  join(
    fields.map((field, at) => sql`${keySql(field)} AS k${at}`),
    ', ',
  )
const keySql = (field: Field): Sql =>
  kindOf(field.type) === 'number' ? sql`CAST(${field.sql} AS DOUBLE)` : sql`CAST(${field.sql} AS VARCHAR)`

const keyTable = (fields: readonly Field[], relation: Relation): Sql =>
  sql`SELECT DISTINCT ${keyColumns(fields)} FROM ${relation.source}`

/** The share of columns that are the same in name and type; with different numbers of columns, none are. */
export function schemaMatch(rule: SimpleRule, context: CheckContext): Check {
  const alias = rule.parameters[0]?.value as string
  const other = sourceOf(alias, context)
  if (!isRelation(other)) return other
  const { columns } = context.relation
  const same = columns.filter(column =>
    other.columns.some(each => each.name.toLowerCase() === column.name.toLowerCase() && each.type === column.type),
  )
  const value = columns.length === other.columns.length && columns.length > 0 ? same.length / columns.length : 0
  return { judge: () => judge(rule, context, { name: `Dataset.${alias}.SchemaMatch`, value }) }
}

/** The ratio of two aggregates, each of the primary or of a reference. */
export function aggregateMatch(rule: SimpleRule, context: CheckContext): Check {
  const [left, right] = rule.parameters.map(each => aggregateOf(each.value, context))
  if (!left || !right) return problem('AggregateMatch takes two aggregates')
  if ('problem' in left) return problem(left.problem)
  if ('problem' in right) return problem(right.problem)
  const names = [...new Set([left.column, right.column])].join(',')
  return {
    queries: [left.select('first'), right.select('second')],
    judge: (values: Values) => {
      const [first, second] = [numberOf(values['first']) ?? 0, numberOf(values['second']) ?? 0]
      const value = second === 0 ? (first === 0 ? 1 : 0) : first / second
      return judge(rule, context, { name: `Column.${names}.AggregateMatch`, value })
    },
  }
}

interface Aggregate {
  readonly column: string
  readonly select: (name: 'first' | 'second') => Sql
}

function aggregateOf(text: string, context: CheckContext): Aggregate | { readonly problem: string } {
  const [, name = '', inner = ''] = /^\s*(sum|avg)\s*\(\s*([\s\S]+?)\s*\)\s*$/i.exec(text) ?? []
  if (name === '') return { problem: `"${text}" is no aggregate: write sum(column) or avg(alias.column)` }
  const [, alias = '', below = ''] = /^([^.]+)\.([\s\S]+)$/.exec(inner) ?? []
  const other = context.sources.get(alias)
  const isPrimary = other === undefined
  const relation = other ?? context.relation
  const field =
    fieldOf(relation, isPrimary ? inner : below) ?? (alias === 'primary' ? fieldOf(relation, below) : undefined)
  if (!field) return { problem: `there is no column ${inner}` }
  const value = sql`CAST(${field.sql} AS DOUBLE)`
  const aggregate = name.toLowerCase() === 'sum' ? sql`sum(${value})` : sql`avg(${value})`
  return {
    column: isPrimary ? inner : below,
    select: as => sql`SELECT ${aggregate} AS ${as === 'first' ? sql`first` : sql`second`} FROM ${relation.source}`,
  }
}
