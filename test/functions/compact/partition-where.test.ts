// The partition of a group as Athena's WHERE: exactly the partition where its transforms can be said, more than it where one cannot,
// never less, and no value can end a literal.
import { expect, test } from 'vitest'
import { partitionWhere } from '#functions/compact/partition-where.ts'
import { partitionColumns } from '#lake/iceberg/partition.ts'
import type { PartitionValue } from '#lake/iceberg/types.ts'
import { toPartition } from '#lake/iceberg/value.ts'

function where(type: string, transform: string, value: PartitionValue, name = 'c'): string | undefined {
  const schema = { type: 'struct', 'schema-id': 0, fields: [{ id: 1, name, required: false, type }] } as const
  const field = { 'source-id': 1, 'field-id': 1000, name: 'p', transform }
  return partitionWhere(partitionColumns({ 'spec-id': 0, fields: [field] }, [schema]), [value])
}

test.each<[string, string, PartitionValue, string | undefined]>([
  ['string', 'identity', "O'Brien", `"c" = 'O''Brien'`],
  ['string', 'identity', '', `"c" = ''`],
  ['string', 'identity', null, `"c" IS NULL`],
  ['int', 'identity', -5, `"c" = -5`],
  ['long', 'identity', 9_223_372_036_854_775_807n, `"c" = 9223372036854775807`],
  ['boolean', 'identity', false, `"c" = false`],
  ['date', 'identity', -1, `"c" = DATE '1969-12-31'`],
  ['decimal(9,2)', 'identity', toPartition('decimal(9,2)', -1n), `"c" = DECIMAL '-0.01'`],
  ['timestamp', 'identity', -1n, `"c" = TIMESTAMP '1969-12-31 23:59:59.999999'`],
  ['timestamptz', 'identity', 1_500_000n, `"c" = TIMESTAMP '1970-01-01 00:00:01.500000 UTC'`],
  ['double', 'identity', Number.NaN, undefined],
  ['date', 'day', 19_846, `"c" >= DATE '2024-05-03' AND "c" < DATE '2024-05-04'`],
  ['date', 'month', 648, `"c" >= DATE '2024-01-01' AND "c" < DATE '2024-02-01'`],
  ['timestamp', 'year', -1, `"c" >= TIMESTAMP '1969-01-01 00:00:00.000' AND "c" < TIMESTAMP '1970-01-01 00:00:00.000'`],
  [
    'timestamptz',
    'hour',
    23,
    `"c" >= TIMESTAMP '1970-01-01 23:00:00.000 UTC' AND "c" < TIMESTAMP '1970-01-02 00:00:00.000 UTC'`,
  ],
  ['timestamptz', 'day', null, `"c" IS NULL`],
  ['string', 'bucket[16]', 3, undefined],
  ['string', 'truncate[2]', 'ab', undefined],
  ['string', 'void', null, undefined],
])('%s, %s of %s', (type, transform, value, condition) => expect(where(type, transform, value)).toBe(condition))

test('a name is quoted', () => expect(where('int', 'identity', 1, 'a"b')).toBe('"a""b" = 1'))

test('fields are joined, and those that cannot be said are left out', () => {
  const schema = {
    type: 'struct',
    'schema-id': 0,
    fields: [
      { id: 1, name: 'at', required: false, type: 'date' },
      { id: 2, name: 'id', required: false, type: 'long' },
    ],
  } as const
  const fields = [
    { 'source-id': 1, 'field-id': 1000, name: 'at_day', transform: 'day' },
    { 'source-id': 2, 'field-id': 1001, name: 'id_bucket', transform: 'bucket[4]' },
    { 'source-id': 2, 'field-id': 1002, name: 'id', transform: 'identity' },
  ]
  const columns = partitionColumns({ 'spec-id': 0, fields }, [schema])
  expect(partitionWhere(columns, [0, 1, 7n])).toBe(
    `"at" >= DATE '1970-01-01' AND "at" < DATE '1970-01-02' AND "id" = 7`,
  )
})
