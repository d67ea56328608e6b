// A batch whose raw objects are all newer than every one in the table is committed without a look at its files. Whoever wrote, rolled back
// or compacted in between, rows of an earlier run are never missed: what is not known for certain is looked up.
import { expect, test } from 'vitest'
import { publish } from '#functions/publish/publish.ts'
import { quality } from '#functions/quality/quality.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { currentSnapshot } from '#lake/iceberg/metadata.ts'
import { stageReplace } from '#lake/iceberg/operations/replace.ts'
import { stageRewriteManifests } from '#lake/iceberg/operations/rewrite-manifests.ts'
import { RAW_OBJECT_MAX } from '#lake/iceberg/raw-object-max.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { manifestsOf } from '#lake/iceberg/snapshot.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { openSession, type Workbench, writeRows } from '../../lake/iceberg/fixture.ts'
import { commitForeign, install } from '../../lake/iceberg/foreign-commit.ts'
import { lines, rawId } from '../quality/batches.ts'
import { applied, land, orders, rows, snapshots } from './refining.ts'

const dataset = orders()
const one = (id: number, v = 'x') => lines({ id, v })

async function inLake(work: (lake: MemoryLake) => Promise<void>): Promise<void> {
  const lake = memoryLake()
  try {
    await work(lake)
  } finally {
    lake.dispose()
  }
}

/** Publishes a batch and tells whether the files of the table were looked at before it was committed. */
async function looked(lake: MemoryLake, batch: string, objects: Readonly<Record<number, string>>): Promise<boolean> {
  await land(lake, dataset, batch, objects)
  await quality(lake, dataset, { batch })
  const reads: string[] = []
  let swapped = false
  const get: MemoryLake['storage']['get'] = (uri, options) => {
    // A list begins with "snap-"; other Avro files are manifests.
    if (!swapped && /\/orders\/metadata\/(?!snap-)[^/]*\.avro$/.test(uri)) reads.push(uri)
    return lake.storage.get(uri, options)
  }
  const swap: MemoryLake['catalog']['swap'] = async (name, ...given) => {
    await lake.catalog.swap(name, ...given)
    swapped ||= name === 'orders'
  }
  const watched = { ...lake, storage: { ...lake.storage, get }, catalog: { ...lake.catalog, swap } }
  await publish(watched, dataset, { batch })
  return reads.length > 0
}

const maxima = async (lake: MemoryLake) => (await snapshots(lake)).map(each => each.summary[RAW_OBJECT_MAX])

test('newer objects need no look, older and equal ones do', () =>
  inLake(async lake => {
    expect(await looked(lake, 'b1', { 1: one(1), 3: one(3) })).toBe(false)
    expect(await looked(lake, 'b2', { 4: one(4) })).toBe(false)
    expect(await looked(lake, 'b3', { 2: one(2) })).toBe(true)
    expect(await looked(lake, 'b4', { 3: one(3), 5: one(5) })).toBe(true)
    expect(await looked(lake, 'b5', { 6: one(6) })).toBe(false)
    expect(await maxima(lake)).toEqual([rawId(3), rawId(4), rawId(4), rawId(5), rawId(6)])
    expect(await rows(lake)).toEqual(['1 x', '2 x', '3 x', '4 x', '5 x', '6 x'])
  }))

test('an object of which nothing was usable counts as seen', () =>
  inLake(async lake => {
    await applied(lake, dataset, 'b1', { 1: one(1), 5: 'junk\n' })
    expect(await maxima(lake)).toEqual([rawId(5)])
    expect(await looked(lake, 'b2', { 4: one(4) })).toBe(true)
  }))

test('compacted and rewritten manifests keep what is known', () =>
  inLake(async lake => {
    await applied(lake, dataset, 'b1', { 1: one(1), 2: one(2) })
    const base = await openTable(lake, 'orders')
    const { files } = await planScan(lake, base, { statistics: 'all' })
    const [only] = files
    if (!only) throw new Error('no file')
    // The same bytes under another name stand for a rewrite.
    const uri = only.file.file_path.replace('.parquet', '-again.parquet')
    await lake.storage.copy(only.file.file_path, uri)
    const added = [{ ...only.file, file_path: uri }]
    await commit(lake, 'orders', { commitId: 'c' }, () =>
      stageReplace({ added, removed: files }, base.metadata['last-sequence-number']),
    )
    await commit(lake, 'orders', { commitId: 'm' }, async table =>
      stageRewriteManifests(await manifestsOf(lake, currentSnapshot(table.metadata))),
    )
    expect((await maxima(lake)).every(max => max === rawId(2))).toBe(true)
    expect(await looked(lake, 'b2', { 3: one(3) })).toBe(false)
    expect(await looked(lake, 'b3', { 1: one(1) })).toBe(true)
    expect(await rows(lake)).toEqual(['1 x', '2 x', '3 x'])
  }))

async function bench(lake: MemoryLake, work: (workbench: Workbench) => Promise<void>): Promise<void> {
  const session = await openSession(lake.limits.scratch)
  const close = () => session.close()
  try {
    await work({ root: lake.limits.scratch, lake, session, close })
  } finally {
    await close()
  }
}

