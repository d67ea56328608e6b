// The contract as a table: for every type, which texts are values of it, and which value. Whatever is not listed as a value is a
// problem of the row: nothing is rounded, cut, guessed or read in another notation.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { typed } from '#functions/quality/contract.ts'
import type { ColumnType, TemporalFormat } from '#lake/dataset.ts'
import { duckdbEngine, type Session } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'

let session: Session
beforeAll(async () => {
  session = await duckdbEngine.open({
    threads: 1,
    memoryBytes: 200_000_000,
    folders: [],
    scratch: process.env['TMPDIR'] ?? '/tmp',
  })
})
afterAll(() => session.close())

/** The value, printed; `refused` when the text does not fit. */
async function judged(type: ColumnType, text: string, format?: TemporalFormat): Promise<string> {
  const { value, fits } = typed(type, sql`t`, { format })
  const [row] = await session.rows(
    sql`SELECT CAST(${value} AS VARCHAR) AS value, COALESCE(${fits ?? sql`TRUE`}, FALSE) AS fits FROM (SELECT ${text} AS t)`,
  )
  return row?.['fits'] === true ? String(row['value']) : 'refused'
}

function table(name: string, type: ColumnType, rows: string, format?: TemporalFormat): void {
  describe(name, () => {
    test.each(
      rows
        .trim()
        .split('\n')
        .map(row => row.split('->').map(cell => cell.trim().replaceAll('␠', ' ')) as [string, string]),
    )('%s → %s', async (text, expected) => expect(await judged(type, text, format)).toBe(expected))
  })
}

table(
  'boolean',
  'boolean',
  `
  true -> true
  FALSE -> false
  1 -> true
  0 -> false
  yes -> refused
  2 -> refused
  t -> refused
   -> refused`,
)

table(
  'int',
  'int',
  `
  0 -> 0
  -2147483648 -> -2147483648
  2147483647 -> 2147483647
  2147483648 -> refused
  +7 -> 7
  007 -> 7
  3.0 -> 3
  3. -> 3
  3.5 -> refused
  1e3 -> refused
  0x1f -> refused
  1_000 -> refused
  1,000 -> refused
  ␠7 -> refused
  ١٢٣ -> refused
  true -> refused
   -> refused`,
)

table(
  'long',
  'long',
  `
  9223372036854775807 -> 9223372036854775807
  -9223372036854775808 -> -9223372036854775808
  9223372036854775808 -> refused
  9007199254740993 -> 9007199254740993
  9007199254740993.0 -> 9007199254740993`,
)

table(
  'double',
  'double',
  `
  0.1 -> 0.1
  1e300 -> 1e+300
  1e400 -> refused
  -0 -> -0.0
  NaN -> refused
  Infinity -> refused
  -inf -> refused
  1_0.5 -> refused
  1,5 -> refused
   -> refused`,
)

table(
  'float',
  'float',
  `
  0.5 -> 0.5
  1e39 -> refused`,
)

table(
  'decimal(5,2)',
  'decimal(5,2)',
  `
  1 -> 1.00
  1.5 -> 1.50
  -999.99 -> -999.99
  1000 -> refused
  1.555 -> refused
  1.550 -> 1.55
  1.5e1 -> 15.00
  1_0 -> refused
  NaN -> refused
  "" -> refused`,
)

table(
  'decimal(38,18)',
  'decimal(38,18)',
  `
  12345678901234567890.123456789012345678 -> 12345678901234567890.123456789012345678
  0.0000000000000000001 -> refused
  123456789012345678901 -> refused
  1.50000000000000000000 -> 1.500000000000000000`,
)

table(
  'date',
  'date',
  `
  2024-02-29 -> 2024-02-29
  2023-02-29 -> refused
  0001-01-01 -> 0001-01-01
  9999-12-31 -> 9999-12-31
  2024-2-9 -> refused
  02/03/04 -> refused
  2024-01-01T00:00:00 -> refused
  infinity -> refused
  epoch -> refused
  20240101 -> refused`,
)

table(
  'time',
  'time',
  `
  00:00:00 -> 00:00:00
  23:59:59.999999 -> 23:59:59.999999
  12:30 -> 12:30:00
  24:00:00 -> refused
  23:59:60 -> refused
  1:2:3 -> refused`,
)

table(
  'timestamp',
  'timestamp',
  `
  2024-01-01T10:00:00 -> 2024-01-01 10:00:00
  2024-01-01 10:00:00.123456789 -> 2024-01-01 10:00:00.123456
  2024-01-01T10:00 -> 2024-01-01 10:00:00
  2024-01-01 -> 2024-01-01 00:00:00
  2024-01-01T10:00:00Z -> refused
  2024-01-01T10:00:00+02:00 -> refused
  2024-01-01T25:00:00 -> refused
  infinity -> refused`,
)

table(
  'timestamptz',
  'timestamptz',
  `
  2024-01-01T10:00:00Z -> 2024-01-01 10:00:00+00
  2024-01-01T10:00:00+02:00 -> 2024-01-01 08:00:00+00
  2024-01-01T10:00:00-0530 -> 2024-01-01 15:30:00+00
  2024-01-01 10:00:00+01 -> 2024-01-01 09:00:00+00
  2024-01-01T10:00:00 -> 2024-01-01 10:00:00+00
  2024-06-30T23:59:60Z -> refused
  2024-01-01T10:00:00 Europe/Berlin -> refused
  2024-02-30T10:00:00Z -> refused`,
)

table(
  'uuid',
  'uuid',
  `
  00000000-0000-4000-8000-00000000000a -> 00000000-0000-4000-8000-00000000000a
  00000000-0000-4000-8000-00000000000 -> refused
  text -> refused`,
)

table(
  'binary',
  'binary',
  `
  AP8= -> \\x00\\xFF
  AP8 -> refused
  !!! -> refused`,
)

table(
  'epoch-seconds',
  'timestamptz',
  `
  1704067200 -> 2024-01-01 00:00:00+00
  1704067200.5 -> 2024-01-01 00:00:00.5+00
  -1 -> 1969-12-31 23:59:59+00
  soon -> refused
  99999999999999 -> refused`,
  'epoch-seconds',
)

table(
  'epoch-millis as a date',
  'date',
  `
  1704067200123 -> 2024-01-01
  -1 -> 1969-12-31`,
  'epoch-millis',
)

table(
  'a pattern',
  'date',
  `
  02/29/2024 -> 2024-02-29
  02/30/2024 -> refused
  2024-02-29 -> refused`,
  '%m/%d/%Y',
)
