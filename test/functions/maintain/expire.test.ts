// Expiry takes snapshots out of the table by the table's own settings and deletes nothing. It decides anew on whatever the table has become,
// remembers the commits first, so that none is applied a second time, and leaves what was rolled back free to be done again.
import { expect, test } from 'vitest'
import { expireSnapshots, maintain } from '#functions/maintain/maintain.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { commit, updateTable } from '#lake/iceberg/commit.ts'
import { setProperties } from '#lake/iceberg/metadata.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { openTable } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'
import { manifestOnly } from '../../lake/iceberg/fixture.ts'
import { type Fate, losingCatalog, withCatalog } from '../../lake/iceberg/losing-catalog.ts'
import { alter, DAY_MS, newTable, store, stored } from '../sweep/swept.ts'

const append = (lake: Lake, id: string) =>
  commit(lake, 't', { commitId: id }, async base =>
    stageAppend([manifestOnly(await store(lake, `${base.metadata.location}/data/${id}.parquet`))]),
  )

/** c1 … c4, a day apart; the newest is a day old. Three days are kept. */
async function scene(properties: Readonly<Record<string, string>> = {}): Promise<MemoryLake> {
  const lake = memoryLake()
  await newTable(lake, 't', { 'history.expire.max-snapshot-age-ms': String(2.5 * DAY_MS), ...properties })
  for (const id of ['c1', 'c2', 'c3', 'c4']) {
    await append(lake, id)
    lake.clock.advance(DAY_MS)
  }
  return lake
}

async function commitIds(lake: Lake): Promise<readonly string[]> {
  const { metadata } = await openTable(lake, 't')
  return metadata.snapshots.map(snapshot => snapshot.summary['sluice.commit-id'] as string)
}

test('what is reported and what is left', async () => {
  const lake = await scene()
  const before = await openTable(lake, 't')
  const files = await stored(lake)
  const would = await expireSnapshots(lake, { table: 't', dryRun: true })
  expect((await openTable(lake, 't')).entry).toEqual(before.entry)
  expect(await stored(lake)).toEqual(files)
  const report = await expireSnapshots(lake, { table: 't' })
  const [first, second, third] = before.metadata.snapshots
  expect(report).toEqual({
    table: 't',
    dryRun: false,
    snapshots: { before: 4, after: 2 },
    expired: [first, second].map(each => ({
      id: String(each?.['snapshot-id']),
      committedMs: each?.['timestamp-ms'],
      operation: 'append',
    })),
    refsExpired: [],
    oldestKeptMs: third?.['timestamp-ms'],
  })
  expect(would).toEqual({ ...report, dryRun: true })
  expect(await commitIds(lake)).toEqual(['c3', 'c4'])
  expect(await stored(lake)).toEqual(expect.arrayContaining([...files]))
})

test.each([
  ['data file', /data\/c4\.parquet$/],
  ['manifest list of the newest snapshot', /snap-.*\.avro$/],
])('nothing expires while a %s that would be kept is missing', async (_what, name) => {
  const lake = await scene()
  const before = await openTable(lake, 't')
  const newest = before.metadata.snapshots.at(-1)?.['manifest-list'] as string
  const lost = name.test(newest) ? newest : `${before.metadata.location}/data/c4.parquet`
  await lake.storage.delete(lost)
  for (const dryRun of [true, false])
    await expect(expireSnapshots(lake, { table: 't', dryRun })).rejects.toMatchObject({
      kind: 'table-corrupt',
      message: expect.stringContaining(lost),
    })
  expect((await openTable(lake, 't')).entry).toEqual(before.entry)
})

test('nothing expires while a manifest that would be kept is damaged', async () => {
  const lake = await scene()
  const before = await openTable(lake, 't')
  const list = before.metadata.snapshots.at(-1)?.['manifest-list'] as string
  await lake.storage.put(list, (await lake.storage.get(list)).slice(0, 500))
  await expect(expireSnapshots(lake, { table: 't' })).rejects.toMatchObject({
    kind: 'table-corrupt',
    message: expect.stringContaining(list),
  })
  expect(await commitIds(lake)).toEqual(['c1', 'c2', 'c3', 'c4'])
})

