import { type Sql, sql } from '../../duckdb/sql.ts'
import type { SimpleRule } from '../ast.ts'
import {
  type Check,
  type CheckContext,
  failed,
  judgeMetric,
  numberCondition,
  numberOf,
  problem,
  type Values,
} from '../check.ts'
import { type Field, fieldOf, kindOf, type Relation } from '../relation.ts'
import { allKnown, tuple } from '../rule-columns.ts'

/** Another table by its alias; what is to be said when there is none is the caller's. */
export function sourceOf(alias: string, context: CheckContext): Relation | undefined {
  return context.sources.get(alias) ?? (alias === 'primary' ? context.relation : undefined)
}

export function judge(
  rule: SimpleRule,
  context: CheckContext,
  metric: { readonly name: string; readonly value: number | undefined },
): ReturnType<Check['judge']> {
  const condition = numberCondition(rule)
  if (!condition) return { outcome: 'Error', reason: `${rule.type.name} needs a condition`, metrics: {} }
  return judgeMetric(context, condition, metric)
}

/** Rows of the primary, of those of the reference; nothing of nothing is 1, and something of nothing 0, where Spark has NaN and infinity. */
export function rowCountMatch(rule: SimpleRule, context: CheckContext): Check {
  const alias = rule.parameters[0]?.value as string
  const other = sourceOf(alias, context)
  if (!other) return problem(`Reference dataset '${alias}' not found in additional data sources`)
  return {
    aggregates: { rows: sql`count(*)` },
    queries: [sql`SELECT count(*) AS reference FROM ${other.source}`],
    judge: values => {
      const value = ratioOf(numberOf(values['rows']), numberOf(values['reference']))
      return judge(rule, context, { name: `Dataset.${alias}.RowCountMatch`, value })
    },
  }
}

const ratioOf = (first = 0, second = 0): number => (second === 0 ? (first === 0 ? 1 : 0) : first / second)

// --- ReferentialIntegrity ------------------------------------------------------------------------------------------

/** The share of rows whose key is in the reference; a key with a null in it never is. */
export function referentialIntegrity(rule: SimpleRule, context: CheckContext): Check {
  const [mine, theirs] = rule.parameters.map(each => each.value) as [string, string]
  const [, alias = '', names = ''] = /^\s*([^.\s]+)\s*\.\s*([\s\S]+?)\s*$/.exec(theirs) ?? []
  const other = sourceOf(alias, context)
  if (!other) return problem(`${alias === '' ? theirs : alias} not found in additional sources`)
  const left = fieldsNamed(mine, context.relation)
  const right = fieldsNamed(names.replace(/^\{([\s\S]*)\}$/, '$1'), other)
  if (typeof left === 'string') return problem(`Column ${left} does not exist in primary data frame.`)
  if (typeof right === 'string') return problem(`Column ${right} does not exist in reference data frame.`)
  if (left.length !== right.length) return problem('The two lists of columns are not of the same length')
  const test = knownIn(pairs(left, right), other)
  return {
    queries: [sql`SELECT count(*) AS kept, count_if(${test}) AS good FROM ${context.relation.source}`],
    row: { test, where: undefined, counted: countedRows },
    judge: values => {
      const { kept, good } = countedRows(values)
      if (kept === 0) return failed('Primary data frame contains no data.')
      return judge(rule, context, { name: `Column.${alias}.ReferentialIntegrity`, value: good / kept })
    },
  }
}

export const countedRows = (values: Values): { readonly kept: number; readonly good: number } => ({
  kept: numberOf(values['kept']) ?? 0,
  good: numberOf(values['good']) ?? 0,
})

function fieldsNamed(list: string, relation: Relation): readonly Field[] | string {
  // A list that is the name of one column is that column, commas and all.
  const whole = fieldOf(relation, list.trim())
  if (whole) return [whole]
  const fields: Field[] = []
  for (const name of list.split(',').map(each => each.trim())) {
    const field = fieldOf(relation, name)
    if (!field) return name
    fields.push(field)
  }
  return fields
}

export interface Pair {
  readonly mine: Field
  readonly theirs: Field
}

const pairs = (left: readonly Field[], right: readonly Field[]): readonly Pair[] =>
  left.map((mine, at) => ({ mine, theirs: right[at] as Field }))

