// A file that a commit names, or is about to name, is never deleted: not while it is young, not when the commit lands between the listing
// and the deleting. Whatever else becomes of the table meanwhile ends the sweep before anything more is deleted.
import { expect, test } from 'vitest'
import { sweep } from '#functions/sweep/sweep.ts'
import type { StorageFaults } from '#lake/disk/memory-storage.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { stageReplace } from '#lake/iceberg/operations/replace.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import type { Lake } from '#lake/lake.ts'
import { manifestOnly } from '../../lake/iceberg/fixture.ts'
import {
  append,
  checkReadable,
  commitFiles,
  DAY_MS,
  dataFiles,
  expireAll,
  HOUR_MS,
  memoryLake,
  newTable,
  replaceAll,
  store,
} from './swept.ts'

/** A lake in which `then` happens once, right after the table's place was listed. */
function afterListing() {
  const happens: { run: (() => Promise<unknown>) | undefined } = { run: undefined }
  const storageFaults: StorageFaults = async moment => {
    const { run } = happens
    if (moment !== 'after list' || run === undefined) return
    happens.run = undefined
    await run()
  }
  return { lake: memoryLake({ storageFaults }), happens }
}

test.each([
  [71 * HOUR_MS, undefined, true],
  [72 * HOUR_MS, undefined, true],
  [72 * HOUR_MS + 1, undefined, false],
  [72 * HOUR_MS + 1, 100, true],
  [24 * HOUR_MS + 1, 24, false],
])('uploaded %d ms ago and not committed, grace %s h: kept %s', async (age, graceHours, isKept) => {
  const lake = memoryLake()
  await newTable(lake, 't')
  await append(lake, 't', 'a')
  lake.clock.advance(DAY_MS)
  await store(lake, `${lake.zones.tables}/t/data/upload.parquet`, 33)
  lake.clock.advance(age)
  const report = await sweep(lake, { table: 't', ...(graceHours === undefined ? {} : { graceHours }) })
  expect(await dataFiles(lake, 't')).toEqual(isKept ? ['a', 'upload'] : ['a'])
  expect(report.young).toEqual(isKept ? { files: 1, bytes: 33 } : { files: 0, bytes: 0 })
})

test.each([[0], [-1], [23.9], [Number.NaN]])('a grace of %d hours is refused', async graceHours => {
  const lake = memoryLake()
  await newTable(lake, 't')
  await expect(sweep(lake, { table: 't', graceHours })).rejects.toMatchObject({ kind: 'usage' })
})

test('less grace is taken only from a caller that says so', async () => {
  const lake = memoryLake()
  await newTable(lake, 't')
  await store(lake, `${lake.zones.tables}/t/data/x.parquet`)
  lake.clock.advance(2 * HOUR_MS)
  await sweep(lake, { table: 't', graceHours: 1 }, { graceHoursMin: 1 })
  expect(await dataFiles(lake, 't')).toEqual([])
})

test('a commit between listing and deleting takes up an old file', async () => {
  const { lake, happens } = afterListing()
  await newTable(lake, 't')
  const late = await store(lake, `${lake.zones.tables}/t/data/late.parquet`)
  await store(lake, `${lake.zones.tables}/t/data/never.parquet`)
  lake.clock.advance(4 * DAY_MS)
  happens.run = () => commitFiles(lake, 't', [late])
  const report = await sweep(lake, { table: 't' })
  expect(await dataFiles(lake, 't')).toEqual(['late'])
  expect(report.spared).toEqual({ files: 1, bytes: 10 })
  expect(report.deleted).toEqual({ files: 1, bytes: 10 })
  expect(await checkReadable(lake, 't')).toHaveLength(1)
})