/** Another engine inserts a row of a raw object that is newer than all that this table has seen. */
const insertForeign = (lake: MemoryLake, order: number, rawObject: string | null = rawId(order)) =>
  bench(lake, async workbench => {
    const row = sql`SELECT ${order}::BIGINT AS id, 'theirs' AS v, NULL::DATE AS day, NULL::VARCHAR AS _rescued, ${rawObject}::VARCHAR AS _raw_object, 1::BIGINT AS _raw_row, NULL::TIMESTAMPTZ AS _ingested_at`
    const data = await writeRows(workbench, await openTable(lake, 'orders'), row)
    await commitForeign(lake, 'orders', { data })
  })

test('after the commit of another writer the files tell, once', () =>
  inLake(async lake => {
    await applied(lake, dataset, 'b1', { 1: one(1) })
    await insertForeign(lake, 9)
    expect(await looked(lake, 'b2', { 9: one(9, 'ours') })).toBe(true)
    expect(await rows(lake)).toEqual(['1 x', '9 ours'])
    expect(await maxima(lake)).toEqual([rawId(1), undefined, rawId(9)])
    await insertForeign(lake, 20)
    expect(await looked(lake, 'b3', { 10: one(10) })).toBe(true)
    expect((await maxima(lake)).at(-1)).toBe(rawId(20))
    expect(await looked(lake, 'b4', { 21: one(21) })).toBe(false)
    expect(await looked(lake, 'b5', { 20: one(20, 'ours') })).toBe(true)
    expect(await rows(lake)).toEqual(['1 x', '9 ours', '10 x', '20 ours', '21 x'])
  }))

test('rows of no raw object leave it known', () =>
  inLake(async lake => {
    await applied(lake, dataset, 'b1', { 1: one(1) })
    await insertForeign(lake, 7, null)
    expect(await looked(lake, 'b2', { 2: one(2) })).toBe(true)
    expect((await maxima(lake)).at(-1)).toBe(rawId(2))
    expect(await looked(lake, 'b3', { 3: one(3) })).toBe(false)
    expect(await rows(lake)).toEqual(['1 x', '2 x', '3 x', '7 theirs'])
  }))

test('a file whose bounds do not tell leaves it unknown', () =>
  inLake(async lake => {
    await applied(lake, dataset, 'b1', { 1: one(1) })
    await bench(lake, async workbench => {
      const table = await openTable(lake, 'orders')
      const [file] = await writeRows(
        workbench,
        table,
        sql`SELECT 5::BIGINT AS id, 'theirs' AS v, NULL::DATE AS day, NULL::VARCHAR AS _rescued, ${rawId(5)} AS _raw_object, 1::BIGINT AS _raw_row, NULL::TIMESTAMPTZ AS _ingested_at`,
      )
      if (!file) throw new Error('no file')
      const silent = new Map()
      const data = [
        { ...file, lower_bounds: silent, upper_bounds: silent, value_counts: silent, null_value_counts: silent },
      ]
      await commitForeign(lake, 'orders', { data })
    })
    expect(await looked(lake, 'b2', { 2: one(2) })).toBe(true)
    expect((await maxima(lake)).at(-1)).toBeUndefined()
    expect(await looked(lake, 'b3', { 5: one(5, 'ours') })).toBe(true)
    expect(await rows(lake)).toEqual(['1 x', '2 x', '5 ours'])
  }))

test('a roll-back brings back what was known then', () =>
  inLake(async lake => {
    await applied(lake, dataset, 'b1', { 1: one(1) })
    const before = currentSnapshot((await openTable(lake, 'orders')).metadata)?.['snapshot-id']
    await applied(lake, dataset, 'b2', { 5: one(5) })
    const after = currentSnapshot((await openTable(lake, 'orders')).metadata)?.['snapshot-id']
    const goTo = async (id: bigint | undefined) => {
      if (id === undefined) throw new Error('no snapshot')
      const { metadata } = await openTable(lake, 'orders')
      const main = { 'snapshot-id': id, type: 'branch' } as const
      await install(lake, 'orders', { ...metadata, 'current-snapshot-id': id, refs: { main } })
    }
    await goTo(before)
    expect(await looked(lake, 'b3', { 3: one(3) })).toBe(false)
    expect(await rows(lake)).toEqual(['1 x', '3 x'])
    await goTo(after)
    expect(await looked(lake, 'b4', { 3: one(3) })).toBe(true)
    expect(await looked(lake, 'b5', { 5: one(5) })).toBe(true)
    expect(await rows(lake)).toEqual(['1 x', '3 x', '5 x'])
  }))

test('a table from before the key was kept', () =>
  inLake(async lake => {
    await applied(lake, dataset, 'b1', { 1: one(1), 2: one(2) })
    const { metadata } = await openTable(lake, 'orders')
    const summaries = metadata.snapshots.map(each => {
      const { [RAW_OBJECT_MAX]: _unknown, ...summary } = each.summary
      return { ...each, summary }
    })
    await install(lake, 'orders', { ...metadata, snapshots: summaries })
    expect(await looked(lake, 'b2', { 3: one(3) })).toBe(true)
    expect(await looked(lake, 'b3', { 4: one(4) })).toBe(false)
    expect(await rows(lake)).toEqual(['1 x', '2 x', '3 x', '4 x'])
  }))

test('an extract that replaces the table says it too', () =>
  inLake(async lake => {
    const whole = orders({ publish: 'replace' })
    await applied(lake, whole, 'b1', { 1: one(1) })
    await applied(lake, whole, 'b3', { 3: one(3) })
    await applied(lake, whole, 'b2', { 2: one(2) })
    expect(await maxima(lake)).toEqual([rawId(1), rawId(3), rawId(3)])
  }))