test('a second time there is nothing to do, and nothing is written', async () => {
  const lake = await scene()
  await expireSnapshots(lake, { table: 't' })
  const files = await stored(lake)
  expect(await expireSnapshots(lake, { table: 't' })).toMatchObject({ snapshots: { before: 2, after: 2 }, expired: [] })
  expect(await stored(lake)).toEqual(files)
})

test('an expired commit is not applied again, through one expiry or two', async () => {
  const lake = await scene()
  await expireSnapshots(lake, { table: 't' })
  lake.clock.advance(DAY_MS)
  await expireSnapshots(lake, { table: 't' })
  expect(await commitIds(lake)).toEqual(['c4'])
  for (const id of ['c1', 'c2', 'c3', 'c4'])
    expect((await append(lake, id)).alreadyCommitted, `${id} was applied before it expired`).toBe(true)
  expect((await append(lake, 'c5')).alreadyCommitted).toBe(false)
})

test('what was rolled back is not remembered when it expires: its work may be done again', async () => {
  const lake = await scene()
  const { metadata } = await openTable(lake, 't')
  const [, , third] = metadata.snapshots
  const main = { 'snapshot-id': third?.['snapshot-id'] as bigint, type: 'branch' } as const
  await alter(lake, 't', { 'current-snapshot-id': main['snapshot-id'], refs: { main } })
  lake.clock.advance(9 * DAY_MS)
  await expireSnapshots(lake, { table: 't' })
  expect(await commitIds(lake)).toEqual(['c3'])
  expect((await append(lake, 'c2')).alreadyCommitted).toBe(true)
  expect((await append(lake, 'c4')).alreadyCommitted).toBe(false)
})

test.each<[string, readonly Fate[]]>([
  ['a commit in between', ['conflict']],
  ['a lost answer', ['lost']],
  ['our own success reported as a conflict', ['sdk-retry']],
  ['a swap that never arrived', ['vanished', 'throttled']],
  ['a swap that arrives late', ['late']],
])('%s: expired once', async (_what, fates) => {
  const lake = await scene()
  const catalog = losingCatalog(lake.catalog, fates)
  const report = await expireSnapshots(withCatalog(lake, catalog), { table: 't' })
  expect(report.snapshots).toEqual({ before: 4, after: 2 })
  expect(await commitIds(lake)).toEqual(['c3', 'c4'])
  expect((await append(lake, 'c1')).alreadyCommitted).toBe(true)
})

/** The lake in which `run` happens right before the first swap. */
function beforeSwap(lake: Lake, run: () => Promise<unknown>): Lake {
  let isDone = false
  const swap: Lake['catalog']['swap'] = async (...args) => {
    if (!isDone) {
      isDone = true
      await run()
    }
    await lake.catalog.swap(...args)
  }
  return { ...lake, catalog: { ...lake.catalog, swap } }
}

test('a commit that lands meanwhile stays, and so does a snapshot that is tagged meanwhile', async () => {
  const lake = await scene()
  const { metadata } = await openTable(lake, 't')
  const first = metadata.snapshots[0]?.['snapshot-id'] as bigint
  const tagged = beforeSwap(lake, async () => {
    await append(lake, 'c5')
    const { refs } = (await openTable(lake, 't')).metadata
    await alter(lake, 't', { refs: { ...refs, q1: { 'snapshot-id': first, type: 'tag' } } })
  })
  await expireSnapshots(tagged, { table: 't' })
  expect(await commitIds(lake)).toEqual(['c1', 'c3', 'c4', 'c5'])
})

test('a setting that is changed meanwhile counts', async () => {
  const lake = await scene()
  const properties = { 'history.expire.min-snapshots-to-keep': '3' }
  const changed = beforeSwap(lake, () => updateTable(lake, 't', metadata => setProperties(metadata, properties)))
  await expireSnapshots(changed, { table: 't' })
  expect(await commitIds(lake)).toEqual(['c2', 'c3', 'c4'])
})

