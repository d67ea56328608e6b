// Rows are deleted by predicate where that is whole files, told by partitions or by metrics: never a file that may hold a row which does not
// match, and never a row that matches left behind.
import { describe, expect, test } from 'vitest'
import type { Column, PartitionField } from '#lake/dataset.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { stageDelete } from '#lake/iceberg/operations/delete.ts'
import { stageOverwrite } from '#lake/iceberg/operations/overwrite.ts'
import { stageRowDelta } from '#lake/iceberg/operations/row-delta.ts'
import type { Predicate } from '#lake/iceberg/predicate.ts'
import { searchFor } from '#lake/iceberg/pruning.ts'
import { surelyMatches } from '#lake/iceberg/strict-match.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import type { DataFile, PartitionValue } from '#lake/iceberg/types.ts'
import { toBinary, type Value } from '#lake/iceberg/value.ts'
import { column, definition, manifestOnly } from './fixture.ts'
import { BY_P, dataFile, deleteFile, fileTable, uriOf } from './table-of-files.ts'

interface Facts {
  readonly lower?: Value
  readonly upper?: Value
  readonly nulls?: bigint
  readonly nans?: bigint
}

/** Metrics of column 1, of ten values. */
function metrics(type: string, { lower, upper, nulls, nans }: Facts): Partial<DataFile> {
  const one = <T>(value: T | undefined): ReadonlyMap<number, T> => new Map(value === undefined ? [] : [[1, value]])
  return {
    value_counts: one(10n),
    null_value_counts: one(nulls),
    nan_value_counts: one(nans),
    lower_bounds: one(lower === undefined ? undefined : toBinary(type, lower)),
    upper_bounds: one(upper === undefined ? undefined : toBinary(type, upper)),
  }
}

async function surely(
  of: {
    readonly column: Column
    readonly partitionBy?: PartitionField
    readonly partition?: PartitionValue
    readonly facts?: Facts
  },
  predicate: Omit<Predicate, 'column'>,
): Promise<boolean> {
  const lake = memoryLake()
  await ensureTable(lake, definition('t', [of.column], { partitionBy: of.partitionBy ? [of.partitionBy] : [] }))
  const { metadata } = await openTable(lake, 't')
  const search = searchFor(metadata, currentSchema(metadata), [{ ...predicate, column: of.column.name } as Predicate])
  const file = manifestOnly('f', {
    partition: of.partitionBy ? [of.partition ?? null] : [],
    ...metrics(String(of.column.type), of.facts ?? {}),
  })
  return surelyMatches(file, search)
}

