// Which delete files apply to which data file (spec, "Scan Planning"): by sequence number, spec and partition, by the one file that a
// position delete names, by bounds where they leave no doubt; and never fewer because of the predicates of a scan.
import { expect, test } from 'vitest'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import type { Predicate } from '#lake/iceberg/predicate.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import type { DataFile } from '#lake/iceberg/types.ts'
import { toBinary } from '#lake/iceberg/value.ts'
import type { Lake } from '#lake/lake.ts'
import { column, definition, manifestOnly } from './fixture.ts'
import { commitForeign, type ForeignFiles } from './foreign-commit.ts'

const COLUMNS = [column('k', 'long'), column('p', 'string'), column('f', 'double')]
const byP = [{ column: 'p', transform: { name: 'identity' } as const }]

/** Commits one after the other: the first has the sequence number 1. */
async function lakeOf(commits: readonly ForeignFiles[], partitioned = false): Promise<Lake> {
  const lake = memoryLake()
  await ensureTable(lake, definition('t', COLUMNS, { partitionBy: partitioned ? byP : [] }))
  for (const files of commits) await commitForeign(lake, 't', files)
  return lake
}

/** Which deletes each data file gets, by name. */
async function attached(lake: Lake, where: readonly Predicate[] = []): Promise<Readonly<Record<string, string>>> {
  const plan = await planScan(lake, await openTable(lake, 't'), { where })
  const names = plan.files.map(live => [
    live.file.file_path,
    live.deletes
      .map(each => each.file.file_path)
      .toSorted()
      .join(' '),
  ])
  return Object.fromEntries(names.toSorted())
}

const data = (name: string, more: Partial<DataFile> = {}): DataFile => manifestOnly(name, more)
const positions = (name: string, more: Partial<DataFile> = {}): DataFile => manifestOnly(name, { content: 1, ...more })
const equality = (name: string, more: Partial<DataFile> = {}): DataFile =>
  manifestOnly(name, { content: 2, equality_ids: [1], ...more })
const inP = (value: string | null): Partial<DataFile> => ({ partition: [value] })

test('position deletes apply to files of their age, equality deletes to older ones only', async () => {
  const lake = await lakeOf([
    { data: [data('d1')], deletes: [positions('p1'), equality('e1')] },
    { data: [data('d2')], deletes: [positions('p2'), equality('e2')] },
    { data: [data('d3')] },
  ])
  expect(await attached(lake)).toEqual({ d1: 'e2 p1 p2', d2: 'p2', d3: '' })
})

test('deletes of a partition apply to it alone; null is a partition of its own', async () => {
  const lake = await lakeOf(
    [
      { data: [data('a', inP('a')), data('b', inP('b')), data('null', inP(null)), data('text', inP('null'))] },
      {
        deletes: [
          positions('pa', inP('a')),
          equality('eb', inP('b')),
          positions('pn', inP(null)),
          equality('en', inP(null)),
        ],
      },
    ],
    true,
  )
  expect(await attached(lake)).toEqual({ a: 'pa', b: 'eb', null: 'en pn', text: '' })
})

test('deletes of another spec apply when they are equality deletes without partitions, and not otherwise', async () => {
  const lake = await lakeOf([{ data: [data('old')] }])
  const { metadata } = await ensureTable(lake, definition('t', COLUMNS, { partitionBy: byP }))
  const spec_id = metadata['default-spec-id']
  await commitForeign(lake, 't', { data: [data('new', { ...inP('a'), spec_id })] })
  await commitForeign(lake, 't', {
    deletes: [
      equality('e-all'),
      positions('p-old'),
      equality('e-a', { ...inP('a'), spec_id }),
      positions('p-a', { ...inP('a'), spec_id }),
    ],
  })
  expect(await attached(lake)).toEqual({ old: 'e-all p-old', new: 'e-a e-all p-a' })
})

const pathBounds = (lower: string, upper: string): Partial<DataFile> => ({
  lower_bounds: new Map([[2147483546, Buffer.from(lower)]]),
  upper_bounds: new Map([[2147483546, Buffer.from(upper)]]),
})

test('a position delete that names one file applies to it alone, and bounds of paths leave out the others', async () => {
  const lake = await lakeOf([
    { data: [data('s3://a'), data('s3://b'), data('s3://c'), data('s3://é')] },
    {
      deletes: [
        positions('named', { referenced_data_file: 's3://b' }),
        positions('bounded', pathBounds('s3://c', 's3://c')),
        positions('between', pathBounds('s3://a', 's3://b')),
        positions('gone', { referenced_data_file: 's3://z' }),
      ],
    },
  ])
  expect(await attached(lake)).toEqual({
    's3://a': 'between',
    's3://b': 'between named',
    's3://c': 'bounded',
    's3://é': '',
  })
})

const keys = (lower: bigint, upper: bigint, nulls: bigint | null = 0n): Partial<DataFile> => ({
  value_counts: new Map([[1, 10n]]),
  null_value_counts: nulls === null ? new Map() : new Map([[1, nulls]]),
  lower_bounds: new Map([[1, toBinary('long', lower)]]),
  upper_bounds: new Map([[1, toBinary('long', upper)]]),
})
const onlyNulls: Partial<DataFile> = { value_counts: new Map([[1, 10n]]), null_value_counts: new Map([[1, 10n]]) }

