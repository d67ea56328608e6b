// Append: each raw object contributes its rows exactly once, whatever batches it comes in and however often they are published;
// applying it again replaces what it brought, in the table and in quarantine, and touches no other row.
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { publish } from '#functions/publish/publish.ts'
import { quality } from '#functions/quality/quality.ts'
import { type Verdict, verdictUri } from '#lake/batch.ts'
import { LAKES, lines, rawId } from '../quality/batches.ts'
import { applied, commitReport, counts, land, orders, quarantined, refine, rows, snapshots } from './refining.ts'

const one = lines({ id: 1, v: 'a' }, { id: 2, v: 'b' })
const two = lines({ id: 3, v: 'c' }, { id: 'x' }, { id: 4, v: 'd' })
const three = lines({ id: 5, v: 'e' }, 'junk')

describe.each(LAKES)('%s', (_name, use) => {
  test('publishing a batch again changes nothing and says so again', () =>
    use(async lake => {
      const first = await applied(lake, orders(), 'b1', { 1: one, 2: two })
      const report = await commitReport(lake, 'b1')
      expect(await refine(lake, orders(), 'b1')).toEqual(first)
      expect(first).toEqual({ dataset: 'orders', batch: 'b1', snapshotId: report.snapshotId, rows: 4 })
      expect(await rows(lake)).toEqual(['1 a', '2 b', '3 c', '4 d'])
      expect(await quarantined(lake)).toEqual(['type:id {"id":"x"}'])
      expect(await snapshots(lake)).toHaveLength(1)
      expect(await snapshots(lake, 'orders__quarantine')).toHaveLength(1)
      expect(await commitReport(lake, 'b1')).toEqual(report)
      expect(report.objects.map(counts)).toEqual(['2 = 2 + 0 + 0', '3 = 2 + 1 + 0'])
      const [event, again] = lake.bus.published
      expect(event).toEqual({
        'detail-type': 'Table Committed',
        detail: {
          dataset: 'orders',
          table: 'orders',
          batch: 'b1',
          commitId: report.commitId,
          snapshotId: report.snapshotId,
          rows: 4,
          quarantined: 1,
          smallFiles: 1,
          compactionDue: false,
        },
      })
      expect(again).toEqual(event)
    }))

  test('the snapshot says what was done', () =>
    use(async lake => {
      await applied(lake, orders(), 'b1', { 1: one, 2: two })
      const [snapshot] = await snapshots(lake)
      expect(snapshot?.summary).toMatchObject({
        operation: 'append',
        'added-records': '4',
        'total-records': '4',
        'sluice.commit-id': (await commitReport(lake, 'b1')).commitId,
        'sluice.batch': 'b1',
        'sluice.raw-objects': '2',
        'sluice.contract-version': '1',
        'sluice.records-read': '5',
        'sluice.records-applied': '4',
        'sluice.records-quarantined': '1',
        'sluice.records-superseded': '0',
      })
    }))

  test('an object that comes again in another batch is replaced, beside others of its file', () =>
    use(async lake => {
      await applied(lake, orders(), 'b1', { 1: one, 2: two })
      await applied(lake, orders(), 'b2', { 2: two, 3: three })
      expect(await rows(lake)).toEqual(['1 a', '2 b', '3 c', '4 d', '5 e'])
      expect(await quarantined(lake)).toEqual(['type:id {"id":"x"}', 'json junk'])
      expect((await snapshots(lake)).at(-1)?.summary).toMatchObject({ operation: 'overwrite', 'total-records': '5' })
      await refine(lake, orders(), 'b1')
      expect(await snapshots(lake)).toHaveLength(2)
    }))

  test('the same objects in another batch are work of their own', () =>
    use(async lake => {
      await applied(lake, orders(), 'b1', { 1: one, 2: two })
      await applied(lake, orders(), 'b2', { 1: one, 2: two })
      expect(await rows(lake)).toEqual(['1 a', '2 b', '3 c', '4 d'])
      expect((await snapshots(lake)).map(each => each.summary['sluice.batch'])).toEqual(['b1', 'b2'])
    }))

  test('an object whose rows are all refused the second time leaves none', () =>
    use(async lake => {
      await applied(lake, orders(), 'b1', { 1: one, 3: three })
      const strict = orders({ columns: { id: 'long', v: 'string', day: { type: 'date', required: true } } })
      await applied(lake, strict, 'b2', { 1: one })
      expect(await rows(lake)).toEqual(['5 e'])
      expect(await quarantined(lake)).toHaveLength(3)
      await applied(lake, orders(), 'b3', { 1: one })
      expect(await rows(lake)).toEqual(['1 a', '2 b', '5 e'])
      expect(await quarantined(lake)).toEqual(['json junk'])
    }))

  test('two batches at once', () =>
    use(async lake => {
      await land(lake, orders(), 'b1', { 1: one, 2: two })
      await land(lake, orders(), 'b2', { 2: two, 3: three })
      await land(lake, orders(), 'b3', { 4: lines({ id: 6, v: 'f' }) })
      await Promise.all(['b1', 'b2', 'b3', 'b2'].map(batch => refine(lake, orders(), batch)))
      expect(await rows(lake)).toEqual(['1 a', '2 b', '3 c', '4 d', '5 e', '6 f'])
      expect(await quarantined(lake)).toEqual(['type:id {"id":"x"}', 'json junk'])
      expect(await snapshots(lake)).toHaveLength(3)
    }))

  test('a partitioned table keeps each partition right', () =>
    use(async lake => {
      const daily = orders({ partitionBy: ['day(day)'] })
      const day = (order: number) =>
        lines({ id: order, v: 'x', day: '2024-01-01' }, { id: order + 10, v: 'y', day: '2024-01-02' })
      await applied(lake, daily, 'b1', { 1: day(1), 2: day(2) })
      await applied(lake, daily, 'b2', { 2: day(2), 3: day(3) })
      expect(await rows(lake)).toEqual(['1 x', '11 y', '2 x', '12 y', '3 x', '13 y'])
    }))

  test('a batch of which nothing is usable is committed too', () =>
    use(async lake => {
      await applied(lake, orders(), 'b1', { 1: 'junk\n' })
      expect(await rows(lake)).toEqual([])
      expect((await commitReport(lake, 'b1')).objects.map(counts)).toEqual(['1 = 0 + 1 + 0'])
      expect((await snapshots(lake))[0]?.summary).toMatchObject({
        'sluice.records-quarantined': '1',
        'total-records': '0',
      })
    }))
})

