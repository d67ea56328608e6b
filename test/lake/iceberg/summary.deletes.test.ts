// The counts of a snapshot summary are those of Java's SnapshotSummary: sizes count delete files, counts of deletes are left out where there are
// none, totals go on from the parent's and are left out where they cannot be known.
import { describe, expect, test } from 'vitest'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import type { Staged } from '#lake/iceberg/operations/staged.ts'
import { summarize } from '#lake/iceberg/summary.ts'
import type { DataFile, Snapshot } from '#lake/iceberg/types.ts'
import { dataFile, deleteFile } from './table-of-files.ts'

const rows = (count: bigint, bytes: bigint): Partial<DataFile> => ({ record_count: count, file_size_in_bytes: bytes })
const staged = (more: Partial<Staged>): Staged => ({ ...stageAppend([]), operation: 'overwrite', ...more })
const parent = (summary: Readonly<Record<string, string>>): Snapshot => ({ summary }) as unknown as Snapshot

const full = {
  'total-records': '100',
  'total-files-size': '1000',
  'total-data-files': '10',
  'total-delete-files': '3',
  'total-position-deletes': '20',
  'total-equality-deletes': '7',
}

describe('a row delta', () => {
  const a = dataFile('a', 'x')
  const summary = summarize(
    staged({
      added: [dataFile('new', 'y', rows(4n, 40n))],
      addedDeletes: [
        deleteFile('p1', a, rows(2n, 5n)),
        deleteFile('p2', dataFile('b', 'z'), rows(3n, 5n)),
        deleteFile('e1', a, { content: 2, ...rows(6n, 5n) }),
      ],
      removedDeletes: [deleteFile('old', a, rows(9n, 8n))],
    }),
    parent(full),
  )

  test('in full', () => {
    expect(summary).toEqual({
      operation: 'overwrite',
      'added-data-files': '1',
      'deleted-data-files': '0',
      'added-records': '4',
      'deleted-records': '0',
      'added-files-size': '55',
      'removed-files-size': '8',
      'added-delete-files': '3',
      'added-position-delete-files': '2',
      'added-equality-delete-files': '1',
      'added-position-deletes': '5',
      'added-equality-deletes': '6',
      'removed-delete-files': '1',
      'removed-position-delete-files': '1',
      'removed-position-deletes': '9',
      'changed-partition-count': '3',
      'total-records': '104',
      'total-files-size': '1047',
      'total-data-files': '11',
      'total-delete-files': '5',
      'total-position-deletes': '16',
      'total-equality-deletes': '13',
    })
  })
})

test('a first snapshot counts from nothing, and says nothing of deletes but that there are none', () => {
  expect(summarize(stageAppend([dataFile('a', undefined, rows(3n, 30n))]), undefined)).toEqual({
    operation: 'append',
    'added-data-files': '1',
    'deleted-data-files': '0',
    'added-records': '3',
    'deleted-records': '0',
    'added-files-size': '30',
    'removed-files-size': '0',
    'changed-partition-count': '1',
    'total-records': '3',
    'total-files-size': '30',
    'total-data-files': '1',
    'total-delete-files': '0',
    'total-position-deletes': '0',
    'total-equality-deletes': '0',
  })
})

test('totals that the parent does not have, or has wrong, are left out', () => {
  const removed = staged({ removed: [dataFile('a', undefined, rows(30n, 5n))] })
  const summary = summarize(
    removed,
    parent({ 'total-records': '29', 'total-data-files': 'many', 'total-files-size': '9' }),
  )
  expect(Object.entries(summary).filter(([name]) => name.startsWith('total-'))).toEqual([['total-files-size', '4']])
})
