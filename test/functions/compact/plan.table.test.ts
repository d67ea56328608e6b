// Which files are rewritten together, case by case: the bounds of Iceberg's planner (75 % and 180 % of the target, five files, three
// tenths deleted), partitions kept apart, groups that fit a function, and what only Athena can do.
import { describe, expect, test } from 'vitest'
import { outputFiles } from '#functions/compact/candidates.ts'
import { deleteFile, type FileSpec, plan, scanFiles, shown } from './plan.fixture.ts'

const times = (count: number, file: number | FileSpec): readonly (number | FileSpec)[] => Array(count).fill(file)
const planned = (files: readonly (number | FileSpec)[], more = {}, context = {}): readonly string[] =>
  shown(plan(scanFiles(files), more, context))

describe('by size', () => {
  test.each<[string, readonly (number | FileSpec)[], readonly string[]]>([
    ['no files', [], []],
    ['one small file', [1], []],
    ['four small files that do not fill one', times(4, 10), []],
    ['five small files', times(5, 10), ['f00 f01 f02 f03 f04 → 1']],
    ['two small files that fill one', [60, 60], ['f00 f01 → 1']],
    ['two small files that just do not', [50, 50], []],
    ['75 is not small', [74, 75, 74], ['f00 f02 → 1']],
    ['180 is not large', [180], []],
    ['a large file by itself', [181], ['f00 → 2']],
    ['a large file among good ones', [100, 190, 120], ['f01 → 2']],
    ['a large file takes small ones along', [190, 10], ['f00 f01 → 2']],
    ['good files are left alone', [100, 10, 120, 10, 90], []],
    ['good files are left alone when others are rewritten', [100, ...times(5, 10)], ['f01 f02 f03 f04 f05 → 1']],
    [
      'as many results as fill well',
      times(20, 13),
      ['f00 f01 f02 f03 f04 f05 f06 f07 f08 f09 f10 f11 f12 f13 f14 f15 f16 f17 f18 f19 → 3'],
    ],
  ])('%s', (_what, files, groups) => expect(planned(files)).toEqual(groups))

  test.each([
    [0, 1],
    [99, 1],
    [109, 1],
    // Two of 55 would be small again, and be rewritten again.
    [110, 1],
    // Two of 75 might be.
    [150, 1],
    [169, 1],
    [170, 2],
    [180, 2],
    [219, 2],
    [225, 2],
    [255, 3],
    [276, 3],
    [1_049, 10],
    [1_075, 10],
    [1_076, 11],
  ])('%i bytes for a target of 100 become %i files', (bytes, files) => expect(outputFiles(bytes, 100)).toBe(files))
})

describe('by deletes', () => {
  const withDeletes = (count: number, more: Parameters<typeof deleteFile>[1] = {}): FileSpec => ({
    bytes: 100,
    deletes: Array.from({ length: count }, (_, at) => deleteFile(`d${at}`, more)),
  })
  test.each<[string, readonly FileSpec[], readonly string[]]>([
    ['nine delete files', [withDeletes(9)], []],
    ['ten delete files', [withDeletes(10)], ['f00 → 1']],
    ['one equality delete', [withDeletes(1, { equality: true })], []],
    ['two equality deletes', [withDeletes(2, { equality: true })], ['f00 → 1']],
    ['29 of 100 rows', [withDeletes(1, { of: 'f00', rows: 29 })], []],
    ['30 of 100 rows', [withDeletes(1, { of: 'f00', rows: 30 })], ['f00 → 1']],
    ['twice 15 of 100 rows', [withDeletes(2, { of: 'f00', rows: 15 })], ['f00 → 1']],
    ['99 rows of a partition, of which nobody knows where they are', [withDeletes(1, { rows: 99 })], []],
  ])('%s', (_what, files, groups) => expect(planned(files)).toEqual(groups))

  test('fewer bytes are expected of what was deleted', () => {
    const half = deleteFile('d', { of: 'f', rows: 50 })
    const [group] = plan(scanFiles(times(4, { bytes: 100, deletes: [half] })))
    expect(group).toMatchObject({ bytes: 400, outputBytes: 200, outputs: 2 })
  })
})

