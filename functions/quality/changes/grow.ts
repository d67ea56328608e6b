import type { Column, ColumnType, Dataset } from '#lake/dataset.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join, path, type Sql, sql } from '#lake/duckdb/sql.ts'
import type { IcebergType, NestedField, Schema } from '#lake/iceberg/types.ts'

/**
 * Evolution `widen`: values are read as wide as their column may ever become, and the table grows as far as they ask for. A column grows as Iceberg
 * lets it: `int` to `long`, `float` to `double`, a decimal by digits before the point.
 */
export const widens = ({ evolution }: Dataset): boolean => evolution === 'widen'

const DIGITS_MAX = 38
const DECIMAL = /^decimal\((\d+),(\d+)\)$/

function widestType<T extends ColumnType | IcebergType>(type: T): T {
  if (typeof type !== 'string') return type
  const decimal = DECIMAL.exec(type)
  const widest =
    type === 'int' ? 'long' : type === 'float' ? 'double' : decimal ? `decimal(${DIGITS_MAX},${decimal[2]})` : type
  // A primitive stays one, which TypeScript cannot tell of text that is put together.
  return widest as T
}

export const widestColumn = <C extends Column>(column: C): C => ({ ...column, type: widestType(column.type) })

export const widestSchema = (schema: Schema): Schema => ({
  ...schema,
  fields: schema.fields.map(field => ({ ...field, type: widestType(field.type) })),
})

/** Columns of the table, of the first level, that decoded change rows have values for which are too large, with the types that hold them. */
export async function grownTypes(
  session: Session,
  schema: Schema,
  { paths, key }: { readonly paths: readonly string[]; readonly key: readonly string[] },
): Promise<ReadonlyMap<string, string>> {
  const growing = schema.fields.filter(({ type }) => widestType(type) !== type)
  if (paths.length === 0 || growing.length === 0) return new Map()
  const extremes = growing.flatMap(({ name }, at) => {
    const values = key.includes(name) ? [ident(name), path('_old_key', name)] : [ident(name)]
    return [
      sql`least(${join(values.map(smallest), ', ')})::VARCHAR AS ${ident(`least_${at}`)}`,
      sql`greatest(${join(values.map(largest), ', ')})::VARCHAR AS ${ident(`most_${at}`)}`,
    ]
  })
  const rows = sql`read_parquet(${paths}, union_by_name = TRUE, hive_partitioning = FALSE)`
  const [found] = await session.rows(sql`SELECT ${join(extremes, ', ')} FROM ${rows} WHERE _outcome = 'row'`)
  return new Map(
    growing.flatMap((field, at) => {
      const values = [found?.[`least_${at}`], found?.[`most_${at}`]].flatMap(each =>
        each == null ? [] : [String(each)],
      )
      const type = typeFor(field, values)
      return type === field.type ? [] : [[field.name, type] as const]
    }),
  )
}

const smallest = (value: Sql): Sql => sql`min(${value})`
const largest = (value: Sql): Sql => sql`max(${value})`

const INT_MAX = 2_147_483_647n
const FLOAT_MAX = 3.4028234663852886e38

function typeFor({ type }: NestedField, values: readonly string[]): string {
  const name = String(type)
  if (name === 'int') return values.map(BigInt).some(each => each > INT_MAX || each < -INT_MAX - 1n) ? 'long' : name
  if (name === 'float') {
    const isTooLarge = values.map(Number).some(each => Number.isFinite(each) && Math.abs(each) > FLOAT_MAX)
    return isTooLarge ? 'double' : name
  }
  const [, digits, scale] = DECIMAL.exec(name) as unknown as readonly [string, string, string]
  const whole = Math.max(
    0,
    ...values.map(each => (each.replace(/^-/, '').split('.')[0] as string).replace(/^0+/, '').length),
  )
  return `decimal(${Math.max(Number(digits), whole + Number(scale))},${scale})`
}
