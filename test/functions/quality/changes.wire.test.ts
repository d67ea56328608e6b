// What a value of an event stands for: each form that Debezium and DMS write becomes the column's value, digit by digit, or does not fit.
import { expect, test } from 'vitest'
import { type Wire, wired } from '#functions/quality/changes/wire.ts'
import type { Column, ColumnType } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { inSession } from './decoding.ts'

const column = (type: ColumnType): Column => ({
  name: 'c',
  type,
  required: false,
  from: [],
  default: undefined,
  format: undefined,
  doc: undefined,
})

async function readAs(type: ColumnType, wire: Wire, text: string): Promise<string> {
  return inSession(async session => {
    const { value, fits } = wired(column(type), sql`text`, wire)
    const [row] = await session.rows(
      sql`SELECT CAST(${value} AS VARCHAR) AS value, COALESCE(${fits ?? sql`TRUE`}, FALSE) AS fits FROM (SELECT ${text} AS text)`,
    )
    return row?.['fits'] === true ? String(row['value']) : 'misfit'
  })
}

const base64 = (value: bigint, bytes: number): string => {
  const hex = BigInt.asUintN(bytes * 8, value)
    .toString(16)
    .padStart(bytes * 2, '0')
  return Buffer.from(hex, 'hex').toString('base64')
}
const decimal = (scale: number): Wire => ({ kind: 'decimal', scale })
const epoch = (unit: 'millis' | 'micros' | 'nanos'): Wire => ({ kind: 'epoch', unit })
const clock = (unit: 'millis' | 'micros' | 'nanos'): Wire => ({ kind: 'clock', unit })

const TABLE: readonly (readonly [ColumnType, Wire, string, string])[] = [
  ['decimal(10,2)', decimal(2), '7Sl5', '-12345.67'],
  ['decimal(10,2)', decimal(2), base64(0n, 1), '0.00'],
  ['decimal(10,2)', decimal(2), base64(5n, 1), '0.05'],
  ['decimal(10,2)', decimal(2), base64(-5n, 8), '-0.05'],
  ['decimal(10,0)', decimal(0), base64(-128n, 1), '-128'],
  ['decimal(38,0)', decimal(0), base64(10n ** 38n - 1n, 16), '9'.repeat(38)],
  ['decimal(38,38)', decimal(38), base64(-(10n ** 38n) + 1n, 16), `-.${'9'.repeat(38)}`],
  ['decimal(5,2)', decimal(2), base64(123456n, 3), 'misfit'],
  ['decimal(5,1)', decimal(2), base64(125n, 1), 'misfit'],
  ['decimal(5,2)', decimal(2), 'not base64!', 'misfit'],
  ['decimal(18,4)', { kind: 'variable-decimal' }, '{"scale":4,"value":"erc="}', '3.1415'],
  ['decimal(18,4)', { kind: 'variable-decimal' }, '12.34', '12.3400'],
  ['decimal(18,4)', { kind: 'variable-decimal' }, '{"scale":-2,"value":"AQ=="}', '100.0000'],
  ['decimal(18,4)', { kind: 'variable-decimal' }, '{"scale":-39,"value":"AQ=="}', 'misfit'],
  ['binary', { kind: 'bytes', encoding: 'base64' }, 'AP8=', '\\x00\\xFF'],
  ['binary', { kind: 'bytes', encoding: 'hex' }, '00ff', '\\x00\\xFF'],
  ['binary', { kind: 'bytes', encoding: 'hex' }, 'xyz', 'misfit'],
  ['binary', { kind: 'bytes', encoding: 'base64url' }, '-_8', '\\xFB\\xFF'],
  ['date', { kind: 'days' }, '-1', '1969-12-31'],
  ['date', { kind: 'days' }, '19675', '2023-11-14'],
  ['date', { kind: 'days' }, '2023-11-14Z', '2023-11-14'],
  ['date', { kind: 'days' }, '99999999', 'misfit'],
  ['timestamp', epoch('millis'), '1700000000123', '2023-11-14 22:13:20.123'],
  ['timestamp', epoch('micros'), '-1', '1969-12-31 23:59:59.999999'],
  ['timestamp', epoch('nanos'), '1700000000123456789', '2023-11-14 22:13:20.123456'],
  ['timestamp', epoch('millis'), '1700000000123456', 'misfit'],
  ['timestamp', epoch('micros'), '2023-11-14T22:13:20.5Z', '2023-11-14 22:13:20.5'],
  ['timestamptz', epoch('micros'), '2023-11-14T23:13:20.5+01:00', '2023-11-14 22:13:20.5+00'],
  ['timestamptz', epoch('micros'), 'yesterday', 'misfit'],
  ['time', clock('millis'), '45296789', '12:34:56.789'],
  ['time', clock('nanos'), '45296789012345', '12:34:56.789012'],
  ['time', clock('micros'), '86400000000', 'misfit'],
  ['time', clock('micros'), '10:15:30Z', '10:15:30'],
  [{ list: 'decimal(8,2)' }, { kind: 'list', of: decimal(2) }, '["AJY=",null,"/x8="]', '[1.50, NULL, -2.25]'],
  [{ list: 'decimal(8,2)' }, { kind: 'list', of: decimal(2) }, '["not base64!"]', 'misfit'],
  [
    { list: 'decimal(8,2)' },
    { kind: 'list', of: { kind: 'variable-decimal' } },
    '[{"scale":1,"value":"ew=="}]',
    '[12.30]',
  ],
  [{ list: 'date' }, { kind: 'list', of: { kind: 'days' } }, '[19724,-1]', '[2024-01-02, 1969-12-31]'],
  [{ list: 'date' }, { kind: 'list', of: { kind: 'days' } }, '["2024-01-02Z"]', '[2024-01-02]'],
  [
    { list: 'timestamp' },
    { kind: 'list', of: epoch('micros') },
    '[1704067200000001]',
    "['2024-01-01 00:00:00.000001']",
  ],
  [{ list: 'timestamp' }, { kind: 'list', of: epoch('millis') }, '[1704067200000001]', 'misfit'],
  [
    { list: { list: 'date' } },
    { kind: 'list', of: { kind: 'list', of: { kind: 'days' } } },
    '[[0],[]]',
    '[[1970-01-01], []]',
  ],
  [{ list: 'int' }, { kind: 'plain' }, '[]', '[]'],
  [{ list: 'int' }, { kind: 'plain' }, '{"a":1}', 'misfit'],
  ['long', { kind: 'plain' }, '9007199254740993', '9007199254740993'],
  ['long', { kind: 'plain' }, '1.5', 'misfit'],
  ['boolean', { kind: 'plain' }, 'true', 'true'],
  ['string', { kind: 'plain' }, '{"a":1}', '{"a":1}'],
]

test.each(TABLE)('%j, %j: %s is %s', async (type, wire, text, expected) => {
  expect(await readAs(type, wire, text)).toBe(expected)
})
