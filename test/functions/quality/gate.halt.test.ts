// A rule about the whole batch that fails, or that cannot be evaluated, halts it: nothing is staged or published, the table stays as it was, and
// what the rules said is recorded all the same. `warn` publishes; the label `severity` decides for one rule.
import { describe, expect, test } from 'vitest'
import { commitUri, readDocument } from '#lake/batch.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { LAKES, lines } from './batches.ts'
import { accounts, consequences, films, ids, listening, putAside, results, through, verdictOf } from './gating.ts'

const good = lines({ id: 1, title: 'a', year: 1999 }, { id: 2, title: 'b', year: 2000 })
const one = lines({ id: 3, title: 'c', year: 2001 })

describe.each(LAKES)('%s', (_name, use) => {
  test('a halted batch leaves the table as it was', () =>
    use(async inner => {
      const { lake, events } = listening(inner)
      const dataset = films('Rules = [ RowCount > 1, IsComplete "title" ]')
      await through(lake, dataset, 'b1', { 1: good })
      const before = (await openTable(lake, 'films')).metadata
      const report = await through(lake, dataset, 'b2', { 2: one, 3: 'junk\n' })
      expect(report).toMatchObject({ status: 'halt', rules: { passed: 1, failed: 1, score: 0.5 } })
      expect(report.reason).toMatch(/^1 of 2 rules: RowCount > 1: /)
      expect(await ids(lake)).toEqual(['1', '2'])
      expect((await openTable(lake, 'films')).metadata).toEqual(before)
      expect(await lake.catalog.load('films__quarantine')).toBeUndefined()
      expect(await readDocument(lake, commitUri(lake, 'films', 'b2'))).toBeUndefined()
      const verdict = await verdictOf(lake, 'b2')
      expect(verdict.target.files).toEqual([])
      expect(verdict.quarantine).toBeUndefined()
      expect(await results(lake)).toEqual([
        'b1: RowCount > 1: Passed',
        'b1: IsComplete "title": Passed',
        'b2: RowCount > 1: Failed',
        'b2: IsComplete "title": Passed',
      ])
      const told = events.filter(each => each['detail-type'] === 'Data Quality Evaluation Results Available')
      expect(told.map(({ detail }) => [detail['resultId'], detail['state'], detail['score']])).toEqual([
        ['b1', 'SUCCEEDED', 1],
        ['b2', 'FAILED', 0.5],
      ])
    }))

  test('a batch after it is judged by itself', () =>
    use(async lake => {
      const dataset = films('Rules = [ RowCount > 1 ]')
      expect((await through(lake, dataset, 'b1', { 1: one })).status).toBe('halt')
      expect((await through(lake, dataset, 'b2', { 2: good })).status).toBe('pass')
      expect(await ids(lake)).toEqual(['1', '2'])
    }))
})

test('warn publishes what fails and says so', async () => {
  const lake = memoryLake()
  const dataset = films({ rules: 'Rules = [ RowCount > 1 ]', onFailure: 'warn' })
  expect(await through(lake, dataset, 'b1', { 1: one })).toMatchObject({
    status: 'pass',
    rules: { passed: 0, failed: 1, score: 0 },
  })
  expect(await ids(lake)).toEqual(['3'])
  expect(await consequences(lake, 'b1')).toEqual(['RowCount > 1: Failed, none'])
})

describe('what cannot be evaluated', () => {
  const broken = 'Rules = [ IsComplete "nothing", ColumnValues "title" matches "(?<=a)b", RowCountMatch "ghost" = 1.0 ]'

  test('halts: the gate fails closed', async () => {
    const lake = memoryLake()
    const report = await through(lake, films(broken), 'b1', { 1: good })
    expect(report.status).toBe('halt')
    const outcomes = await consequences(lake, 'b1')
    expect(outcomes).toHaveLength(3)
    for (const each of outcomes) expect(each).toMatch(/: (Error|Failed), halt$/)
    expect(await ids(lake)).toEqual([])
  })

  test('is published with a warning where that is wanted', async () => {
    const lake = memoryLake()
    await through(lake, films({ rules: broken, onFailure: 'warn' }), 'b1', { 1: good })
    expect(await ids(lake)).toEqual(['1', '2'])
    for (const each of await consequences(lake, 'b1')) expect(each).toMatch(/, none$/)
  })
})

