// When compaction is due: enough small files in one partition, or a file that too much was deleted from. Small is below three quarters of
// the target, as in Iceberg.
import { expect, test } from 'vitest'
import type { DataFile, DeleteFile, ScanFile } from '../../lake/iceberg/types.ts'
import { compactionDue, deletedRatio, hasManyDeletes, isSmall } from '../../lake/small-files.ts'
import { manifestOnly } from './iceberg/fixture.ts'

const sizes = { targetFileBytes: 1_000, minFiles: 3 }
const live = (file: Partial<DataFile>) => ({
  file: manifestOnly('f', file),
  sequence_number: 1n,
  file_sequence_number: 1n,
  snapshot_id: 1n,
})
const data = (bytes: number, partition: string, deletes: readonly DeleteFile[] = []): ScanFile => ({
  ...live({ file_size_in_bytes: BigInt(bytes), partition: [partition], record_count: 10n }),
  deletes,
})
const positions = (rows: number, of: string | null = 'f') =>
  live({ content: 1, record_count: BigInt(rows), referenced_data_file: of })
const equality = live({ content: 2, record_count: 1n })

test.each([
  [749, true],
  [750, false],
  [0, true],
])('%s of 1000 bytes is small: %s', (bytes, small) => {
  expect(isSmall(data(bytes, 'a'), sizes)).toBe(small)
})

test.each<[string, readonly ScanFile[], boolean]>([
  ['no files', [], false],
  ['two small files', [data(1, 'a'), data(1, 'a')], false],
  ['three of one partition', [data(1, 'a'), data(1, 'b'), data(749, 'a'), data(1, 'a')], true],
  ['three of three partitions', [data(1, 'a'), data(1, 'b'), data(1, 'c')], false],
  ['three, one of them large enough', [data(1, 'a'), data(1, 'a'), data(750, 'a')], false],
  ['large files with few deletes', [data(900, 'a', [positions(2)])], false],
  ['a large file with many rows deleted', [data(900, 'a', [positions(3)])], true],
])('%s', (_name, files, due) => {
  expect(compactionDue(files, sizes)).toBe(due)
})

test('three of one partition and two specs are not of one partition', () => {
  const older = data(1, 'a')
  const files = [data(1, 'a'), data(1, 'a'), { ...older, file: { ...older.file, spec_id: 1 } }]
  expect(compactionDue(files, sizes)).toBe(false)
})

test('one small file is never enough, whatever the setting', () => {
  expect(compactionDue([data(1, 'a')], { ...sizes, minFiles: 1 })).toBe(false)
  expect(compactionDue([data(1, 'a'), data(1, 'a')], { ...sizes, minFiles: 1 })).toBe(true)
})

test.each<[string, readonly DeleteFile[], number, boolean]>([
  ['none', [], 0, false],
  ['two of ten rows', [positions(2)], 0.2, false],
  ['three of ten rows, in two files', [positions(1), positions(2)], 0.3, true],
  ['more positions than rows: some are said twice', [positions(9), positions(9)], 1, true],
  ['those of a whole partition say nothing of one file', [positions(9, null)], 0, false],
  ['ten delete files', Array.from({ length: 10 }, () => positions(1, null)), 0, true],
  ['nine delete files', Array.from({ length: 9 }, () => positions(1, null)), 0, false],
  ['two equality deletes', [equality, equality], 0, true],
  ['one equality delete', [equality], 0, false],
])('deletes: %s', (_name, deletes, ratio, many) => {
  const file = data(900, 'a', deletes)
  expect(deletedRatio(file.file, file.deletes)).toBeCloseTo(ratio)
  expect(hasManyDeletes(file)).toBe(many)
})

test('positions that are all of one file, by the bounds of its path, are of this file alone', () => {
  const path = new Map([[2_147_483_546, Buffer.from('f')]])
  const other = new Map([[2_147_483_546, Buffer.from('g')]])
  const of = (upper: ReadonlyMap<number, Buffer>) =>
    live({ content: 1, record_count: 5n, lower_bounds: path, upper_bounds: upper })
  const { file } = data(900, 'a')
  expect(deletedRatio(file, [of(path)])).toBe(0.5)
  expect(deletedRatio(file, [of(other)])).toBe(0)
  expect(deletedRatio({ ...file, record_count: 0n }, [of(path)])).toBe(0)
})