test.for<readonly [what: string, file: Partial<DataFile>, deletes: Partial<DataFile>, applies: boolean]>([
  ['keys that meet', keys(1n, 5n), keys(5n, 9n), true],
  ['keys apart', keys(1n, 4n), keys(5n, 9n), false],
  ['keys apart the other way', keys(5n, 9n), keys(1n, 4n), false],
  ['keys apart and nulls on both sides', keys(1n, 4n, 1n), keys(5n, 9n, 1n), true],
  ['keys apart and nulls on one side', keys(1n, 4n, 1n), keys(5n, 9n), false],
  ['keys apart and unknown nulls', keys(1n, 4n, null), keys(5n, 9n, null), true],
  ['nulls against keys', onlyNulls, keys(5n, 9n), false],
  ['keys against nulls', keys(1n, 4n), onlyNulls, false],
  ['nulls against nulls', onlyNulls, onlyNulls, true],
  ['nothing known of the file', {}, keys(5n, 9n), true],
  ['nothing known of the delete', keys(1n, 4n), {}, true],
])('bounds of keys: %s', async ([_what, file, deletes, applies]) => {
  const lake = await lakeOf([{ data: [data('d', file)] }, { deletes: [equality('e', deletes)] }])
  expect(await attached(lake)).toEqual({ d: applies ? 'e' : '' })
})

test('bounds of an int from before its column became long', async () => {
  const four = (value: number): Buffer => toBinary('int', value)
  const old = { ...keys(0n, 0n), lower_bounds: new Map([[1, four(1)]]), upper_bounds: new Map([[1, four(4)]]) }
  const lake = await lakeOf([
    { data: [data('d', old)] },
    { deletes: [equality('far', keys(5n, 9n)), equality('near', keys(4n, 9n))] },
  ])
  expect(await attached(lake)).toEqual({ d: 'near' })
})

test('bounds of a double decide nothing, because NaN equals NaN', async () => {
  const doubles = (lower: number, upper: number): Partial<DataFile> => ({
    ...keys(0n, 0n),
    value_counts: new Map([[3, 10n]]),
    null_value_counts: new Map([[3, 0n]]),
    lower_bounds: new Map([[3, toBinary('double', lower)]]),
    upper_bounds: new Map([[3, toBinary('double', upper)]]),
  })
  const lake = await lakeOf([
    { data: [data('d', doubles(1, 2))] },
    { deletes: [equality('e', { ...doubles(5, 6), equality_ids: [3] })] },
  ])
  expect(await attached(lake)).toEqual({ d: 'e' })
})

test('predicates choose data files and leave each its deletes', async () => {
  const lake = await lakeOf(
    [
      { data: [data('a', { ...inP('a'), ...keys(1n, 5n) }), data('b', { ...inP('b'), ...keys(1n, 5n) })] },
      { deletes: [equality('ea', { ...inP('a'), ...keys(4n, 4n) }), positions('pa', inP('a'))] },
      { deletes: [equality('eb', inP('b'))] },
    ],
    true,
  )
  // Nobody asks for the key 4, but whoever rewrites the file must know that its row is gone.
  expect(await attached(lake, [{ column: 'k', op: 'in', values: [1n] }])).toEqual({ a: 'ea pa', b: 'eb' })
  expect(await attached(lake, [{ column: 'p', op: 'in', values: ['a'] }])).toEqual({ a: 'ea pa' })
  expect(await attached(lake, [{ column: 'k', op: 'in', values: [9n] }])).toEqual({})
})

test('a partition NaN keeps its deletes, although bounds of partitions leave NaN out', async () => {
  const lake = memoryLake()
  await ensureTable(lake, definition('t', COLUMNS, { partitionBy: [{ column: 'f', transform: { name: 'identity' } }] }))
  const inF = (value: number): Partial<DataFile> => ({ partition: [value] })
  await commitForeign(lake, 't', { data: [data('nan', inF(Number.NaN)), data('one', inF(1)), data('nine', inF(9))] })
  await commitForeign(lake, 't', { deletes: [positions('p-nan', inF(Number.NaN)), positions('p-two', inF(2))] })
  expect(await attached(lake)).toEqual({ nan: 'p-nan', one: '', nine: '' })
  // Kept in doubt, and so with its deletes.
  expect(await attached(lake, [{ column: 'f', op: 'in', values: [5] }])).toEqual({ nan: 'p-nan' })
})

test('a partition of a decimal that was widened since', async () => {
  const lake = memoryLake()
  const by = [{ column: 'd', transform: { name: 'identity' } as const }]
  await ensureTable(lake, definition('t', [column('d', 'decimal(4,2)')], { partitionBy: by }))
  await commitForeign(lake, 't', { data: [data('d', { partition: [Buffer.from('fb2e', 'hex')] })] })
  await ensureTable(lake, definition('t', [column('d', 'decimal(20,2)')], { partitionBy: by }))
  await commitForeign(lake, 't', {
    deletes: [positions('p', { partition: [Buffer.from('fffffffffffffffb2e', 'hex')] })],
  })
  expect(await attached(lake)).toEqual({ d: 'p' })
})