describe('by metrics', () => {
  const long = (facts: Facts) => ({ column: column('c', 'long'), facts: { nulls: 0n, ...facts } })
  const between = { lower: 5n, upper: 9n }
  test.for([
    [between, { op: '<', value: 10n }, true],
    [between, { op: '<', value: 9n }, false],
    [between, { op: '<=', value: 9n }, true],
    [between, { op: '<=', value: 8n }, false],
    [between, { op: '>', value: 4n }, true],
    [between, { op: '>', value: 5n }, false],
    [between, { op: '>=', value: 5n }, true],
    [between, { op: '>=', value: 6n }, false],
    [{ lower: 5n }, { op: '<', value: 100n }, false],
    [{ upper: 5n }, { op: '>', value: 0n }, false],
    [{ ...between, nulls: 1n }, { op: '>', value: 4n }, false],
    [{ nulls: 10n }, { op: 'is-null' }, true],
    [{ nulls: 9n }, { op: 'is-null' }, false],
    [{ nulls: 0n }, { op: 'not-null' }, true],
    [{ nulls: 1n }, { op: 'not-null' }, false],
    [{}, { op: 'not-null' }, true],
  ] as const)('%o %o: %s', async ([facts, predicate, wanted]) => {
    expect(await surely(long(facts), predicate)).toBe(wanted)
  })

  test('a value stands alone only when both bounds are it', async () => {
    const text = (facts: Facts) => ({ column: column('c', 'string'), facts: { nulls: 0n, nans: 0n, ...facts } })
    const isIn = (...values: readonly string[]) => ({ op: 'in', values }) as const
    expect(await surely(text({ lower: 'a', upper: 'a' }), isIn('x', 'a'))).toBe(true)
    expect(await surely(text({ lower: 'a', upper: 'b' }), isIn('a', 'b'))).toBe(false)
    expect(await surely(text({ lower: 'a', upper: 'a' }), isIn('x'))).toBe(false)
    expect(await surely(text({ lower: 'a', upper: 'a', nulls: 1n }), isIn('a'))).toBe(false)
  })

  test('unknown counts of nulls prove nothing', async () => {
    const lake = { column: column('c', 'long'), facts: { lower: 5n, upper: 5n } }
    expect(await surely(lake, { op: '>', value: 1n } as never)).toBe(false)
  })

  test('NaN is greater than every number and within no bounds', async () => {
    const double = (facts: Facts) => ({
      column: column('c', 'double'),
      facts: { lower: 1, upper: 2, nulls: 0n, ...facts },
    })
    expect(await surely(double({}), { op: '<', value: 3 } as never)).toBe(false)
    expect(await surely(double({ nans: 1n }), { op: '<', value: 3 } as never)).toBe(false)
    expect(await surely(double({ nans: 0n }), { op: '<', value: 3 } as never)).toBe(true)
    expect(await surely(double({ nans: 1n }), { op: '>', value: 0 } as never)).toBe(true)
    expect(await surely(double({ nans: 0n }), { op: '<', value: Number.NaN } as never)).toBe(false)
    expect(await surely(double({ lower: -0, upper: 0, nans: 0n }), { op: 'in', values: [0] } as never)).toBe(true)
  })
})

describe('by partition', () => {
  const on = (
    type: 'date' | 'timestamp' | 'long' | 'string',
    transform: PartitionField['transform'],
    partition: PartitionValue,
  ) => ({
    column: column('c', type),
    partitionBy: { column: 'c', transform },
    partition,
  })
  const may = 652 // 2024-05 in months since 1970
  const month = on('date', { name: 'month' }, may)
  const days = (text: string): number => Date.parse(text) / 86_400_000
  const micros = (text: string): bigint => BigInt(Date.parse(text)) * 1_000n

  test.for([
    [month, { op: '>=', value: days('2024-05-01') }, true],
    [month, { op: '>', value: days('2024-05-01') }, false],
    [month, { op: '>', value: days('2024-04-30') }, true],
    [month, { op: '<=', value: days('2024-05-31') }, true],
    [month, { op: '<', value: days('2024-05-31') }, false],
    [month, { op: '<', value: days('2024-06-01') }, true],
    [month, { op: 'in', values: [days('2024-05-01')] }, false],
    [month, { op: 'not-null' }, true],
    [on('date', { name: 'month' }, null), { op: 'is-null' }, true],
    [on('date', { name: 'month' }, null), { op: '<', value: days('2099-01-01') }, false],
    [on('timestamp', { name: 'day' }, -1), { op: '<', value: 0n }, true],
    [on('timestamp', { name: 'day' }, -1), { op: '>=', value: micros('1969-12-31') }, true],
    [on('timestamp', { name: 'hour' }, 0), { op: '<=', value: micros('1970-01-01T00:59:59.999Z') }, false],
    [on('timestamp', { name: 'hour' }, 0), { op: '<=', value: micros('1970-01-01T01:00:00Z') - 1n }, true],
    [on('long', { name: 'truncate', width: 10 }, -10n), { op: '<', value: 0n }, true],
    [on('long', { name: 'truncate', width: 10 }, -10n), { op: '<=', value: -2n }, false],
    [on('string', { name: 'truncate', width: 2 }, 'ab'), { op: '>=', value: 'ab' }, true],
    [on('string', { name: 'truncate', width: 2 }, 'ab'), { op: '>=', value: 'abc' }, false],
    [on('string', { name: 'truncate', width: 2 }, 'ab'), { op: '<', value: 'ac' }, true],
    [on('string', { name: 'truncate', width: 2 }, 'ab'), { op: 'in', values: ['ab'] }, false],
    [on('string', { name: 'identity' }, 'ab'), { op: 'in', values: ['x', 'ab'] }, true],
    [on('string', { name: 'identity' }, 'ab'), { op: '<', value: 'b' }, true],
    [on('string', { name: 'identity' }, null), { op: 'is-null' }, true],
    [on('long', { name: 'bucket', width: 4 }, 3), { op: 'in', values: [5n] }, false],
    [on('long', { name: 'bucket', width: 4 }, null), { op: 'is-null' }, true],
    [on('long', { name: 'bucket', width: 4 }, 3), { op: 'not-null' }, true],
  ] as const)('%o %o: %s', async ([of, predicate, wanted]) => {
    expect(await surely(of, predicate as never)).toBe(wanted)
  })
})

