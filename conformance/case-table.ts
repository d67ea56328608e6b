import type { Relation } from '#lake/dqdl/relation.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'

/** A table of a case. */
export interface CaseTable {
  readonly columns: readonly { readonly name: string; readonly type: CaseType }[]
  readonly rows: readonly (readonly CaseValue[])[]
}

/** A Spark SQL name, or a struct by its fields. */
type CaseType = string | { readonly [field: string]: CaseType }
type CaseValue =
  | string
  | number
  | boolean
  | null
  | { readonly $days_ago: number; readonly as: 'date' | 'timestamp' }
  | { readonly [field: string]: CaseValue }
  | readonly CaseValue[]

/** A clock of the cases' own: nothing may depend on the day on which it runs, and days that cases write out are past. */
export const NOW_MS = Date.UTC(2030, 0, 15, 12)
export const DAY_MS = 86_400_000

const TYPES: Readonly<Record<string, Sql>> = {
  string: sql`VARCHAR`,
  int: sql`INTEGER`,
  integer: sql`INTEGER`,
  long: sql`BIGINT`,
  bigint: sql`BIGINT`,
  short: sql`SMALLINT`,
  smallint: sql`SMALLINT`,
  byte: sql`TINYINT`,
  tinyint: sql`TINYINT`,
  double: sql`DOUBLE`,
  float: sql`FLOAT`,
  boolean: sql`BOOLEAN`,
  date: sql`DATE`,
  timestamp: sql`TIMESTAMP`,
  timestamp_ntz: sql`TIMESTAMP`,
  timestamp_ltz: sql`TIMESTAMP`,
  decimal: sql`DECIMAL(10, 0)`,
  binary: sql`BLOB`,
}

function typeSql(type: CaseType): Sql {
  if (typeof type === 'object')
    return sql`STRUCT(${join(
      Object.entries(type).map(([name, field]) => sql`${ident(name)} ${typeSql(field)}`),
      ', ',
    )})`
  const [, precision, scale = '0'] = /^decimal\((\d+)(?:,\s*(\d+))?\)$/i.exec(type) ?? []
  if (precision !== undefined) return sql`DECIMAL(${Number(precision)}, ${Number(scale)})`
  if (/^(var)?char\(\d+\)$/i.test(type)) return sql`VARCHAR`
  const list = /^array<(.+)>$/i.exec(type)?.[1]
  if (list !== undefined) return sql`${typeSql(list)}[]`
  const known = TYPES[type.toLowerCase()]
  if (!known) throw new Error(`the case has a column of the unknown type ${type}`)
  return known
}

/** The order of rows, which a table has not, in a column that no case has. */
export const ORDINAL = 'number of the row in the case'

export async function makeTable(session: Session, name: string, table: CaseTable): Promise<Relation> {
  const columns = table.columns.map(column => sql`${ident(column.name)} ${typeSql(column.type)}`)
  const inner = ident(`${name} rows`)
  await session.run(sql`CREATE TABLE ${inner} (${join([...columns, sql`${ident(ORDINAL)} BIGINT`], ', ')})`)
  const rows = table.rows.map((row, at) => {
    const values = table.columns.map((column, index) => valueSql(row[index] ?? null, column.type))
    return sql`(${join([...values, sql`${at}`], ', ')})`
  })
  if (rows.length > 0) await session.run(sql`INSERT INTO ${inner} VALUES ${join(rows, ', ')}`)
  const described = await session.rows(sql`SELECT column_name, column_type FROM (DESCRIBE ${inner})`)
  const relation = described
    .slice(0, -1)
    .map(each => ({ name: String(each['column_name']), type: String(each['column_type']) }))
  return { source: inner, columns: relation }
}

function valueSql(value: CaseValue, type: CaseType): Sql {
  if (value === null) return sql`NULL`
  if (Array.isArray(value))
    return sql`[${join(
      value.map(each => valueSql(each, 'string')),
      ', ',
    )}]`
  if (typeof value === 'object' && '$days_ago' in value) {
    const time = NOW_MS - Number(value['$days_ago']) * DAY_MS
    const instant = value['as'] === 'date' ? sql`CAST(epoch_ms(${time}) AS DATE)` : sql`epoch_ms(${time})`
    return sql`CAST(${instant} AS ${typeSql(type)})`
  }
  if (typeof value === 'object') {
    const fields = Object.entries(type as { readonly [field: string]: CaseType })
    const of = value as { readonly [field: string]: CaseValue }
    return sql`struct_pack(${join(
      fields.map(
        ([name, field]) => sql`${ident(name)} := CAST(${valueSql(of[name] ?? null, field)} AS ${typeSql(field)})`,
      ),
      ', ',
    )})`
  }
  return sql`CAST(${typeof value === 'number' ? String(value) : value} AS ${typeSql(type)})`
}
