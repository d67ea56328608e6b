// Rows that somebody deleted stay deleted when their file is written anew without the rows of an object that comes again; delete files
// that deleted from such files alone leave the table with them, and others stay.
import { expect, test } from 'vitest'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { currentSnapshot } from '#lake/iceberg/metadata.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { deleteRows, openSession, type Workbench } from '../../lake/iceberg/fixture.ts'
import { commitForeign, equalityDeletes, placesOf, positionDeletes } from '../../lake/iceberg/foreign-commit.ts'
import { lines, rawId } from '../quality/batches.ts'
import { applied, orders, rows } from './refining.ts'

const dataset = orders()
const pair = (id: number) => lines({ id, v: 'x' }, { id: id + 10, v: 'y' })

async function inLake(work: (bench: Workbench) => Promise<void>): Promise<void> {
  const lake = memoryLake()
  const session = await openSession(lake.limits.scratch)
  try {
    await work({ root: lake.limits.scratch, lake, session, close: () => session.close() })
  } finally {
    await session.close()
    lake.dispose()
  }
}

async function deleteFiles({ lake }: Workbench): Promise<readonly string[]> {
  const { files } = await planScan(lake, await openTable(lake, 'orders'))
  return [...new Set(files.flatMap(live => live.deletes.map(each => each.file.file_path)))]
}

const summary = async ({ lake }: Workbench) =>
  currentSnapshot((await openTable(lake, 'orders')).metadata)?.summary ?? {}

test('a deleted row of another object does not come back', () =>
  inLake(async bench => {
    const { lake } = bench
    await applied(lake, dataset, 'b1', { 1: pair(1), 2: pair(2) })
    await deleteRows(bench, 'orders', sql`id = 12`)
    expect(await rows(lake)).toEqual(['1 x', '11 y', '2 x'])
    await applied(lake, dataset, 'b2', { 1: pair(1) })
    expect(await rows(lake)).toEqual(['1 x', '11 y', '2 x'])
    expect(await deleteFiles(bench)).toEqual([])
    expect(await summary(bench)).toMatchObject({
      operation: 'overwrite',
      'total-delete-files': '0',
      'removed-position-delete-files': '1',
    })
  }))

test('an object whose rows were deleted brings them again', () =>
  inLake(async bench => {
    const { lake } = bench
    await applied(lake, dataset, 'b1', { 1: pair(1), 2: pair(2) })
    await deleteRows(bench, 'orders', sql`id = 12`)
    await applied(lake, dataset, 'b2', { 2: pair(2) })
    expect(await rows(lake)).toEqual(['1 x', '11 y', '2 x', '12 y'])
  }))

test('an object all of whose rows were deleted: its file is left alone', () =>
  inLake(async bench => {
    const { lake } = bench
    await applied(lake, dataset, 'b1', { 1: pair(1), 2: pair(2) })
    await deleteRows(bench, 'orders', sql`_raw_object = ${rawId(1)}`)
    await applied(lake, dataset, 'b2', { 1: pair(1) })
    expect(await summary(bench)).toMatchObject({ operation: 'append', 'total-delete-files': '1' })
    expect(await rows(lake)).toEqual(['1 x', '11 y', '2 x', '12 y'])
  }))

test('a delete file of several data files stays as long as it is of one that stays', () =>
  inLake(async bench => {
    const { lake } = bench
    await applied(lake, dataset, 'b1', { 1: pair(1), 2: pair(2) })
    await applied(lake, dataset, 'b2', { 3: pair(3), 4: pair(4) })
    const table = await openTable(lake, 'orders')
    const [one, two] = (await planScan(lake, table)).files
    if (!one || !two) throw new Error('no files')
    const both = await positionDeletes(
      bench,
      table,
      placesOf([
        [one.file, 0],
        [two.file, 0],
      ]),
    )
    const own = await positionDeletes(
      bench,
      table,
      placesOf([
        [one.file, 1],
        [two.file, 1],
      ]),
    )
    const equal = await equalityDeletes(bench, table, { source: sql`SELECT 14::BIGINT AS id`, ids: { id: 1 } })
    await commitForeign(lake, 'orders', { deletes: [both, own, equal] })
    expect((await rows(lake)).toSorted()).toEqual(['12 y', '2 x', '4 x'])
    await applied(lake, dataset, 'b3', { 2: pair(2) })
    expect((await deleteFiles(bench)).toSorted()).toEqual([both.file_path, own.file_path, equal.file_path].toSorted())
    expect(await rows(lake)).toEqual(['2 x', '12 y', '4 x'])
    await applied(lake, dataset, 'b4', { 4: pair(4) })
    expect(await deleteFiles(bench)).toEqual([])
    expect(await summary(bench)).toMatchObject({ 'removed-delete-files': '3' })
    expect(await rows(lake)).toEqual(['2 x', '12 y', '4 x', '14 y'])
  }))

test('a row that is deleted while its file is written anew', () =>
  inLake(async bench => {
    const { lake } = bench
    await applied(lake, dataset, 'b1', { 1: pair(1), 2: pair(2) })
    let deleted = false
    const swap: typeof lake.catalog.swap = async (name, ...given) => {
      if (name === 'orders' && !deleted) {
        deleted = true
        await deleteRows(bench, 'orders', sql`id = 12`)
      }
      await lake.catalog.swap(name, ...given)
    }
    await applied({ ...lake, catalog: { ...lake.catalog, swap } }, dataset, 'b2', { 1: pair(1) })
    expect(deleted).toBe(true)
    expect(await rows(lake)).toEqual(['1 x', '11 y', '2 x'])
  }))

test('an extract takes deletes along with what it replaces', () =>
  inLake(async bench => {
    const { lake } = bench
    const whole = orders({ publish: 'replace' })
    await applied(lake, whole, 'b1', { 1: pair(1) })
    await deleteRows(bench, 'orders', sql`id = 1`)
    await applied(lake, whole, 'b2', { 2: pair(2) })
    expect(await rows(lake)).toEqual(['2 x', '12 y'])
    expect(await summary(bench)).toMatchObject({ 'total-delete-files': '0', 'total-records': '2' })
  }))
