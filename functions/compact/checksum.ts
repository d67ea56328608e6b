import type { Session, Tally } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import type { IcebergType, Schema } from '#lake/iceberg/types.ts'

/**
 * Rows as a count and the sum of a 64-bit hash of each: whatever order they are in, the same rows give the same sum, and no two
 * differences cancel out as they would under XOR.
 */
export type Checksum = Tally

/** Reads all rows of a SELECT. */
export async function checksumOf(session: Session, schema: Schema, source: Sql): Promise<Checksum> {
  const [row] = await session.rows(
    sql`SELECT count(*) AS rows, CAST(COALESCE(sum(${rowHash(schema)}), 0) AS VARCHAR) AS sum FROM (${source})`,
  )
  return { rows: BigInt(String(row?.['rows'])), sum: BigInt(String(row?.['sum'])) }
}

/**
 * The SELECT with every row reported to the session's tally on its way: `takeTally` gives the checksum of what passed through, for
 * a fifth of what it costs to read the rows once more.
 */
export function tallied(schema: Schema, source: Sql): Sql {
  const [first, ...rest] = schema.fields.map(field => ident(field.name))
  if (first === undefined) return source
  const watched = sql`CASE WHEN sluice_tally(${rowHash(schema)}) = 1 THEN ${first} END AS ${first}`
  return sql`SELECT ${join([watched, ...rest], ', ')} FROM (${source})`
}

function rowHash(schema: Schema): Sql {
  const terms = schema.fields.flatMap(field => hashTerms(field.type, ident(field.name), 0))
  return sql`hash(${join(terms, ', ')})`
}

/**
 * What has to be hashed for every difference between two values to be seen. DuckDB's own hash takes −0.0 for 0.0, a null struct for
 * one of nulls, and a null list for an empty one, so these are told apart by a term of their own, at any depth.
 */
function hashTerms(type: IcebergType, value: Sql, depth: number): readonly Sql[] {
  if (type === 'float' || type === 'double') return [value, sql`signbit(${value})`]
  if (typeof type === 'string') return [value]
  switch (type.type) {
    case 'struct':
      return [
        sql`${value} IS NULL`,
        ...type.fields.flatMap(field => hashTerms(field.type, sql`struct_extract(${value}, ${field.name})`, depth)),
      ]
    case 'list':
      return [sql`len(${value})`, elementsTerm(type.element, value, depth)]
    case 'map':
      return [
        sql`cardinality(${value})`,
        elementsTerm(type.key, sql`map_keys(${value})`, depth),
        elementsTerm(type.value, sql`map_values(${value})`, depth),
      ]
  }
}

function elementsTerm(element: IcebergType, list: Sql, depth: number): Sql {
  if (typeof element === 'string' && element !== 'float' && element !== 'double') return list
  // Lambdas within lambdas need parameters of different names.
  const item = ident(`sluice_item_${depth}`)
  return sql`list_transform(${list}, lambda ${item}: hash(${join(hashTerms(element, item, depth + 1), ', ')}))`
}
