// A commit is applied exactly once, whatever happens to its swap: races with other writers, lost answers, an SDK that retries a
// success into a conflict, an answer that never comes and a swap that arrives late. Nothing that it wrote is ever deleted.
import { beforeEach, describe, expect, test } from 'vitest'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { COMMIT_ID, commit } from '#lake/iceberg/commit.ts'
import { encodeMetadata } from '#lake/iceberg/metadata-file.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { stageOverwrite } from '#lake/iceberg/operations/overwrite.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { icebergEntry, openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import type { DataFile } from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'
import { column, definition, manifestOnly } from './fixture.ts'
import { type Fate, losingCatalog, withCatalog } from './losing-catalog.ts'

let lake: Lake
let dead: string[]

beforeEach(async () => {
  const memory = memoryLake()
  dead = []
  const deleting = { ...memory.storage, delete: async (uri: string) => void dead.push(uri) }
  lake = { ...memory, storage: deleting }
  await ensureTable(lake, definition('t', [column('n', 'long')]))
})

const file = (name: string): DataFile => manifestOnly(`s3://memory-tables/tables/t/data/${name}.parquet`)

const append = (on: Lake, name: string, attemptsMax?: number): ReturnType<typeof commit> =>
  commit(on, 't', { commitId: name, ...(attemptsMax === undefined ? {} : { attemptsMax }) }, () =>
    stageAppend([file(name)]),
  )

async function paths(): Promise<readonly string[]> {
  const live = await liveFiles(lake, await openTable(lake, 't'))
  return live.map(each => each.file.file_path.replace(/.*\/|\.parquet$/g, '')).sort()
}

async function commitIds(): Promise<readonly (string | undefined)[]> {
  return (await openTable(lake, 't')).metadata.snapshots.map(snapshot => snapshot.summary[COMMIT_ID])
}

describe('one writer', () => {
  const cases: readonly (readonly [readonly Fate[], { readonly swaps: number; readonly already: boolean }])[] = [
    [['ok'], { swaps: 1, already: false }],
    [['conflict', 'conflict', 'ok'], { swaps: 3, already: false }],
    [['lost'], { swaps: 1, already: true }],
    [['vanished', 'ok'], { swaps: 2, already: false }],
    [['sdk-retry'], { swaps: 1, already: true }],
    [['late', 'ok'], { swaps: 2, already: false }],
    [['late', 'lost'], { swaps: 2, already: true }],
    [['throttled', 'ok'], { swaps: 2, already: false }],
    [['conflict', 'vanished', 'lost'], { swaps: 3, already: true }],
  ]
  test.for(cases)('%j', async ([fates, wanted]) => {
    const catalog = losingCatalog(lake.catalog, fates)
    const result = await append(withCatalog(lake, catalog), 'a')
    expect({ swaps: catalog.swaps(), already: result.alreadyCommitted }).toEqual(wanted)
    expect(await paths()).toEqual(['a'])
    expect(await commitIds()).toEqual(['a'])
    expect(result.snapshot.summary['total-records']).toBe('10')
    expect(dead).toEqual([])
  })

  test('the same work again is found in history and swaps nothing', async () => {
    await append(lake, 'a')
    await append(lake, 'b')
    const catalog = losingCatalog(lake.catalog, [])
    const again = await append(withCatalog(lake, catalog), 'a')
    expect([again.alreadyCommitted, catalog.swaps(), again.snapshot['sequence-number']]).toEqual([true, 0, 1n])
    expect(await paths()).toEqual(['a', 'b'])
  })

  test('attempts are bounded, and the error tells what is not known', async () => {
    const always = (fate: Fate): readonly Fate[] => new Array<Fate>(50).fill(fate)
    const losing = losingCatalog(lake.catalog, always('conflict'))
    await expect(append(withCatalog(lake, losing), 'a', 5)).rejects.toMatchObject({ kind: 'conflict', retryable: true })
    expect(losing.swaps()).toBe(5)
    const silent = losingCatalog(lake.catalog, always('vanished'))
    await expect(append(withCatalog(lake, silent), 'a', 3)).rejects.toMatchObject({
      kind: 'commit-unknown',
      retryable: true,
    })
    expect(await paths()).toEqual([])
    expect(dead).toEqual([])
  })

  test('the last attempt is looked for in history before giving up', async () => {
    const catalog = losingCatalog(lake.catalog, ['conflict', 'lost'])
    const result = await append(withCatalog(lake, catalog), 'a', 2)
    expect([result.alreadyCommitted, result.attempts]).toEqual([true, 2])
  })
})

