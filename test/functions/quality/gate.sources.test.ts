// Rules may ask more than the batch: other tables of the lake by name, as they are now; the batch's own files; and what earlier batches measured. A
// rule sees a dataset's own columns and not where a row came from.
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { quality } from '#functions/quality/quality.ts'
import { defineDataset } from '#lake/dataset.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import type { Lake } from '#lake/lake.ts'
import { LAKES, lines } from './batches.ts'
import { consequences, films, ids, landed, putAside, through, verdictOf } from './gating.ts'

const studios = defineDataset({
  name: 'studios',
  source: { system: 's', format: 'ndjson', match: '*' },
  columns: { code: 'string', films: 'long' },
})

const rows = (count: number): string => lines(...Array.from({ length: count }, (_none, at) => ({ id: at, title: 't' })))

describe('other tables', () => {
  const objects = { 1: lines({ id: 1, title: 'a' }, { id: 2, title: 'zz' }, { id: 3 }) }

  describe.each(LAKES)('%s', (_name, use) => {
    test('a key that is not in the other table', () =>
      use(async lake => {
        await through(lake, studios, 's1', { 90: lines({ code: 'a' }, { code: 'b' }), 91: lines({ code: 'c' }) })
        const share = films('Rules = [ ReferentialIntegrity "title" "studios.code" > 0.5 ]')
        expect((await through(lake, share, 'b1', objects)).status).toBe('halt')
        expect((await verdictOf(lake, 'b1')).quality?.metrics).toEqual({
          'Column.studios.ReferentialIntegrity': 1 / 3,
        })
        const reached = films(
          'Rules = [ ReferentialIntegrity "title" "studios.{code}" > 0.3, RowCountMatch "studios" = 1.0 ]',
        )
        expect((await through(lake, reached, 'b2', objects)).status).toBe('pass')
      }))
  })

  test('rows of a statement over both', async () => {
    const lake = memoryLake()
    await through(lake, studios, 's1', { 90: lines({ code: 'a' }, { code: 'b' }) })
    const rules = films('Rules = [ CustomSql "select primary.* from primary join studios on title = code" ]')
    await through(lake, rules, 'b1', objects)
    expect(await ids(lake)).toEqual(['1'])
    expect(await putAside(lake, 'b1')).toHaveLength(2)
  })

  test('the table is as it is when the batch is judged', async () => {
    const lake = memoryLake()
    const rules = films('Rules = [ ReferentialIntegrity "title" "studios.code" >= 0.3 ]')
    await through(lake, studios, 's1', { 90: lines({ code: 'x' }) })
    expect((await through(lake, rules, 'b1', objects)).status).toBe('halt')
    await through(lake, studios, 's2', { 91: lines({ code: 'a' }) })
    expect((await through(lake, rules, 'b2', objects)).status).toBe('pass')
  })

  test('a table that there is not fails closed, and the reason names it', async () => {
    const lake = memoryLake()
    const report = await through(
      lake,
      films('Rules = [ ReferentialIntegrity "title" "ghosts.code" > 0.1 ]'),
      'b1',
      objects,
    )
    expect(report.status).toBe('halt')
    expect(report.reason).toContain('ghosts')
  })
})

test('a statement cannot reach what is no source of the batch', async () => {
  const lake = memoryLake()
  for (const [at, statement] of [
    'select * from information_schema.tables',
    'select * from films__raw',
    "select * from read_csv('/etc/passwd')",
    'select * from duckdb_settings()',
  ].entries()) {
    const report = await through(lake, films(`Rules = [ CustomSql "${statement}" ]`), `b${at}`, { [at]: rows(1) })
    expect(report.status, statement).toBe('halt')
  }
})