describe('the label severity', () => {
  test('warn: a rule about the batch fails and the batch goes on', async () => {
    const lake = memoryLake()
    const rules = 'Rules = [ RowCount > 5 labels=["severity"="warn"], RowCount > 0 ]'
    expect((await through(lake, films(rules), 'b1', { 1: good })).status).toBe('pass')
    expect(await ids(lake)).toEqual(['1', '2'])
  })

  test('warn: rows that fail stay', async () => {
    const lake = memoryLake()
    const rules = 'Rules = [ ColumnValues "year" > 1999 labels=["severity"="warn"] ]'
    await through(lake, films(rules), 'b1', { 1: good })
    expect(await ids(lake)).toEqual(['1', '2'])
    expect(await putAside(lake, 'b1')).toEqual([])
  })

  test('halt: a rule about every row halts, though onFailure says warn', async () => {
    const lake = memoryLake()
    const rules = 'Rules = [ ColumnValues "year" > 1999 labels=["severity"="halt"] ]'
    const report = await through(lake, films({ rules, onFailure: 'warn' }), 'b1', { 1: good })
    expect(report.status).toBe('halt')
    expect(await ids(lake)).toEqual([])
  })

  test('quarantine: rows are put aside, though they are kept otherwise and the rule allows a share', async () => {
    const lake = memoryLake()
    const rules = `Rules = [ ColumnValues "year" > 1999 labels=["severity"="quarantine"], Completeness "title" > 0.9, IsUnique "year" ]`
    await through(lake, films({ rules, rows: 'keep' }), 'b1', { 1: good })
    expect(await ids(lake)).toEqual(['2'])
  })

  test('a default for all rules, overridden by one', async () => {
    const lake = memoryLake()
    const rules = `DefaultLabels = ["severity"="warn"] Rules = [ RowCount > 5, RowCount > 6 labels=["severity"="halt"] ]`
    await through(lake, films(rules), 'b1', { 1: good })
    expect(await consequences(lake, 'b1')).toEqual([
      'RowCount > 5: Failed, none',
      'RowCount > 6 labels=["severity"="halt"]: Failed, halt',
    ])
  })
})

describe('shares judge the batch', () => {
  const half = lines({ id: 1, title: 'a' }, { id: 2 })

  test('a share that is reached keeps its rows', async () => {
    const lake = memoryLake()
    await through(lake, films('Rules = [ Completeness "title" >= 0.5 ]'), 'b1', { 1: half })
    expect(await ids(lake)).toEqual(['1', '2'])
  })

  test.each([
    'Completeness "title" > 0.9',
    'ColumnValues "title" in ["a"] with threshold > 0.9',
    'Uniqueness "year" > 0.5',
  ])('%s halts', async rule => {
    const lake = memoryLake()
    const objects = { 1: lines({ id: 1, title: 'a', year: 1 }, { id: 2, year: 1 }) }
    expect((await through(lake, films(`Rules = [ ${rule} ]`), 'b1', objects)).status).toBe('halt')
  })

  test.each([
    'Completeness "title" = 1.0',
    'Completeness "title" >= 1',
    'ColumnValues "title" in ["a"] with threshold = 1.0',
  ])('%s is about every row', async rule => {
    const lake = memoryLake()
    await through(lake, films(`Rules = [ ${rule} ]`), 'b1', { 1: half })
    expect(await ids(lake)).toEqual(['1'])
    expect(await putAside(lake, 'b1')).toEqual([`2: {"id":2} | rule:${rule}`])
  })
})

describe('a rule that fails while no row does', () => {
  test('either of two: the batch is at fault', async () => {
    const lake = memoryLake()
    const rules = 'Rules = [ (IsComplete "title") or (IsComplete "year") ]'
    const objects = { 1: lines({ id: 1, title: 'a' }, { id: 2, year: 1 }) }
    expect((await through(lake, films(rules), 'b1', objects)).status).toBe('halt')
    expect((await through(lake, films({ rules, onFailure: 'warn' }), 'b2', { ...objects, 2: one })).status).toBe('pass')
    expect(await ids(lake)).toEqual(['1', '2', '3'])
  })

  test('a batch without rows: rules about every row have nothing to say, rules about the batch have', async () => {
    const lake = memoryLake()
    const rows = films('Rules = [ IsComplete "title", IsUnique "id", ColumnValues "year" > 0 ]')
    expect((await through(lake, rows, 'b1', { 1: 'junk\n' })).status).toBe('pass')
    expect(await putAside(lake, 'b1')).toEqual(['1: junk | json'])
    expect(await accounts(lake, 'b1')).toEqual(['1 = 0 + 1 + 0'])
    expect((await through(lake, films('Rules = [ RowCount > 0 ]'), 'b2', { 2: '' })).status).toBe('halt')
  })

  test.each(['IsComplete "title"', 'IsUnique "id"', 'IsPrimaryKey "id"', 'ColumnLength "title" > 0'])(
    '%s where no row is: the batch is not at fault; a share of no rows is',
    async rule => {
      const lake = memoryLake()
      const objects = { 1: lines({ id: 1, year: 1 }, { id: 1, year: 2 }) }
      const some = films(`Rules = [ ${rule} where "year > 2000" ]`)
      expect((await through(lake, some, 'b1', objects)).status).toBe('pass')
      expect(await ids(lake)).toEqual(['1', '1'])
      const share = films('Rules = [ Completeness "title" > 0.5 where "year > 2000" ]')
      expect((await through(lake, share, 'b2', objects)).status).toBe('halt')
    },
  )
})