test('two expiries at once: neither forgets what the other remembered', async () => {
  const lake = await scene()
  const other = beforeSwap(lake, () => expireSnapshots(lake, { table: 't' }))
  await expireSnapshots(other, { table: 't' })
  expect(await commitIds(lake)).toEqual(['c3', 'c4'])
  for (const id of ['c1', 'c2']) expect((await append(lake, id)).alreadyCommitted, id).toBe(true)
})

test('a rollback meanwhile: what was to be remembered does not fit any more, and is planned anew', async () => {
  const lake = await scene()
  const { metadata } = await openTable(lake, 't')
  const first = metadata.snapshots[0]?.['snapshot-id'] as bigint
  const rolledBack = beforeSwap(lake, () =>
    alter(lake, 't', { 'current-snapshot-id': first, refs: { main: { 'snapshot-id': first, type: 'branch' } } }).then(
      () => alter(lake, 't', { refs: { main: { 'snapshot-id': first, type: 'branch' } } }),
    ),
  )
  await expireSnapshots(rolledBack, { table: 't' })
  expect(await commitIds(lake)).toEqual(['c1', 'c3', 'c4'])
  expect((await append(lake, 'c2')).alreadyCommitted, 'c2 was rolled back before it expired').toBe(false)
})

test('what another expiry remembered meanwhile is not forgotten', async () => {
  const lake = await scene()
  const { metadata } = await openTable(lake, 't')
  const [first, second] = metadata.snapshots.map(each => each['snapshot-id'])
  const tag = (id: bigint | undefined) =>
    alter(lake, 't', { refs: { ...metadata.refs, ...(id && { q1: { 'snapshot-id': id, type: 'tag' } }) } })
  await tag(first)
  // This one is about to expire c2; the other one expires c1 alone.
  const other = beforeSwap(lake, async () => {
    await tag(second)
    await expireSnapshots(lake, { table: 't' })
    await tag(undefined)
  })
  await expireSnapshots(other, { table: 't' })
  expect(await commitIds(lake)).toEqual(['c3', 'c4'])
  for (const id of ['c1', 'c2']) expect((await append(lake, id)).alreadyCommitted, id).toBe(true)
})

test('what was brought back into the history meanwhile is remembered', async () => {
  const lake = await scene()
  const { metadata } = await openTable(lake, 't')
  const [first, , , last] = metadata.snapshots.map(each => each['snapshot-id'] as bigint)
  const setMain = async (id: bigint | undefined) => {
    await alter(lake, 't', { 'current-snapshot-id': id as bigint })
    await alter(lake, 't', { refs: { main: { 'snapshot-id': id as bigint, type: 'branch' } } })
  }
  await setMain(first)
  await expireSnapshots(
    beforeSwap(lake, () => setMain(last)),
    { table: 't' },
  )
  expect(await commitIds(lake)).toEqual(['c3', 'c4'])
  for (const id of ['c1', 'c2']) expect((await append(lake, id)).alreadyCommitted, id).toBe(true)
})

test('tags and branches that are too old go', async () => {
  const lake = await scene({ 'history.expire.max-ref-age-ms': String(2 * DAY_MS) })
  const { metadata } = await openTable(lake, 't')
  const at = (index: number) => metadata.snapshots[index]?.['snapshot-id'] as bigint
  await alter(lake, 't', {
    refs: {
      ...metadata.refs,
      old: { 'snapshot-id': at(0), type: 'tag' },
      kept: { 'snapshot-id': at(1), type: 'tag', 'max-ref-age-ms': 9 * DAY_MS },
    },
  })
  expect(await expireSnapshots(lake, { table: 't' })).toMatchObject({ refsExpired: ['old'] })
  expect(await commitIds(lake)).toEqual(['c2', 'c3', 'c4'])
  expect(Object.keys((await openTable(lake, 't')).metadata.refs)).toEqual(['main', 'kept'])
})

test('gc.enabled=false: refused', async () => {
  const lake = await scene({ 'gc.enabled': 'FALSE' })
  await expect(expireSnapshots(lake, { table: 't' })).rejects.toMatchObject({ kind: 'unsupported' })
  expect(await commitIds(lake)).toHaveLength(4)
})

