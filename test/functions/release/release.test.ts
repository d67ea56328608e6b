// Records in quarantine are judged again under the contract and the rules of today, those alone that were selected: what passes is in the
// table with its lineage as it came, what fails stays in quarantine with the reason of today, and every account stays in balance.
import { describe, expect, test } from 'vitest'
import { publishAppend } from '#functions/publish/append.ts'
import { publish } from '#functions/publish/publish.ts'
import { quality } from '#functions/quality/quality.ts'
import { release } from '#functions/release/release.ts'
import { readDocument, type Verdict, verdictUri } from '#lake/batch.ts'
import { defineDataset } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { applied, land, orders, refine, snapshots } from '../publish/refining.ts'
import { LAKES, landBatch, lines, tableRows } from '../quality/batches.ts'
import { account, held, placedRows, select, settled } from './releasing.ts'

const strict = orders({ columns: { id: { type: 'long', required: true }, v: 'string', day: 'date' } })
const wide = orders({ columns: { id: 'long', v: 'string', day: 'date' } })
const rules = (quality: string) => orders({ quality })

describe.each(LAKES)('%s', (_name, use) => {
  test('after the contract was mended', () =>
    use(async lake => {
      await applied(lake, strict, 'b1', { 1: lines({ id: 1, v: 'a' }, { v: 'b' }, { id: 'x' }, { v: 'd' }) })
      expect(await held(lake)).toEqual(['required:id @1.2 of b1', 'type:id @1.3 of b1', 'required:id @1.4 of b1'])
      const report = await settled(lake, wide)
      expect(report).toMatchObject({ dataset: 'orders', action: 'release', records: 3, objects: 1, busy: 0 })
      expect(report.batches).toHaveLength(1)
      expect(await placedRows(lake)).toEqual(['1 a @1.1', 'b @1.2', 'd @1.4'])
      expect(await held(lake)).toEqual(['type:id @1.3 of b1'])
      expect(await account(lake, 'b1', 1)).toBe('4 = 3 + 1 + 0 + 0')
    }))

  test('lineage is what it was', () =>
    use(async lake => {
      await applied(lake, strict, 'b1', { 1: lines({ id: 1 }, { v: 'b' }) })
      await settled(lake, wide)
      const [first, second] = await tableRows(lake, 'orders', sql`_raw_object, CAST(_ingested_at AS VARCHAR) AS at`)
      expect(second).toEqual(first)
    }))

  test('only what was selected', () =>
    use(async lake => {
      await applied(lake, strict, 'b1', { 1: lines({ v: 'a' }, { v: 'b' }), 2: lines({ v: 'c' }, { id: 2 }) })
      await settled(lake, wide, { filter: { record: 1 }, limit: 1 })
      expect(await placedRows(lake)).toEqual(['a @1.1', '2 @2.2'])
      expect(await held(lake)).toEqual(['required:id @1.2 of b1', 'required:id @2.1 of b1'])
      await settled(lake, wide, { filter: { source: 'orders/2' } })
      expect(await placedRows(lake)).toEqual(['a @1.1', 'c @2.1', '2 @2.2'])
      expect(await account(lake, 'b1', 1)).toBe('2 = 1 + 1 + 0 + 0')
      expect(await account(lake, 'b1', 2)).toBe('2 = 2 + 0 + 0 + 0')
    }))

  test('again: what is released is not there to select, and what is refused is refused again', () =>
    use(async lake => {
      await applied(lake, strict, 'b1', { 1: lines({ v: 'a' }, { id: 'x' }) })
      await settled(lake, wide)
      const before = [await placedRows(lake), await held(lake)]
      expect(await settled(lake, wide)).toMatchObject({ records: 1 })
      expect(await settled(lake, wide, { filter: { reason: 'required:*' } })).toMatchObject({ records: 0, batches: [] })
      expect([await placedRows(lake), await held(lake)]).toEqual(before)
      expect(await account(lake, 'b1', 1)).toBe('2 = 1 + 1 + 0 + 0')
    }))

  test('a file that could not be read gives all of its records', () =>
    use(async lake => {
      const old = orders({ contract: { version: 2 } })
      const dataset = orders({ contract: { version: 2, accepts: { min: 1, max: 2 } } })
      const bytes = lines({ id: 1 }, { id: 'x' }, { id: 3 })
      await landBatch(lake, old, { id: 'b1', objects: [{ order: 1, bytes, contractVersion: 1 }] })
      await refine(lake, old, 'b1')
      expect(await held(lake)).toEqual(['contract_version @1.0 of b1'])
      await settled(lake, old)
      expect(await held(lake)).toEqual(['contract_version @1.0 of b1'])
      expect(await account(lake, 'b1', 1)).toBe('1 = 0 + 1 + 0 + 0')
      await settled(lake, dataset)
      expect(await placedRows(lake)).toEqual(['1 @1.1', '3 @1.3'])
      expect(await held(lake)).toEqual(['type:id @1.2 of b1'])
      expect(await account(lake, 'b1', 1)).toBe('3 = 2 + 1 + 0 + 0')
    }))

  test('rules about rows judge, those about batches do not', () =>
    use(async lake => {
      const old = rules('Rules = [ ColumnValues "id" > 10 ]')
      await applied(lake, old, 'b1', { 1: lines({ id: 1 }, { id: 5 }, { id: 11 }) })
      expect(await held(lake)).toHaveLength(2)
      const now = rules(
        'Rules = [ ColumnValues "id" > 3, RowCount > 100, Completeness "v" > 0.5, ColumnValues "v" = "a" with threshold > 0.5, RowCountMatch "nothing" = 1 ]',
      )
      await settled(lake, now)
      expect(await placedRows(lake)).toEqual(['5 @1.2', '11 @1.3'])
      expect(await held(lake)).toEqual(['rule:ColumnValues "id" > 3 @1.1 of b1'])
    }))

  test('a rule that cannot be evaluated lets none through, and none is lost', () =>
    use(async lake => {
      await applied(lake, strict, 'b1', { 1: lines({ v: 'a' }) })
      const broken = orders({ quality: 'Rules = [ ColumnValues "v" matches "(?=x)" ]' })
      const { batches } = await select(lake, broken)
      expect(await quality(lake, broken, { batch: batches[0] as string })).toMatchObject({ status: 'halt' })
      expect(await publish(lake, broken, { batch: batches[0] as string })).toMatchObject({ rows: 0 })
      expect(await held(lake)).toEqual(['required:id @1.1 of b1'])
      await settled(lake, wide)
      expect(await placedRows(lake)).toEqual(['a @1.1'])
    }))

  test('nothing of a batch that is not published yet', () =>
    use(async lake => {
      await applied(lake, strict, 'b1', { 1: lines({ v: 'a' }) })
      await land(lake, strict, 'b2', { 2: lines({ v: 'b' }) })
      await quality(lake, strict, { batch: 'b2' })
      const { quarantine } = (await readDocument<Verdict>(lake, verdictUri(lake, 'orders', 'b2'))) as Verdict
      await publishAppend(lake, {
        table: 'orders__quarantine',
        tableUuid: undefined,
        files: quarantine?.files ?? [],
        batch: 'b2',
        rawObjects: [],
        summary: {},
        commitId: 'half',
      })
      expect(await held(lake)).toHaveLength(2)
      expect(await settled(lake, wide)).toMatchObject({ records: 1, busy: 1 })
      expect(await placedRows(lake)).toEqual(['a @1.1'])
    }))

  test('partitions, order and columns that the table has meanwhile', () =>
    use(async lake => {
      const more = {
        columns: { id: 'long', v: 'string', day: 'date' },
        partitionBy: ['day'],
        sortBy: ['id'],
        evolution: 'add',
      } as const
      const old = orders({ ...more, columns: { ...more.columns, v: { type: 'string', required: true } } })
      await applied(lake, old, 'b1', {
        1: lines(
          { id: 1, day: '2026-01-01' },
          { id: 2, v: 'b', day: '2026-01-01' },
          { id: 3, day: '2026-01-02', extra: 7 },
        ),
      })
      await settled(lake, orders(more))
      const rows = await tableRows(lake, 'orders', sql`concat_ws(' ', id, v, day, extra) AS text`)
      expect(rows.map(row => row['text'])).toEqual(['1 2026-01-01', '2 b 2026-01-01', '3 2026-01-02 7'])
      expect(await held(lake)).toEqual([])
    }))
})

test('one commit for each table, however many records', async () => {
  await LAKES[0]?.[1](async lake => {
    await applied(lake, strict, 'b1', { 1: lines({ id: 1 }, { v: 'b' }, { v: 'c' }), 2: lines({ v: 'd' }) })
    await settled(lake, wide)
    expect((await snapshots(lake)).map(each => each.summary['operation'])).toEqual(['append', 'append'])
    expect(await snapshots(lake, 'orders__quarantine')).toHaveLength(2)
  })
})

test('a dry run does nothing', async () => {
  await LAKES[0]?.[1](async lake => {
    await applied(lake, strict, 'b1', { 1: lines({ v: 'b' }) })
    const report = await release(lake, wide, { action: 'release', filter: {}, dryRun: true })
    expect(report).toMatchObject({ records: 1, objects: 1, batches: [] })
    expect(
      await release(lake, defineDataset({ ...none, name: 'other' }), { action: 'drop', filter: {}, dryRun: true }),
    ).toMatchObject({ records: 0 })
  })
})

const none = { name: 'none', source: { system: 's', format: 'ndjson', match: 'x' }, columns: { id: 'long' } } as const