describe('DeleteFiles by row filter', () => {
  const where: readonly Predicate[] = [{ column: 'p', op: 'in', values: ['x'] }]

  test('removes the files of the partition, with the deletes that applied to them alone', async () => {
    const table = await fileTable(BY_P)
    const added = [dataFile('a', 'x'), dataFile('b', 'x'), dataFile('c', 'y'), dataFile('d', null)]
    await table.commit(stageOverwrite({ added, removed: [] }))
    const deletes = [deleteFile('on-a', dataFile('a', 'x')), deleteFile('on-c', dataFile('c', 'y'))]
    await table.commit(stageRowDelta({ addedDeletes: deletes }, { since: null }))
    const { snapshot } = await table.commit(async base => stageDelete(base, { live: await table.live(), where }))
    expect(await table.names()).toEqual(['c', 'd'])
    expect(snapshot.summary).toMatchObject({
      operation: 'delete',
      'deleted-data-files': '2',
      'removed-delete-files': '1',
      'total-data-files': '2',
      'total-delete-files': '1',
    })
  })

  test('names a file that matches only in part, and changes nothing', async () => {
    const table = await fileTable()
    await table.append('a')
    const failed = table.commit(async base => stageDelete(base, { live: await table.live(), where }))
    await expect(failed).rejects.toMatchObject({
      kind: 'unsupported',
      context: { file: uriOf('a'), next: expect.stringContaining('partition') },
    })
    expect(await table.names()).toEqual(['a'])
  })

  test('files of two specs are each judged by their own', async () => {
    const table = await fileTable(BY_P)
    await table.commit(stageOverwrite({ added: [dataFile('a', 'x'), dataFile('b', 'y')], removed: [] }))
    await ensureTable(table.lake, definition('t', [column('n', 'long'), column('p', 'string')]))
    const bounds = (value: string) => new Map([[2, Buffer.from(value)]])
    const unpartitioned = (name: string, value: string): DataFile =>
      dataFile(name, undefined, {
        spec_id: 1,
        lower_bounds: bounds(value),
        upper_bounds: bounds(value),
        null_value_counts: new Map([[2, 0n]]),
        nan_value_counts: new Map([[2, 0n]]),
      })
    await table.commit(stageOverwrite({ added: [unpartitioned('c', 'x'), unpartitioned('d', 'y')], removed: [] }))
    await table.commit(async base => stageDelete(base, { live: await table.live(), where }))
    expect(await table.names()).toEqual(['b', 'd'])
  })

  test('what is added meanwhile is judged as well', async () => {
    const table = await fileTable(BY_P)
    await table.commit(stageOverwrite({ added: [dataFile('a', 'x')], removed: [] }))
    await table.commit(stageOverwrite({ added: [dataFile('late', 'x'), dataFile('b', 'y')], removed: [] }))
    await table.commit(async base => stageDelete(base, { live: await table.live(), where }))
    expect(await table.names()).toEqual(['b'])
  })
})