describe('by partition', () => {
  const late: FileSpec = { bytes: 10, partition: 1 }

  test('each by itself, those first that lose most files', () => {
    const files = [
      ...times(5, { bytes: 10, partition: 2 }),
      ...times(7, late),
      ...times(4, { bytes: 10, partition: 3 }),
    ]
    expect(planned(files)).toEqual(['f05 f06 f07 f08 f09 f10 f11 → 1', 'f00 f01 f02 f03 f04 → 1'])
  })

  test('late files open a partition again that was compacted long ago', () => {
    const old = scanFiles([{ bytes: 100, partition: 1 }, ...times(3, { bytes: 100, partition: 9 })])
    const files = [...old, ...scanFiles(times(5, { ...late, sequence: 99 }), 'late')]
    expect(shown(plan(files))).toEqual(['late00 late01 late02 late03 late04 → 1'])
  })

  test('files of older specs come together, and good ones of them stay', () => {
    const old = [
      { bytes: 10, spec: 1 },
      { bytes: 10, spec: 1, partition: 1 },
      { bytes: 10, spec: 2 },
      { bytes: 10, spec: 2, partition: 4 },
      { bytes: 100, spec: 2 },
      { bytes: 10, spec: 1, partition: 7 },
    ]
    expect(planned(old)).toEqual(['f00 f01 f02 f03 f05 → 1 regrouped'])
  })

  test('neighbours in time stay neighbours, whatever their names', () => {
    const ages = [3, 1, 2, 1, 5].map(sequence => ({ bytes: 10, sequence }))
    expect(planned(ages)).toEqual(['f01 f03 f02 f00 f04 → 1'])
  })
})

describe('groups', () => {
  test('are bounded by bytes and about as large as each other', () => {
    const groups = plan(scanFiles(times(30, 50)), { groupBytesMax: 600 })
    expect(groups.map(group => group.bytes)).toEqual([500, 500, 500])
  })

  test('are bounded by files', () => {
    const groups = plan(scanFiles(times(51, 1)))
    expect(groups.map(group => group.files.length)).toEqual([26, 25])
  })

  test('of one file that nothing is wrong with but its size are none', () => {
    expect(plan(scanFiles([70, 70]), { groupBytesMax: 100 })).toEqual([])
  })

  test('a file that no function can take goes to Athena, with all that is to be done in its partition', () => {
    const files = [{ bytes: 2_001, partition: 7 }, ...times(6, { bytes: 10, partition: 7 }), ...times(5, 20)]
    expect(planned(files)).toEqual([
      'f07 f08 f09 f10 f11 → 1',
      'f00 f01 f02 f03 f04 f05 f06 → 20 by athena where day = 7',
    ])
  })

  test('Athena takes everything when the partition cannot be said in SQL', () => {
    const files = [{ bytes: 2_001, partition: 7 }, ...times(5, 20)]
    expect(planned(files, {}, { whereOf: () => undefined })).toEqual([
      'f00 f01 f02 f03 f04 f05 → 21 by athena where everything',
    ])
  })

  test('nothing is too large where no function has to take it', () => {
    expect(planned([2_001], { fileBytesMax: Number.POSITIVE_INFINITY })).toEqual(['f00 → 20'])
  })
})

describe('by order', () => {
  const isOrdered = (file: { readonly sort_order_id: number | null }): boolean => file.sort_order_id === 3

  test('files in no order or another one are taken, good ones of this order are not', () => {
    const files = [
      { bytes: 100, order: 3 },
      { bytes: 100, order: 0 },
      { bytes: 100, order: 2 },
      { bytes: 10, order: 3 },
    ]
    expect(planned(files, { strategy: 'sort' }, { isOrdered })).toEqual(['f01 f02 f03 → 2'])
  })

  test('a single unsorted file is worth it, a single sorted one is not', () => {
    expect(planned([{ bytes: 10, order: 0 }], { strategy: 'sort' }, { isOrdered })).toEqual(['f00 → 1'])
    expect(planned([{ bytes: 10, order: 3 }], { strategy: 'sort' }, { isOrdered })).toEqual([])
  })
})
