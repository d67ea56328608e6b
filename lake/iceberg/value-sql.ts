import { literal, type Sql, sql } from '../duckdb/sql.ts'
import { decimalText } from './partition.ts'
import { parsePrimitive } from './primitive.ts'
import { duckdbType } from './schema-text.ts'
import type { PrimitiveType } from './types.ts'
import type { Value } from './value.ts'

/** A value as DuckDB syntax of exactly its type: what `value.ts` holds as days, microseconds, unscaled digits or bytes. */
export function valueSql(type: PrimitiveType, value: Value): Sql {
  return sql`CAST(${plainSql(type, value)} AS ${duckdbType(type)})`
}

function plainSql(type: PrimitiveType, value: Value): Sql {
  const primitive = parsePrimitive(type)
  switch (primitive.kind) {
    case 'date':
      return sql`(DATE '1970-01-01' + ${Number(value)})`
    case 'time':
      return sql`(TIME '00:00:00' + to_microseconds(${BigInt(value as bigint)}))`
    case 'timestamp':
      return sql`make_timestamp(${BigInt(value as bigint)})`
    case 'timestamptz':
      return sql`(make_timestamp(${BigInt(value as bigint)}) AT TIME ZONE 'UTC')`
    case 'decimal':
      return literal(decimalText(value as bigint, primitive.scale))
    case 'float':
    case 'double':
      // As text, because NaN, the infinities and −0.0 are no numbers in SQL.
      return literal(Object.is(value, -0) ? '-0.0' : String(value))
    case 'uuid':
    case 'fixed':
    case 'binary':
      return sql`unhex(${(value as Buffer).toString('hex')})`
    default:
      return sql`${value as boolean | number | bigint | string}`
  }
}