test('a table without snapshots, and one that is not there', async () => {
  const lake = memoryLake()
  await newTable(lake, 't')
  expect(await expireSnapshots(lake, { table: 't' })).toMatchObject({ expired: [], oldestKeptMs: undefined })
  await expect(expireSnapshots(lake, { table: 'u' })).rejects.toMatchObject({ kind: 'not-found' })
})

test.each([
  [undefined],
  [{ action: 'sweep', table: 't' }],
  [{ action: 'expire', table: '../t' }],
  [{ action: 'expire' }],
  [{ action: 'expire', table: 't', dryRun: 'yes' }],
])('the function refuses %j', async event => {
  await expect(maintain(await scene(), event)).rejects.toMatchObject({ kind: 'event-invalid' })
})

test('the function does the step that it is asked for', async () => {
  const lake = await scene()
  expect(await maintain(lake, { action: 'expire', table: 't', dryRun: true })).toMatchObject({ dryRun: true })
  expect(await maintain(lake, { action: 'expire', table: 't' })).toMatchObject({ snapshots: { before: 4, after: 2 } })
  expect(await maintain(lake, { action: 'manifests', table: 't' })).toMatchObject({ rewritten: false })
})

test.each([
  ['data/x.parquet', 's3a://memory-tables/tables/t/data/x.parquet'],
  ['data/x.parquet', 'S3N://memory-tables/tables//t/data//x.parquet'],
  ['data/city=São Paulo/x.parquet', 's3://memory-tables/tables/t/data/city=S%C3%A3o%20Paulo/x.parquet'],
  ['data/city=S%C3%A3o/x.parquet', 's3://memory-tables/tables/t/data/city=S%C3%A3o/x.parquet'],
])('%s is there, though another writer calls it %s', async (key, uri) => {
  const lake = await scene()
  const { metadata } = await openTable(lake, 't')
  const spelled = () =>
    commit(lake, 't', { commitId: 'spelled' }, async base => {
      await store(lake, `${base.metadata.location}/${key}`)
      return stageAppend([manifestOnly(uri)])
    })
  await spelled()
  await expireSnapshots(lake, { table: 't' })
  expect(await commitIds(lake)).toEqual(['c3', 'c4', 'spelled'])
  await lake.storage.delete(`${metadata.location}/${key}`)
  lake.clock.advance(DAY_MS)
  await expect(expireSnapshots(lake, { table: 't' })).rejects.toMatchObject({
    kind: 'table-corrupt',
    message: expect.stringContaining(`1 files that its snapshots need are missing, such as ${uri}`),
  })
})

test('files elsewhere are asked for by name, and files that properties put elsewhere are found there', async () => {
  const lake = memoryLake()
  const place = `${lake.zones.tables}/elsewhere`
  await newTable(lake, 't', { 'write.data.path': place, 'history.expire.max-snapshot-age-ms': '1' })
  const imported = await store(lake, 's3://foreign/imported.parquet')
  const written = await store(lake, `${place}/x.parquet`)
  for (const uri of [imported, written, await store(lake, `${lake.zones.tables}/t/data/y.parquet`)]) {
    await commit(lake, 't', { commitId: uri }, async () => stageAppend([manifestOnly(uri)]))
    lake.clock.advance(DAY_MS)
  }
  const would = () => expireSnapshots(lake, { table: 't', dryRun: true })
  expect((await would()).snapshots).toEqual({ before: 3, after: 1 })
  for (const uri of [imported, written]) {
    await lake.storage.delete(uri)
    await expect(would()).rejects.toMatchObject({ kind: 'table-corrupt', message: expect.stringContaining(uri) })
    await store(lake, uri)
  }
})

test('metadata files of the log may be gone', async () => {
  const lake = await scene()
  const [oldest] = (await openTable(lake, 't')).metadata['metadata-log']
  await lake.storage.delete(oldest?.['metadata-file'] as string)
  expect((await expireSnapshots(lake, { table: 't' })).snapshots).toEqual({ before: 4, after: 2 })
})
