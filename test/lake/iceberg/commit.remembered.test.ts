// A commit is applied once even when its snapshot has expired before the work is repeated: a side file that the metadata names remembers the
// commit ids. It does not remember what the table was not built from, and it is bounded.
import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, test } from 'vitest'
import { type LogLine, memoryLake } from '#lake/disk/disk-lake.ts'
import { APPLIED_COMMITS, rememberCommits } from '#lake/iceberg/applied-commits.ts'
import { COMMIT_ID, type CommitResult, commit, updateTable } from '#lake/iceberg/commit.ts'
import { setProperties } from '#lake/iceberg/metadata.ts'
import { encodeMetadata } from '#lake/iceberg/metadata-file.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { removeSnapshots } from '#lake/iceberg/operations/expire.ts'
import { icebergEntry, openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import type { Snapshot } from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'
import { column, definition } from './fixture.ts'
import { losingCatalog, withCatalog } from './losing-catalog.ts'

const DAY_MS = 86_400_000

let memory: ReturnType<typeof memoryLake>
let lake: Lake
let log: LogLine[]
/** Objects that were read, in order. */
let reads: string[]

beforeEach(async () => {
  log = []
  reads = []
  memory = memoryLake({ log: line => void log.push(line) })
  const get: Lake['storage']['get'] = (uri, ...rest) => {
    reads.push(uri)
    return memory.storage.get(uri, ...rest)
  }
  lake = { ...memory, storage: { ...memory.storage, get } }
  await ensureTable(lake, definition('t', [column('n', 'long')]))
})

const run = (id: string, summary: Readonly<Record<string, string>> = {}, on = lake): Promise<CommitResult> =>
  commit(on, 't', { commitId: id, summary }, () => stageAppend([]))

const snapshots = async (): Promise<readonly Snapshot[]> => (await openTable(lake, 't')).metadata.snapshots

/** As maintenance does it: remember, then remove in the swap that names the file. */
async function expire(...ids: readonly string[]): Promise<string> {
  const table = await openTable(lake, 't')
  const gone = table.metadata.snapshots.filter(each => ids.includes(each.summary[COMMIT_ID] ?? ''))
  const uri = await rememberCommits(lake, table, gone)
  await updateTable(lake, 't', metadata =>
    metadata.properties[APPLIED_COMMITS] === uri
      ? metadata
      : removeSnapshots(setProperties(metadata, { [APPLIED_COMMITS]: uri }), {
          snapshots: new Set(gone.map(each => each['snapshot-id'])),
          refs: [],
        }),
  )
  return uri
}

const linesOf = async (uri: string): Promise<readonly string[]> =>
  gunzipSync(await memory.storage.get(uri))
    .toString()
    .split('\n')

async function rollBackTo(id: bigint): Promise<void> {
  const { entry, metadata } = await openTable(lake, 't')
  const rolledBack = { ...metadata, 'current-snapshot-id': id }
  const location = `${metadata.location}/metadata/99999-${lake.ids.uuid()}.metadata.json`
  await lake.storage.put(location, encodeMetadata(rolledBack))
  await lake.catalog.swap('t', entry, icebergEntry(rolledBack, location))
}

describe('work that is repeated after its snapshot expired', () => {
  test('is not done again, and is told what its batch needs to know', async () => {
    const late = { 'sluice.superseded-by-object': 'o1=5,o2=7', 'sluice.batch': 'b1' }
    const first = await run('first', late)
    await run('second')
    await run('third')
    await expire('first', 'second')
    expect((await snapshots()).map(each => each.summary[COMMIT_ID])).toEqual(['third'])
    const again = await run('first', late)
    expect(again).toMatchObject({ alreadyCommitted: true, attempts: 0 })
    expect(again.snapshot).toEqual({
      'snapshot-id': first.snapshot['snapshot-id'],
      'sequence-number': 1n,
      'timestamp-ms': first.snapshot['timestamp-ms'],
      'manifest-list': '',
      summary: { [COMMIT_ID]: 'first', 'sluice.superseded-by-object': 'o1=5,o2=7' },
    })
    expect((await run('second')).alreadyCommitted).toBe(true)
    expect((await run('fourth')).alreadyCommitted).toBe(false)
    expect((await snapshots()).map(each => each.summary[COMMIT_ID])).toEqual(['third', 'fourth'])
  })

  test('the next expiry keeps what the last one remembered', async () => {
    for (const id of ['a', 'b', 'c', 'd']) await run(id)
    const first = await expire('a')
    const second = await expire('b', 'c')
    expect(second).not.toBe(first)
    expect(await linesOf(first)).toHaveLength(1)
    expect(await linesOf(second)).toHaveLength(3)
    for (const id of ['a', 'b', 'c', 'd']) expect((await run(id)).alreadyCommitted).toBe(true)
    expect(await snapshots()).toHaveLength(1)
  })

  test('is found after a lost race with the expiry itself', async () => {
    await run('a')
    await run('b')
    const racing = withCatalog(lake, losingCatalog(lake.catalog, ['lost']))
    let attempts = 0
    const result = await commit(racing, 't', { commitId: 'c' }, async () => {
      if (++attempts === 1) await expire('a')
      return stageAppend([])
    })
    expect(result.alreadyCommitted).toBe(false)
    expect((await run('a')).alreadyCommitted).toBe(true)
  })

  test('the file is read once in a commit, whatever the number of attempts', async () => {
    await run('a')
    await run('b')
    const uri = await expire('a')
    reads = []
    const racing = withCatalog(lake, losingCatalog(lake.catalog, ['conflict', 'conflict', 'throttled']))
    expect((await run('c', {}, racing)).attempts).toBe(4)
    expect(reads.filter(each => each === uri)).toHaveLength(1)
    reads = []
    await run('c')
    expect(reads).not.toContain(uri)
  })
})

describe('what is not remembered', () => {
  test('snapshots that were rolled back before they expired: their work may be done again', async () => {
    await run('a')
    const { snapshot } = await run('b')
    await run('undone')
    await rollBackTo(snapshot['snapshot-id'])
    await run('c')
    await expire('a', 'undone')
    expect((await run('a')).alreadyCommitted).toBe(true)
    expect((await run('undone')).alreadyCommitted).toBe(false)
  })

  test('commits that a rollback undid after their snapshots expired, also when more expires later', async () => {
    const { snapshot } = await run('kept by a tag')
    await run('undone')
    await run('newest')
    await expire('undone')
    expect((await run('undone')).alreadyCommitted).toBe(true)
    await rollBackTo(snapshot['snapshot-id'])
    expect((await run('on top')).alreadyCommitted).toBe(false)
    await run('later')
    await expire('kept by a tag')
    expect((await run('kept by a tag')).alreadyCommitted).toBe(true)
    expect((await run('undone')).alreadyCommitted).toBe(false)
  })

  test('snapshots of other writers, which have no commit id', async () => {
    await run('a')
    const table = await openTable(lake, 't')
    const foreign = { ...(table.metadata.snapshots[0] as Snapshot), summary: { operation: 'append' } }
    expect(await linesOf(await rememberCommits(lake, table, [foreign]))).toEqual([''])
  })

  test('what is older than half a year: at that bound the oldest go', async () => {
    for (const id of ['old', 'recent', 'newest']) {
      await run(id)
      memory.clock.advance(80 * DAY_MS)
    }
    const uri = await expire('old', 'recent')
    expect(await linesOf(uri)).toHaveLength(1)
    expect((await run('recent')).alreadyCommitted).toBe(true)
    expect((await run('old')).alreadyCommitted).toBe(false)
  })

  test('more than 100,000 of a table: at that bound the oldest go', async () => {
    await run('a')
    await run('newest')
    const now = memory.clock.nowMs()
    const hash = (index: number): string =>
      createHash('sha256').update(String(index)).digest().subarray(0, 12).toString('base64url')
    const lines = Array.from({ length: 100_000 }, (_, index) => `${hash(index)} 0 ${index} ${now - 1_000_000 + index}`)
    const full = `${lake.zones.tables}/t/metadata/full.commits`
    await memory.storage.put(full, gzipSync(lines.join('\n')))
    await updateTable(lake, 't', metadata => setProperties(metadata, { [APPLIED_COMMITS]: full }))
    // Only what is older than the oldest retained snapshot can have been forgotten by it.
    const uri = await expire('a')
    const kept = await linesOf(uri)
    expect(kept).toHaveLength(1)
    const again = `${lake.zones.tables}/t/metadata/again.commits`
    await memory.storage.put(again, gzipSync([...lines, ...kept].join('\n')))
    await updateTable(lake, 't', metadata => setProperties(metadata, { [APPLIED_COMMITS]: again }))
    const table = await openTable(lake, 't')
    const bounded = await linesOf(await rememberCommits(lake, table, []))
    expect(bounded).toHaveLength(100_000)
    expect(bounded).toContain(kept[0])
    expect(bounded).toContain(lines[1])
    expect(bounded).not.toContain(lines[0])
  })
})

describe('the file', () => {
  test('lies in the metadata folder under a name of its own, numbered like the metadata that names it', async () => {
    await run('a')
    await run('b')
    const table = await openTable(lake, 't')
    const [one, two] = [
      await rememberCommits(lake, table, table.metadata.snapshots),
      await rememberCommits(lake, table, table.metadata.snapshots),
    ]
    expect(one).toMatch(/\/tables\/t\/metadata\/00003-[0-9a-f-]{36}\.commits$/)
    expect(one).not.toBe(two)
  })

  test('is sorted text of a line for each commit', async () => {
    for (const id of ['a', 'b', 'c']) await run(id)
    const lines = await linesOf(await expire('a', 'b'))
    expect(lines).toEqual(lines.toSorted())
    for (const line of lines) expect(line).toMatch(/^[\w-]{16} \d+ \d+ \d+$/)
  })

  test('removed by another engine, is missed loudly, and the pipeline goes on', async () => {
    await run('a')
    await run('b')
    await memory.storage.delete(await expire('a'))
    expect((await run('b')).alreadyCommitted).toBe(true)
    expect((await run('c')).alreadyCommitted).toBe(false)
    expect(log.filter(line => line.level === 'error').map(line => line.message)).toEqual([
      'the file of commits whose snapshots expired is gone; another engine may have removed it',
    ])
  })

  test('that cannot be read for now fails the commit before it changes anything', async () => {
    await run('a')
    await run('b')
    const uri = await expire('a')
    const get: Lake['storage']['get'] = (wanted, ...rest) =>
      wanted === uri ? Promise.reject(new Error('no network')) : lake.storage.get(wanted, ...rest)
    const broken = { ...lake, storage: { ...lake.storage, get } }
    await expect(run('c', {}, broken)).rejects.toThrow('no network')
    expect(await snapshots()).toHaveLength(1)
  })
})
