import type { Transform } from '../dataset.ts'
import { type Sql, sql } from '../duckdb/sql.ts'
import { parsePrimitive } from './primitive.ts'
import type { PrimitiveType } from './types.ts'

/**
 * A partition transform as a DuckDB expression whose value is an integer wherever the partition value is a number, a day or a
 * time: days and microseconds since 1970, and the unscaled value of a decimal. Text of it is exact, whatever the session's settings.
 */
export function transformSql(transform: Transform, source: PrimitiveType, value: Sql): Sql {
  switch (transform.name) {
    case 'identity':
      return physical(source, value)
    case 'bucket':
      return sql`CAST((${hashSql(source, value)} & 2147483647) % ${transform.width} AS INTEGER)`
    case 'truncate':
      return truncateSql(source, value, transform.width)
    case 'year':
      return sql`(year(${utc(source, value)}) - 1970)`
    case 'month':
      return sql`((year(${utc(source, value)}) - 1970) * 12 + month(${utc(source, value)}) - 1)`
    case 'day':
      return sql`(CAST(${utc(source, value)} AS DATE) - DATE '1970-01-01')`
    case 'hour':
      // Not //, which truncates toward zero and puts the hours before 1970 one too high.
      return sql`date_diff('hour', TIMESTAMP '1970-01-01', ${utc(source, value)})`
  }
}

/** Without a zone, because year() and date_diff() of a TIMESTAMPTZ depend on the session's. */
const utc = (source: PrimitiveType, value: Sql): Sql =>
  source === 'timestamptz' ? sql`(${value} AT TIME ZONE 'UTC')` : value

function physical(source: PrimitiveType, value: Sql): Sql {
  switch (parsePrimitive(source).kind) {
    case 'date':
      return sql`(${value} - DATE '1970-01-01')`
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return sql`epoch_us(${value})`
    case 'decimal':
      return unscaled(value)
    case 'uuid':
      return sql`CAST(${value} AS VARCHAR)`
    case 'binary':
    case 'fixed':
      return sql`hex(${value})`
    default:
      return value
  }
}

/** Through text, because multiplying by the scale overflows a decimal of 38 digits. */
const unscaled = (value: Sql): Sql => sql`CAST(replace(CAST(${value} AS VARCHAR), '.', '') AS HUGEINT)`

function truncateSql(source: PrimitiveType, value: Sql, width: number): Sql {
  switch (parsePrimitive(source).kind) {
    case 'int':
      return saturated(sql`CAST(${value} AS BIGINT)`, width, sql`(-2147483648)`)
    case 'long':
      return saturated(value, width, sql`CAST('-9223372036854775808' AS BIGINT)`)
    case 'decimal':
      return floorTo(unscaled(value), width)
    case 'string':
      return sql`left(${value}, ${width})`
    default:
      return sql`hex((${value})[1:${width}])`
  }
}

/** `v − (((v % W) + W) % W)` rounds down for negative values too (spec, "Truncate Transform Details"). */
const floorTo = (value: Sql, width: number): Sql => sql`(${value} - (((${value} % ${width}) + ${width}) % ${width}))`

/** Only values within one width of the type's lowest can fall below it, where DuckDB would fail; `truncate` says why they stay there. */
function saturated(value: Sql, width: number, lowest: Sql): Sql {
  const wide = floorTo(sql`CAST(${value} AS HUGEINT)`, width)
  return sql`(CASE WHEN ${value} < ${lowest} + ${width} THEN CAST(greatest(${wide}, ${lowest}) AS BIGINT) ELSE ${floorTo(value, width)} END)`
}

/** The signed or unsigned 32-bit Murmur3 hash of the spec's appendix B; callers mask the sign away. */
function hashSql(source: PrimitiveType, value: Sql): Sql {
  switch (parsePrimitive(source).kind) {
    case 'string':
      return sql`iceberg_hash_text(${value})`
    case 'uuid':
      return sql`iceberg_hash_bytes(unhex(replace(CAST(${value} AS VARCHAR), '-', '')))`
    case 'binary':
    case 'fixed':
      return sql`iceberg_hash_bytes(${value})`
    case 'decimal':
      return sql`iceberg_hash_decimal(CAST(${unscaled(value)} AS VARCHAR))`
    default:
      return murmur3Sql(sql`CAST(${physical(source, value)} AS BIGINT)`)
  }
}

/** Murmur3 x86 32 of the 8 little-endian bytes of a BIGINT, seed 0, in plain arithmetic: 32-bit words held in UBIGINTs. */
function murmur3Sql(value: Sql): Sql {
  const low = sql`CAST(${value} & 4294967295 AS UBIGINT)`
  const high = sql`CAST((${value} >> 32) & 4294967295 AS UBIGINT)`
  const mixed = sql`xor(${mix(mix(sql`0::UBIGINT`, low), high)}, 8::UBIGINT)`
  const once = multiply(shiftXor(mixed, 16), 2246822507)
  return shiftXor(multiply(shiftXor(once, 13), 3266489909), 16)
}

function mix(hash: Sql, word: Sql): Sql {
  const scrambled = multiply(rotate(multiply(word, 3432918353), 15), 461845907)
  return sql`((${rotate(sql`xor(${hash}, ${scrambled})`, 13)} * 5 + 3864292196) & 4294967295)`
}

const multiply = (value: Sql, factor: number): Sql => sql`((${value} * ${factor}::UBIGINT) & 4294967295)`

/** The word doubled up to 64 bits and shifted: it mentions the word once, so that nesting does not multiply the expression. */
const rotate = (value: Sql, bits: number): Sql => sql`(((${value} * 4294967297::UBIGINT) >> ${32 - bits}) & 4294967295)`

const shiftXor = (value: Sql, bits: number): Sql => sql`xor(${value}, ${value} >> ${bits})`
