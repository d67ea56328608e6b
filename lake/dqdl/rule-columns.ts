import { join, type Sql, sql } from '../duckdb/sql.ts'
import type { SimpleRule } from './ast.ts'
import { type Check, type CheckContext, problem } from './check.ts'
import { type Field, fieldOf, kindOf } from './relation.ts'
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
    if (!field) return problem(`Column ${value} does not exist in the dataset`)
    fields.push(field)
  }
  if (rule.where === undefined) return { fields, where: undefined }
  const where = compileWhere(rule.where, context)
  return 'problem' in where ? problem(where.problem) : { fields, where: where.sql }
}

export const isCheck = (value: object): value is Check => 'judge' in value

// --- Aggregates: equal texts are computed once, so all rules count through these ------------------------------------

export const countRows = (where: Sql | undefined): Sql =>
  where === undefined ? sql`count(*)` : sql`count_if(${where})`

/** Rows that pass. A condition inside count_if costs less than a FILTER, which copies the rows that it keeps. */
export const countGood = (test: Sql, where: Sql | undefined): Sql =>
  where === undefined ? sql`count_if(${test})` : sql`count_if(${where} AND ${test})`

/** An aggregate over the rows that `where` leaves; false and null both leave a row out. */
export const over = (aggregate: Sql, where: Sql | undefined): Sql =>
  where === undefined ? aggregate : sql`${aggregate} FILTER (WHERE ${where})`

// --- Values --------------------------------------------------------------------------------------------------------

export const asText = (field: Field): Sql => (field.type === 'VARCHAR' ? field.sql : sql`CAST(${field.sql} AS VARCHAR)`)
export const asDouble = (field: Field): Sql => (field.type === 'DOUBLE' ? field.sql : sql`CAST(${field.sql} AS DOUBLE)`)

/** Whole numbers of at most 64 bits, for which a comparison with whole numbers needs no cast. */
export const isWhole = (type: string): boolean => /^U?(TINYINT|SMALLINT|INTEGER|BIGINT)$/i.test(type)

/** A value to compare with these numbers: as it is where that is exact, as a double elsewhere. Text that is no number is null. */
export function comparable(field: Field, numbers: readonly number[]): Sql {
  if (isWhole(field.type) && numbers.every(Number.isSafeInteger)) return field.sql
  return kindOf(field.type) === 'text' ? sql`TRY_CAST(${field.sql} AS DOUBLE)` : asDouble(field)
}

/** Several values as one, equal to another where all are: nulls are equal to each other, unlike in `=`. */
export const tuple = (values: readonly Sql[]): Sql =>
  sql`struct_pack(${join(
    values.map((value, at) => sql`k${at} := ${value}`),
    ', ',
  )})`

export const someKnown = (values: readonly Sql[]): Sql =>
  sql`(${join(
    values.map(value => sql`${value} IS NOT NULL`),
    ' OR ',
  )})`
export const allKnown = (values: readonly Sql[]): Sql =>
  sql`(${join(
    values.map(value => sql`${value} IS NOT NULL`),
    ' AND ',
  )})`

/** How a metric over columns is named: `Column.a.Mean`, `Multicolumn.a,b.Uniqueness`. */
export function metricName(rule: SimpleRule, metric: string): string {
  const names = rule.parameters.map(each => each.value)
  return names.length === 1 ? `Column.${names[0]}.${metric}` : `Multicolumn.${names.join(',')}.${metric}`
}
