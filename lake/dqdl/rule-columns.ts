import { type Sql, sql } from '../duckdb/sql.ts'
import type { SimpleRule } from './ast.ts'
import { type Check, type CheckContext, problem } from './check.ts'
import { type Field, fieldOf } from './relation.ts'
import { compileWhere } from './where.ts'

/** The columns that a rule names and the rows that it looks at. */
export interface Scope {
  readonly fields: readonly Field[]
  /** undefined: all rows. */
  readonly where: Sql | undefined
}

/** Resolves a rule's parameters as columns of the primary table, and its `where`; a `Check` when that is not possible. */
export function scopeOf(rule: SimpleRule, context: CheckContext): Scope | Check {
  const fields: Field[] = []
  for (const { value } of rule.parameters) {
    const field = fieldOf(context.relation, value)
    if (!field) return problem(`there is no column ${value}`)
    fields.push(field)
  }
  const where = whereOf(rule, context)
  return where && 'problem' in where ? problem(where.problem) : { fields, where: where?.sql }
}

export const isCheck = (value: object): value is Check => 'judge' in value

export function whereOf(rule: SimpleRule, context: CheckContext): ReturnType<typeof compileWhere> | undefined {
  return rule.where === undefined ? undefined : compileWhere(rule.where, context)
}

/** An aggregate over the rows that `where` leaves; false and null both leave a row out. */
export const over = (aggregate: Sql, where: Sql | undefined): Sql =>
  where === undefined ? aggregate : sql`${aggregate} FILTER (WHERE ${where})`

/** Rows that `where` leaves out pass. */
export const rowUnder = (test: Sql, where: Sql | undefined): Sql =>
  where === undefined ? sql`COALESCE(${test}, FALSE)` : sql`(NOT COALESCE(${where}, FALSE) OR COALESCE(${test}, FALSE))`

export const asText = (field: Field): Sql => (field.type === 'VARCHAR' ? field.sql : sql`CAST(${field.sql} AS VARCHAR)`)
export const asDouble = (field: Field): Sql => (field.type === 'DOUBLE' ? field.sql : sql`CAST(${field.sql} AS DOUBLE)`)

/** How a metric over columns is named: `Column.a.Mean`, `Multicolumn.a,b.Uniqueness`. */
export function metricName(rule: SimpleRule, metric: string): string {
  const names = rule.parameters.map(each => each.value)
  return names.length === 1 ? `Column.${names[0]}.${metric}` : `Multicolumn.${names.join(',')}.${metric}`
}
