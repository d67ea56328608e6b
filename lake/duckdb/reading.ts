import {
  type DuckDBResult,
  type DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTypeId,
  type DuckDBValueConverter,
  JsonDuckDBValueConverter,
} from '@duckdb/node-api'

/** A number that JavaScript would round, as its digits: 64-bit and wider integers and decimals, always, whatever their size. */
export class Digits {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Dates and times are text in UTC, binary is text with `\x` escapes, maps are lists of `{key, value}`, NaN and infinities are text. */
export type Exact = string | number | boolean | null | Digits | readonly Exact[] | { readonly [field: string]: Exact }

/** A result as it is computed. Rows are by position, because two columns may have one name. */
export interface Reading {
  /** `type` as DuckDB writes it: `DECIMAL(12,2)`, `STRUCT("a" BIGINT)`. */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /** To be read once; it may be left early. */
  readonly chunks: AsyncIterable<readonly (readonly Exact[])[]>
}

/** `fetching` wraps every step, so that errors half way are translated like those of the start. */
export function readingOf(result: DuckDBResult, fetching: <T>(work: () => Promise<T>) => Promise<T>): Reading {
  const types = result.columnTypes()
  return {
    columns: result.columnNames().map((name, index) => ({ name, type: String(types[index]) })),
    chunks: chunksOf(result, fetching),
  }
}

async function* chunksOf(
  result: DuckDBResult,
  fetching: <T>(work: () => Promise<T>) => Promise<T>,
): AsyncGenerator<readonly (readonly Exact[])[]> {
  for (;;) {
    const chunk = await fetching(() => result.fetchChunk())
    if (chunk === null || chunk.rowCount === 0) return
    yield chunk.convertRows(exact)
  }
}

const exact: DuckDBValueConverter<Exact> = (value, type, converter) => {
  if (value === null) return null
  switch (type.typeId) {
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.UBIGINT:
    case DuckDBTypeId.HUGEINT:
    case DuckDBTypeId.UHUGEINT:
    case DuckDBTypeId.BIGNUM:
    case DuckDBTypeId.DECIMAL:
      return new Digits(String(value))
    case DuckDBTypeId.FLOAT:
      return Number.isFinite(value) ? shortestFloat(value as number) : String(value)
    case DuckDBTypeId.INTERVAL:
      return String(value)
    case DuckDBTypeId.TIMESTAMP_TZ:
      // Its own toString gives the time zone of this machine, and the session's is UTC.
      return `${new DuckDBTimestampValue((value as DuckDBTimestampTZValue).micros)}+00`
    default:
      // The library's type is that of plain JSON; nested values come back through this function.
      return JsonDuckDBValueConverter(value, type, converter as never) as Exact
  }
}

/** The shortest decimal that is this 32-bit number: as a double, 1.1 would read 1.100000023841858. */
function shortestFloat(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return value
}