describe('what cannot be published', () => {
  const [, use] = LAKES[0] as (typeof LAKES)[number]
  test('a batch without a verdict', () =>
    use(async lake => {
      await land(lake, orders(), 'b1', { 1: one })
      await expect(publish(lake, orders(), { batch: 'b1' })).rejects.toMatchObject({ kind: 'not-found' })
    }))
  test('a batch that was halted', () =>
    use(async lake => {
      await land(lake, orders(), 'b1', { 1: one })
      const target = { table: 'orders', tableUuid: '', schemaId: 0, specId: 0, files: [] }
      const verdict: Verdict = {
        batch: 'b1',
        dataset: 'orders',
        status: 'halt',
        reason: 'r',
        target,
        quarantine: undefined,
        objects: [],
      }
      await lake.storage.put(verdictUri(lake, 'orders', 'b1'), Buffer.from(JSON.stringify(verdict)))
      expect(await quality(lake, orders(), { batch: 'b1' })).toMatchObject({ status: 'halt', reason: 'r' })
      await expect(publish(lake, orders(), { batch: 'b1' })).rejects.toMatchObject({ kind: 'contract-broken' })
    }))
})

test('an engine that is not ours reads the same rows', () =>
  (LAKES[1] as (typeof LAKES)[number])[1](async lake => {
    const daily = orders({ partitionBy: ['day(day)'] })
    await applied(lake, daily, 'b1', { 1: lines({ id: 1, v: 'a', day: '2024-01-01' }, { id: 2, v: 'b' }), 2: two })
    await applied(lake, daily, 'b2', { 2: two, 3: three })
    const tables = lake.zones.tables.slice('file://'.length)
    process.chdir(tables)
    const chdb = createRequire(import.meta.url)('chdb') as { query(text: string, format: string): Buffer }
    const read = (text: string) => String(chdb.query(text, 'TSV')).trim()
    expect(read(`SELECT id, v FROM icebergLocal('${tables}/orders') ORDER BY id`)).toBe('1\ta\n2\tb\n3\tc\n4\td\n5\te')
    expect(read(`SELECT count() FROM icebergLocal('${tables}/orders') WHERE _raw_object = '${rawId(2)}'`)).toBe('2')
    expect(read(`SELECT raw FROM icebergLocal('${tables}/orders__quarantine') ORDER BY record`)).toBe(
      '{"id":"x"}\njunk',
    )
  }))
