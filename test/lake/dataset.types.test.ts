// Wrong names are found while typing: each `@ts-expect-error` below is a mistake that the type checker must see. The run-time check
// sees it too, since JavaScript users and casts have no type checker.
import { describe, expect, test } from 'vitest'
import { defineDataset } from '../../lake/dataset.ts'

const source = { system: 'shop', format: 'ndjson', match: 'orders/**' } as const
const columns = { id: 'long', at: 'timestamptz', country: 'string' } as const

const mistakes: Readonly<Record<string, () => unknown>> = {
  'partitionBy[0] names the column "nope"': () =>
    // @ts-expect-error no such column
    defineDataset({ name: 'a', source, columns, partitionBy: ['nope'] }),
  'partitionBy[0] names the column "nope", which': () =>
    // @ts-expect-error no such column inside a transform
    defineDataset({ name: 'a', source, columns, partitionBy: ['day(nope)'] }),
  'partitionBy[0] names the column "week(at)"': () =>
    // @ts-expect-error no such transform
    defineDataset({ name: 'a', source, columns, partitionBy: ['week(at)'] }),
  'partitionBy[0] names the column "bucket(id)"': () =>
    // @ts-expect-error bucket needs its width
    defineDataset({ name: 'a', source, columns, partitionBy: ['bucket(id)'] }),
  'sortBy[0] names "nope"': () =>
    // @ts-expect-error no such column
    defineDataset({ name: 'a', source, columns, sortBy: ['nope desc'] }),
  'sortBy[0] names "at downwards"': () =>
    // @ts-expect-error no such direction
    defineDataset({ name: 'a', source, columns, sortBy: ['at downwards'] }),
  'columns.id is "bigint", which is no type': () =>
    // @ts-expect-error Hive's name, not Iceberg's
    defineDataset({ name: 'a', source, columns: { id: 'bigint' } }),
  'columns.id has no setting "nullable"': () =>
    // @ts-expect-error no such setting
    defineDataset({ name: 'a', source, columns: { id: { type: 'long', nullable: true } } }),
  "evolution must be 'add', 'widen', 'freeze' or 'discard'": () =>
    // @ts-expect-error no such policy
    defineDataset({ name: 'a', source, columns, evolution: 'ignore' }),
  "publish must be 'append' or 'replace'": () =>
    // @ts-expect-error no such mode
    defineDataset({ name: 'a', source, columns, publish: 'upsert' }),
  'source.format must be': () =>
    // @ts-expect-error no such format
    defineDataset({ name: 'a', source: { ...source, format: 'xml' }, columns }),
  'partitions is not a setting': () =>
    // @ts-expect-error no such setting
    defineDataset({ name: 'a', source, columns, partitions: [] }),
  'source is missing': () =>
    // @ts-expect-error a source is required
    defineDataset({ name: 'a', columns }),
}

describe('what the type checker refuses, the run-time check refuses too', () => {
  test.each(Object.entries(mistakes))('%s', (message, declare) => {
    expect(declare).toThrow(message)
  })
})

test('what it accepts: every transform and direction on every declared name, and names with spaces', () => {
  const dataset = defineDataset({
    name: 'a',
    source,
    columns: { ...columns, 'odd name': 'string' },
    partitionBy: ['year(at)', 'month(at)', 'day(at)', 'hour(at)', 'bucket(8, country)', 'truncate(2, odd name)', 'id'],
    sortBy: ['id', 'at asc', 'odd name desc'],
  })
  expect(dataset.partitionBy).toHaveLength(7)
})
