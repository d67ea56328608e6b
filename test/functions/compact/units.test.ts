// How a group becomes files: as many COPYs as results when its files are small, so that all results are about as large; one COPY that is
// cut when rows are sorted or a file is large itself. Row groups are as long as the memory allows, and short enough to be cut between.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutRows, rowGroupRows, sampleOf, unitsOf } from '#functions/compact/units.ts'
import { scanFiles } from './plan.fixture.ts'

const small = (count: number, bytes = 10) => scanFiles(Array(count).fill(bytes))
const options = { targetFileBytes: 100, ratio: 1, together: false }
const shape = (files: ReturnType<typeof scanFiles>, more: Partial<typeof options> = {}): readonly string[] =>
  unitsOf(files, { ...options, ...more }).map(
    unit => `${unit.files.length} files${unit.cutBytes === undefined ? '' : ` cut at ${unit.cutBytes}`}`,
  )

describe('units', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['one result', shape(small(9)), ['9 files']],
    ['two results', shape(small(20)), ['10 files', '10 files']],
    ['rows that take half the space', shape(small(20), { ratio: 0.5 }), ['20 files']],
    ['rows that take twice the space', shape(small(20), { ratio: 2 }), ['5 files', '5 files', '5 files', '5 files']],
    ['sorted together', shape(small(20), { together: true }), ['20 files cut at 100']],
    ['one large file', shape(scanFiles([400])), ['1 files cut at 100']],
    ['a large file among small ones', shape(scanFiles([150, 10, 10, 10, 10, 10])), ['6 files cut at 100']],
  ])('%s', (_what, units, wanted) => expect(units).toEqual(wanted))

  test('hold every file once, in order, and differ by a quarter at most', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 21 }), { minLength: 1, maxLength: 200 }), sizes => {
        const files = scanFiles(sizes)
        const units = unitsOf(files, options)
        expect(units.flatMap(unit => unit.files)).toEqual(files)
        const bytes = units.map(unit => unit.files.reduce((sum, { file }) => sum + Number(file.file_size_in_bytes), 0))
        const mean = bytes.reduce((sum, each) => sum + each, 0) / bytes.length
        for (const each of bytes) expect(Math.abs(each - mean)).toBeLessThanOrEqual(25)
        expect(units.every(unit => unit.cutBytes === undefined && unit.outputs === 1)).toBe(true)
      }),
    )
  })
})

describe('a sample', () => {
  test('is spread over the group and has the rows that are wanted', () => {
    const files = scanFiles(Array(100).fill({ bytes: 10, rows: 1_000 }))
    expect(sampleOf(files, 10_000).map(({ file }) => file.file_path)).toEqual([
      'f00',
      'f10',
      'f20',
      'f30',
      'f40',
      'f50',
      'f60',
      'f70',
      'f80',
      'f90',
    ])
    expect(sampleOf(files, 1)).toHaveLength(1)
    expect(sampleOf(files, 1_000_000)).toHaveLength(100)
  })
})

describe('row groups', () => {
  const rowsOf = (bytesPerRow: number, memoryBytes = 1e9, threads = 2): number =>
    rowGroupRows(scanFiles([{ bytes: bytesPerRow * 1_000_000, rows: 1_000_000 }]), { memoryBytes, threads })

  test.each<[string, number, number]>([
    ['rows of 25 bytes in 1 GB', rowsOf(25), 198_656],
    ['rows of 70 bytes in 1 GB', rowsOf(70), 69_632],
    ['wide rows', rowsOf(10_000), 2_048],
    ['rows of 25 bytes in 3.5 GB', rowsOf(25, 3.5e9), 698_368],
    ['one thread', rowsOf(70, 1e9, 1), 141_312],
    ['a lot of memory', rowsOf(5, 64e9), 1_048_576],
    ['no rows', rowGroupRows([], { memoryBytes: 1e9, threads: 2 }), 122_880],
  ])('%s', (_what, rows, wanted) => expect(rows).toBe(wanted))

  test('are at least eight to a file that is cut', () => {
    const files = scanFiles([{ bytes: 400, rows: 400_000 }])
    expect(cutRows({ files, cutBytes: 100, outputs: 4 }, 122_880)).toBe(12_288)
    expect(cutRows({ files, cutBytes: 100, outputs: 400 }, 122_880)).toBe(2_048)
    expect(cutRows({ files, cutBytes: undefined, outputs: 1 }, 122_880)).toBe(122_880)
  })
})