test('rules see the columns of the dataset, not where rows came from', async () => {
  const lake = memoryLake()
  const rules =
    'Rules = [ ColumnCount = 4, DuplicateRowCount = 2, CustomSql "select count(*) from (select distinct * from primary)" = 2 ]'
  await through(lake, films(rules), 'b1', { 1: lines({ id: 1 }, { id: 1 }, { id: 2, more: 1 }) })
  expect(await consequences(lake, 'b1')).toEqual([
    // With `_rescued`, which holds data: fields that the contract does not know.
    'ColumnCount = 4: Passed, none',
    'DuplicateRowCount = 2: Passed, none',
    'CustomSql "select count(*) from (select distinct * from primary)" = 2: Passed, none',
  ])
})

describe('files of the batch', () => {
  const first = lines({ id: 1 })
  const md5 = createHash('md5').update(first).digest('hex')

  test.each([
    ['FileSize < 1 KB', 'pass'],
    ['FileSize > 1 KB', 'halt'],
    ['FileUniqueness > 0.9', 'halt'],
    [`FileMatch in ["${md5}"] with hashAlgorithm = "MD5"`, 'pass'],
    [`FileMatch in ["${md5}"] with hashAlgorithm = "SHA-1"`, 'halt'],
  ])('%s: %s', async (rule, status) => {
    const lake = memoryLake()
    const report = await through(lake, films(`Rules = [ ${rule} ]`), 'b1', { 1: first, 2: first })
    expect(report.status).toBe(status)
  })
})

describe('what earlier batches measured', () => {
  const growing = films('Rules = [ RowCount > avg(last(2)) ]')
  const evaluated = async (lake: Lake, batch: string): Promise<string | undefined> =>
    (await verdictOf(lake, batch)).quality?.rules[0]?.evaluatedRule

  test('last(k) takes the batches that landed before, the most recent first', async () => {
    const lake = memoryLake()
    const statuses: string[] = []
    for (const [at, count] of [5, 9, 8, 3].entries())
      statuses.push((await through(lake, growing, `b${at}`, { [at]: rows(count) })).status)
    expect(statuses).toEqual(['pass', 'pass', 'pass', 'halt'])
    expect(await evaluated(lake, 'b2')).toBe('RowCount > 7')
    expect(await evaluated(lake, 'b3')).toBe('RowCount > 8.5')
  })

  test('a halted batch is not what is usual', async () => {
    const lake = memoryLake()
    for (const [at, count] of [5, 1, 1, 6].entries()) await through(lake, growing, `b${at}`, { [at]: rows(count) })
    expect(await evaluated(lake, 'b3')).toBe('RowCount > 5')
  })

  test('a replay sees what was there at first, doubles nothing, and later batches see its value once', async () => {
    const lake = memoryLake()
    const dataset = films({ rules: 'Rules = [ RowCount > avg(last(9)) ]', onFailure: 'warn' })
    await through(lake, dataset, 'b0', { 0: rows(2) })
    await through(lake, dataset, 'b1', { 1: rows(4) })
    await through(lake, dataset, 'b2', { 2: rows(6) })
    await through(lake, dataset, 'again', { 1: rows(4) })
    expect(await evaluated(lake, 'again')).toBe('RowCount > 2')
    await through(lake, dataset, 'b3', { 3: rows(1) })
    expect(await evaluated(lake, 'b3')).toBe('RowCount > 4')
  })

  test('DetectAnomalies learns from them', async () => {
    const lake = memoryLake()
    const dataset = films('Rules = [ DetectAnomalies "RowCount" ]')
    for (const [at, count] of [10, 11, 9, 10, 12, 10].entries())
      expect((await through(lake, dataset, `b${at}`, { [at]: rows(count) })).status).toBe('pass')
    expect((await through(lake, dataset, 'odd', { 20: rows(60) })).status).toBe('halt')
    expect((await through(lake, dataset, 'usual', { 21: rows(11) })).status).toBe('pass')
  })

  test('a verdict that is there is not judged again by what came since', async () => {
    const lake = memoryLake()
    await landed(lake, growing, 'b1', { 1: rows(1) })
    const report = await quality(lake, growing, { batch: 'b1' })
    await through(lake, growing, 'b0', { 0: rows(9) })
    expect(await quality(lake, growing, { batch: 'b1' })).toEqual(report)
  })
})
