// CommitStateUnknown is an outcome like any other (reference: apache/iceberg#7151 and #3717). Whatever becomes of a swap whose answer is not
// known, and whenever it arrives, the work is in the table once, every file that the table names is there, and nothing was deleted.
import { beforeEach, describe, expect, test } from 'vitest'
import { COMMIT_ID, type CommitResult, commit } from '#lake/iceberg/commit.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { stageReplace } from '#lake/iceberg/operations/replace.ts'
import { openTable } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'
import { type Fate, losingCatalog, withCatalog } from './losing-catalog.ts'
import { dataFile, type FileTable, fileTable } from './table-of-files.ts'

let table: FileTable
let lake: Lake
let deleted: string[]

beforeEach(async () => {
  table = await fileTable()
  deleted = []
  lake = { ...table.lake, storage: { ...table.lake.storage, delete: async uri => void deleted.push(uri) } }
})

const work = (on: Lake, attemptsMax?: number): Promise<CommitResult> =>
  commit(on, 't', { commitId: 'work', ...(attemptsMax && { attemptsMax }) }, () => stageAppend([dataFile('work')]))

/** Once in the history, once in the table, and every manifest that the table names can be read. */
async function expectOnce(): Promise<void> {
  const { metadata } = await openTable(lake, 't')
  expect(metadata.snapshots.filter(each => each.summary[COMMIT_ID] === 'work')).toHaveLength(1)
  expect((await table.names()).filter(name => name === 'work')).toEqual(['work'])
  expect(deleted).toEqual([])
}

describe('one writer', () => {
  test('a lost answer: history says that it succeeded', async () => {
    const result = await work(withCatalog(lake, losingCatalog(lake.catalog, ['lost'])))
    expect([result.alreadyCommitted, result.attempts]).toEqual([true, 1])
    await expectOnce()
  })

  test('a conflict that the client’s own retry made of a success: history says that it succeeded', async () => {
    const result = await work(withCatalog(lake, losingCatalog(lake.catalog, ['sdk-retry'])))
    expect([result.alreadyCommitted, result.attempts]).toEqual([true, 1])
    await expectOnce()
  })

  // The calls after the swap are: load (of the next attempt), swap, load, … so this enumerates every place where it can land.
  test.for([1, 2, 3, 4, 5, 6])('the effect of the first attempt lands %i catalog calls later', async calls => {
    const fates: readonly Fate[] = [`late by ${calls}`, 'vanished', 'vanished', 'vanished']
    const catalog = losingCatalog(lake.catalog, fates)
    await work(withCatalog(lake, catalog))
    await catalog.arrive()
    await expectOnce()
  })

  test('an effect that lands after the last attempt was given up is found by the next run', async () => {
    const catalog = losingCatalog(lake.catalog, ['vanished', 'late by 100'])
    await expect(work(withCatalog(lake, catalog), 2)).rejects.toMatchObject({ kind: 'commit-unknown', retryable: true })
    expect(await table.names()).toEqual([])
    await catalog.arrive()
    const again = await work(lake)
    expect([again.alreadyCommitted, again.attempts]).toEqual([true, 0])
    await expectOnce()
  })

  test('an effect that lands after the next run has done the work finds the table moved on', async () => {
    const catalog = losingCatalog(lake.catalog, ['late by 100'])
    await expect(work(withCatalog(lake, catalog), 1)).rejects.toMatchObject({ kind: 'commit-unknown' })
    expect((await work(lake)).alreadyCommitted).toBe(false)
    await catalog.arrive()
    await expectOnce()
  })

  test('after an unknown answer a catalog that cannot be read leaves the state unknown, and the next run finds it', async () => {
    const catalog = losingCatalog(lake.catalog, ['lost'])
    let swapped = false
    const silent = {
      ...catalog,
      load: (name: string) => (swapped ? Promise.reject(new Error('no network')) : catalog.load(name)),
      swap: (...args: Parameters<typeof catalog.swap>) => {
        swapped = true
        return catalog.swap(...args)
      },
    }
    await expect(work(withCatalog(lake, silent))).rejects.toThrow('no network')
    expect((await work(lake)).alreadyCommitted).toBe(true)
    await expectOnce()
  })
})

describe('several writers', () => {
  test('two with the same commit id, both unsure of their swap', async () => {
    const unsure = (): Lake => withCatalog(lake, losingCatalog(lake.catalog, ['late by 2', 'lost']))
    const results = await Promise.all([work(unsure()), work(unsure())])
    expect(new Set(results.map(result => result.snapshot['snapshot-id'])).size).toBe(1)
    await expectOnce()
  })

  test('a swap on its way loses to a foreign commit, and the work is done on top of that', async () => {
    const catalog = losingCatalog(lake.catalog, ['late by 3'])
    let attempts = 0
    await commit(withCatalog(lake, catalog), 't', { commitId: 'work' }, async () => {
      if (++attempts === 2) await table.append('foreign')
      return stageAppend([dataFile('work')])
    })
    await catalog.arrive()
    await expectOnce()
    expect(await table.names()).toEqual(['foreign', 'work'])
  })

  test('a compaction whose answer was lost is not done again by its own repetition', async () => {
    await table.append('a', 'b')
    const start = (await table.open()).metadata['last-sequence-number']
    const removed = await table.live()
    const compact = (on: Lake): Promise<CommitResult> =>
      commit(on, 't', { commitId: 'work' }, () => stageReplace({ added: [dataFile('work')], removed }, start))
    await compact(withCatalog(lake, losingCatalog(lake.catalog, ['sdk-retry'])))
    // Its inputs are gone, and that must not look like a conflict.
    expect((await compact(lake)).alreadyCommitted).toBe(true)
    await expectOnce()
    expect(await table.names()).toEqual(['work'])
  })
})

test('attempts that are used up fail as unknown unless the last answer was a conflict', async () => {
  const failing = (fates: readonly Fate[]): Promise<CommitResult> =>
    work(withCatalog(lake, losingCatalog(lake.catalog, fates)), fates.length)
  await expect(failing(['conflict', 'vanished'])).rejects.toMatchObject({ kind: 'commit-unknown' })
  await expect(failing(['conflict', 'throttled'])).rejects.toMatchObject({ kind: 'commit-unknown' })
  await expect(failing(['vanished', 'conflict'])).rejects.toMatchObject({ kind: 'conflict' })
  expect(await table.names()).toEqual([])
  expect(deleted).toEqual([])
})