test('commits in the middle of the deleting: the catalog is asked again before each thousand', async () => {
  let deletes = 0
  const happens: { run: (() => Promise<unknown>) | undefined } = { run: undefined }
  const lake = memoryLake({
    storageFaults: async moment => {
      if (moment !== 'after delete' || ++deletes !== 900) return
      await happens.run?.()
    },
  })
  await newTable(lake, 't')
  const name = (index: number) => `${lake.zones.tables}/t/data/${String(index).padStart(5, '0')}.parquet`
  for (let index = 0; index < 1_500; index++) await store(lake, name(index))
  lake.clock.advance(4 * DAY_MS)
  happens.run = () => commitFiles(lake, 't', [name(1_200), name(1_499)])
  const report = await sweep(lake, { table: 't' })
  expect(await dataFiles(lake, 't')).toEqual(['01200', '01499'])
  expect(report).toMatchObject({ deleted: { files: 1_498 }, spared: { files: 2 } })
})

test('what expires during the sweep was live when it began, and stays until the next', async () => {
  const { lake, happens } = afterListing()
  await newTable(lake, 't')
  await append(lake, 't', 'old')
  await replaceAll(lake, 't', 'new')
  lake.clock.advance(4 * DAY_MS)
  happens.run = () => expireAll(lake, 't')
  expect(await sweep(lake, { table: 't' })).toMatchObject({ deleted: { files: 0 }, missing: { files: 0 } })
  expect(await dataFiles(lake, 't')).toEqual(['new', 'old'])
  await sweep(lake, { table: 't' })
  expect(await dataFiles(lake, 't')).toEqual(['new'])
})

test('a compaction under way: its files are there before its commit, and the replaced ones until they expire', async () => {
  const { lake, happens } = afterListing()
  await newTable(lake, 't')
  await append(lake, 't', 'a')
  const base = await append(lake, 't', 'b')
  const removed = await liveFiles(lake, base)
  lake.clock.advance(4 * DAY_MS)
  const compacted = await store(lake, `${lake.zones.tables}/t/data/compacted.parquet`)
  const added = [manifestOnly(compacted, { record_count: 20n })]
  happens.run = () =>
    commit(lake, 't', { commitId: 'c' }, () => stageReplace({ added, removed }, base.metadata['last-sequence-number']))
  await sweep(lake, { table: 't' })
  expect(await dataFiles(lake, 't')).toEqual(['a', 'b', 'compacted'])
  await expireAll(lake, 't')
  lake.clock.advance(4 * DAY_MS)
  await sweep(lake, { table: 't' })
  expect(await dataFiles(lake, 't')).toEqual(['compacted'])
  expect(await checkReadable(lake, 't')).toEqual([compacted])
})

/** The lake whose catalog, once the listing is done, says what is given. */
function changing(
  lake: Lake,
  happens: { run: (() => Promise<unknown>) | undefined },
  load: Lake['catalog']['load'],
): Lake {
  let isChanged = false
  happens.run = async () => {
    isChanged = true
  }
  return { ...lake, catalog: { ...lake.catalog, load: name => (isChanged ? load(name) : lake.catalog.load(name)) } }
}

test.each([
  ['dropped', async () => undefined],
  ['dropped and created anew', (lake: Lake) => lake.catalog.load('other')],
])('a table that is %s during the sweep: nothing is deleted', async (_what, load) => {
  const { lake, happens } = afterListing()
  await newTable(lake, 't')
  await newTable(lake, 'other')
  await store(lake, `${lake.zones.tables}/t/data/x.parquet`)
  lake.clock.advance(4 * DAY_MS)
  await expect(
    sweep(
      changing(lake, happens, () => load(lake)),
      { table: 't' },
    ),
  ).rejects.toMatchObject({
    kind: 'conflict',
  })
  expect(await dataFiles(lake, 't')).toEqual(['x'])
})

test('a table that is not there', async () => {
  const lake = memoryLake()
  await store(lake, `${lake.zones.tables}/t/data/x.parquet`)
  lake.clock.advance(4 * DAY_MS)
  await expect(sweep(lake, { table: 't' })).rejects.toMatchObject({ kind: 'not-found' })
  expect(await dataFiles(lake, 't')).toEqual(['x'])
})