/** The two sides of a key in forms that compare: numbers as numbers, and as text what is of different kinds, as Spark joins. */
export function comparableSides({ mine, theirs }: Pair): readonly [Sql, Sql] {
  if (mine.type === theirs.type) return [mine.sql, theirs.sql]
  const isNumber = kindOf(mine.type) === 'number' && kindOf(theirs.type) === 'number'
  const cast = (value: Sql): Sql => (isNumber ? sql`CAST(${value} AS DOUBLE)` : sql`CAST(${value} AS VARCHAR)`)
  return [cast(mine.sql), cast(theirs.sql)]
}

function knownIn(keys: readonly Pair[], other: Relation): Sql {
  const sides = keys.map(comparableSides)
  const [mine, theirs] = [sides.map(([left]) => left), sides.map(([, right]) => right)]
  const [first, only] = [mine[0] as Sql, theirs[0] as Sql]
  const isSingle = keys.length === 1
  const known = sql`SELECT ${isSingle ? only : tuple(theirs)} FROM ${other.source} WHERE ${allKnown(theirs)}`
  return sql`(${allKnown(mine)} AND ${isSingle ? first : tuple(mine)} IN (${known}))`
}

// --- SchemaMatch, AggregateMatch -----------------------------------------------------------------------------------

/** The share of columns that are the same in name and type; with different numbers of columns, none are. */
export function schemaMatch(rule: SimpleRule, context: CheckContext): Check {
  const alias = rule.parameters[0]?.value as string
  const other = sourceOf(alias, context)
  if (!other) return problem(`Reference dataset '${alias}' not found`)
  const { columns } = context.relation
  const same = columns.filter(column =>
    other.columns.some(each => each.name === column.name && each.type === column.type),
  )
  const isAlike = columns.length === other.columns.length && columns.length > 0
  const value = isAlike ? same.length / columns.length : 0
  const name = `Dataset.${alias}.SchemaMatch`
  // Deequ fails even `< 1` then: there is nothing to compare.
  if (!isAlike) return { judge: () => failed('Column counts do not match', { [name]: 0 }) }
  return { judge: () => judge(rule, context, { name, value }) }
}

/** The ratio of two aggregates, each of the primary or of a reference; without values an aggregate counts as 0. */
export function aggregateMatch(rule: SimpleRule, context: CheckContext): Check {
  const [left, right] = rule.parameters.map(each => aggregateOf(each.value, context))
  if (!left || !right) return problem('AggregateMatch takes two aggregates')
  if ('problem' in left) return problem(left.problem)
  if ('problem' in right) return problem(right.problem)
  const names = [...new Set([left.column, right.column])].join(',')
  return {
    queries: [sql`SELECT (${left.select}) AS first, (${right.select}) AS second`],
    judge: values => {
      const value = ratioOf(numberOf(values['first']), numberOf(values['second']))
      return judge(rule, context, { name: `Column.${names}.AggregateMatch`, value })
    },
  }
}

interface Aggregate {
  readonly column: string
  readonly select: Sql
}

function aggregateOf(text: string, context: CheckContext): Aggregate | { readonly problem: string } {
  const [, name = '', inner = ''] = /^\s*(sum|avg)\s*\(\s*([\s\S]+?)\s*\)\s*$/i.exec(text) ?? []
  if (name === '') return { problem: `"${text}" is no aggregate: write sum(column) or avg(alias.column)` }
  const [, alias = '', below = ''] = /^([^.]+)\.([\s\S]+)$/.exec(inner) ?? []
  const other = sourceOf(alias, context)
  // A dotted name that is no alias may still be a field of the primary.
  const [relation, column] = other ? [other, below] : [context.relation, inner]
  const field = fieldOf(relation, column)
  if (!field)
    return {
      problem: alias !== '' && !other ? `${alias} not found in additional sources` : `Column ${column} does not exist`,
    }
  if (kindOf(field.type) !== 'number') return { problem: `${name} needs numbers, and ${column} is ${field.type}` }
  const aggregate = name.toLowerCase() === 'sum' ? sql`sum(${field.sql})` : sql`avg(${field.sql})`
  return { column, select: sql`SELECT CAST(${aggregate} AS DOUBLE) FROM ${relation.source}` }
}