describe('many writers', () => {
  test('twenty at once lose no file and repeat none', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `w${String(index).padStart(2, '0')}`)
    await Promise.all(names.map(name => append(lake, name, 40)))
    expect(await paths()).toEqual(names)
    const { metadata } = await openTable(lake, 't')
    expect(metadata.snapshots.map(snapshot => snapshot['sequence-number'])).toEqual(
      names.map((_, index) => BigInt(index + 1)),
    )
    expect(metadata.snapshots.at(-1)?.summary).toMatchObject({ 'total-records': '200', 'total-data-files': '20' })
  })

  test('the same work by two writers at once is applied once', async () => {
    const results = await Promise.all([append(lake, 'a'), append(lake, 'a'), append(lake, 'a')])
    expect(results.filter(result => !result.alreadyCommitted)).toHaveLength(1)
    expect(await paths()).toEqual(['a'])
  })

  test('a file that another writer removed first is a conflict, and the table stays as it was', async () => {
    await append(lake, 'a')
    const stale = await liveFiles(lake, await openTable(lake, 't'))
    await commit(lake, 't', { commitId: 'first' }, () => stageOverwrite({ added: [file('b')], removed: stale }))
    const second = commit(lake, 't', { commitId: 'second' }, () =>
      stageOverwrite({ added: [file('c')], removed: stale }),
    )
    await expect(second).rejects.toMatchObject({ kind: 'conflict' })
    expect(await paths()).toEqual(['b'])
  })

  test('staging again on the new table makes the overwrite right', async () => {
    await append(lake, 'a')
    let staged = 0
    const racing = losingCatalog(lake.catalog, ['conflict'])
    await commit(withCatalog(lake, racing), 't', { commitId: 'overwrite' }, async base => {
      const removed = await liveFiles(lake, base)
      if (staged++ === 0) await append(lake, 'b')
      return stageOverwrite({ added: [file('all')], removed })
    })
    expect(staged).toBe(2)
    expect(await paths()).toEqual(['all'])
  })
})

test('work that was rolled back can be done again', async () => {
  await append(lake, 'a')
  const before = await openTable(lake, 't')
  await append(lake, 'b')
  const now = await openTable(lake, 't')
  const rolledBack = { ...now.metadata, 'current-snapshot-id': before.metadata['current-snapshot-id'] as bigint }
  const location = `${now.metadata.location}/metadata/00009-rollback.metadata.json`
  await lake.storage.put(location, encodeMetadata(rolledBack))
  await lake.catalog.swap('t', now.entry, icebergEntry(rolledBack, location))
  expect(await paths()).toEqual(['a'])
  expect((await append(lake, 'b')).alreadyCommitted).toBe(false)
  expect(await paths()).toEqual(['a', 'b'])
})

test('an append without files makes a snapshot that says the work was done', async () => {
  const options = { commitId: 'nothing', summary: { 'sluice.batch': 'b1' } }
  const { snapshot } = await commit(lake, 't', options, () => stageAppend([]))
  expect(snapshot.summary).toMatchObject({
    operation: 'append',
    'added-data-files': '0',
    'total-records': '0',
    'sluice.batch': 'b1',
    'sluice.commit-id': 'nothing',
  })
  const again = await commit(lake, 't', options, () => stageAppend([]))
  expect(again.alreadyCommitted).toBe(true)
})

test('a requirement that does not hold fails before anything is written', async () => {
  const catalog = losingCatalog(lake.catalog, [])
  const staged = stageAppend([file('a')], { requirements: [{ type: 'assert-table-uuid', uuid: 'another' }] })
  await expect(commit(withCatalog(lake, catalog), 't', { commitId: 'a' }, () => staged)).rejects.toMatchObject({
    kind: 'conflict',
  })
  expect(catalog.swaps()).toBe(0)
})
