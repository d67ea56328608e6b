// What the rules said of a batch stands in `sluice__quality_results`, one row for each rule, exactly once, whoever dies in between and however often the
// batch is repeated; of a halted batch as well. A dataset without rules leaves no trace of a gate.
import { describe, expect, test } from 'vitest'
import { publish } from '#functions/publish/publish.ts'
import { quality } from '#functions/quality/quality.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { qualityRuns } from '#lake/quality-history.ts'
import { QUALITY_RESULTS } from '#lake/quality-results.ts'
import { countCalls, dieAt } from '../mortal.ts'
import { LAKES, lines, rawId, tableRows } from './batches.ts'
import { films, ids, landed, listening, results, through } from './gating.ts'

const rules = `
DefaultLabels = ["team"="data"]
Rules = [
  IsComplete "title",
  RowCount between 0 and 100 labels=["severity"="warn"],
  IsUnique "id" where "year > 0",
  ColumnValues "ghost" > 1 labels=["severity"="warn"]
]`

describe.each(LAKES)('%s', (_name, use) => {
  test('one row for each rule, with all that is known of it', () =>
    use(async lake => {
      const objects = { 2: lines({ id: 1, title: 'a', year: 1 }, { id: 2, year: 2 }), 1: lines({ id: 3, title: 'c' }) }
      await through(lake, films(rules, { contract: { version: 4 } }), 'b1', objects)
      const select = sql`* EXCLUDE (evaluated_at, _ingested_at), metrics['Column.title.Completeness'] AS share, labels['team'] AS team, CAST(_ingested_at AS VARCHAR) AS landed`
      const rows = await tableRows(lake, QUALITY_RESULTS, select)
      const same = { dataset: 'films', batch: 'b1', status: 'pass', score: 0.5, contract_version: 4, team: 'data' }
      const place = { _raw_object: rawId(2), landed: '2026-01-02 00:00:02+00' }
      expect(rows).toHaveLength(4)
      for (const row of rows) expect(row).toMatchObject({ ...same, ...place })
      expect(rows[0]).toMatchObject({
        rule: 'IsComplete "title"',
        evaluated_rule: 'IsComplete "title"',
        outcome: 'Failed',
        consequence: 'quarantine',
        rows_passed: '2',
        rows_failed: '1',
        rows_skipped: '0',
        share: 2 / 3,
        _raw_row: '1',
      })
      expect(typeof rows[0]?.['reason']).toBe('string')
      expect(rows[1]).toMatchObject({
        outcome: 'Passed',
        consequence: 'none',
        reason: null,
        rows_passed: null,
        _raw_row: '2',
      })
      expect(rows[3]?.['outcome']).not.toBe('Passed')
      expect(rows[3]).toMatchObject({ consequence: 'none' })
    }))

  test('of all datasets in one table, by partition', () =>
    use(async lake => {
      const gate = 'Rules = [ RowCount > 0 ]'
      const books = { ...films(gate), name: 'books' }
      await through(lake, films(gate), 'b1', { 1: lines({ id: 1 }) })
      await through(lake, books, 'c1', { 2: lines({ id: 1 }) })
      await through(lake, films(gate), 'b2', { 3: lines({ id: 1 }) })
      expect(await results(lake)).toEqual(['b1', 'c1', 'b2'].map(batch => `${batch}: RowCount > 0: Passed`))
      const { metadata } = await openTable(lake, QUALITY_RESULTS)
      expect(metadata['partition-specs'][0]?.fields.map(field => field.name)).toEqual(['dataset'])
      expect(metadata.snapshots).toHaveLength(3)
    }))
})

test('repeating a batch adds nothing', async () => {
  const lake = memoryLake()
  for (const gate of ['Rules = [ RowCount > 0 ]', 'Rules = [ RowCount > 5 ]'].entries()) {
    const batch = `b${gate[0]}`
    const dataset = films(gate[1])
    await through(lake, dataset, batch, { [gate[0]]: lines({ id: 1 }) })
    for (let times = 0; times < 2; times++) {
      await quality(lake, dataset, { batch })
      await publish(lake, dataset, { batch })
    }
  }
  expect(await results(lake)).toEqual(['b0: RowCount > 0: Passed', 'b1: RowCount > 5: Failed'])
  expect(await qualityRuns(lake, 'films', { count: 9 })).toHaveLength(2)
})

describe('the process dies between any two calls', () => {
  const objects = { 2: lines({ id: 2, title: 'b' }, { id: 3 }) }
  const scene = async (gate: string): Promise<MemoryLake> => {
    const lake = memoryLake()
    await through(lake, films(gate), 'b1', { 1: lines({ id: 1, title: 'a' }) })
    await landed(lake, films(gate), 'b2', objects)
    return lake
  }

  test.each([
    ['passes', 'Rules = [ IsComplete "title", RowCount > 0 ]', ['1', '2'], 'Passed'],
    ['is halted', 'Rules = [ IsComplete "title", RowCount <= 1 ]', ['1'], 'Failed'],
  ])(
    'a batch that %s is recorded once',
    async (_name, gate, rows, second) => {
      const dataset = films(gate)
      const work = async (lake: Parameters<typeof quality>[0]): Promise<void> => {
        await quality(lake, dataset, { batch: 'b2' })
        await publish(lake, dataset, { batch: 'b2' })
      }
      const calls = await countCalls(await scene(gate), work)
      expect(calls).toBeGreaterThan(20)
      for (let at = 0; at < calls; at++) {
        const side = at % 2 === 0 ? 'before' : 'after'
        const lake = await scene(gate)
        expect(await dieAt(lake, { at, side }, work), `${side} ${at}`).toBe('dead')
        await work(lake)
        const [, textOfSecond] = gate.split(', ')
        const rule = textOfSecond?.replace(' ]', '')
        expect(await ids(lake), `${side} ${at}`).toEqual(rows)
        expect(
          (await results(lake)).filter(each => each.startsWith('b2')),
          `${side} ${at}`,
        ).toEqual(['b2: IsComplete "title": Failed', `b2: ${rule}: ${second}`])
        expect(await qualityRuns(lake, 'films', { count: 9 }), `${side} ${at}`).toHaveLength(2)
      }
    },
    180_000,
  )
})

test('analyzers alone judge nothing: what they measure goes into the history', async () => {
  const lake = memoryLake()
  const dataset = films('Analyzers = [ RowCount, Completeness "title" ]')
  expect(await through(lake, dataset, 'b1', { 1: lines({ id: 1, title: 'a' }, { id: 2 }) })).toMatchObject({
    status: 'pass',
    quarantined: 0,
    rules: { passed: 0, failed: 0, score: 1 },
  })
  expect(await results(lake)).toEqual([])
  expect((await qualityRuns(lake, 'films', { count: 1 }))[0]?.metrics).toEqual({
    'Dataset.*.RowCount': 2,
    'Column.title.Completeness': 0.5,
  })
})

test('a dataset without rules pays nothing', async () => {
  const { lake, events } = listening(memoryLake())
  await through(lake, films(undefined), 'b1', { 1: lines({ id: 1 }, { id: 2 }) })
  expect(await lake.catalog.tables()).toEqual(['films'])
  expect(await qualityRuns(lake, 'films', { count: 9 })).toEqual([])
  expect(events.map(each => each['detail-type'])).toEqual(['Table Committed'])
})
