// docs/quality.md knows every rule type of the language, what it takes, and for each that looks at values what nulls mean to it.
import { describe, expect, test } from 'vitest'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { RULE_NAMES, RULE_TYPES } from '#lake/dqdl/rule-types.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { EVENT_SOURCE, qualityEvaluated } from '#lake/events.ts'
import { contextOf, evaluateRules, openTables } from '../lake/dqdl/table.ts'
import { codeSpans, readPage, tableUnder } from './pages.ts'

const page = readPage('docs/quality.md')
const rows = tableUnder(page, '## Rules').map(([rules = '', holds, nulls, perRow, threshold, where]) => ({
  names: codeSpans(rules).map(span => span.split(' ')[0] as string),
  ...{ holds, nulls, perRow, threshold, where },
}))
const inRules = RULE_TYPES.filter(type => type.use !== 'analyzers-only')
const names = [...new Set(inRules.map(type => type.name))]

test('every rule has its row, and there are no others', () => {
  expect(rows.flatMap(row => row.names).toSorted()).toEqual(names.toSorted())
})

describe.each(names)('%s', name => {
  const row = rows.find(each => each.names.includes(name))
  const types = inRules.filter(each => each.name === name)

  test('takes where, or does not, as it says', () => expect(row?.where).toBe(types.some(each => each.where) ? 'W' : ''))

  test('says when it holds', () => expect(row?.holds).not.toBe(''))

  test('says what nulls mean to it when it looks at values', () => {
    const isOfValues = types[0]?.scope === 'column' && name !== 'ColumnExists'
    if (isOfValues) expect(row?.nulls).toMatch(/null/)
  })
})

test('a rule that takes a threshold says so; of the file rules FileSize and FileFreshness do', () => {
  const taking = (all: readonly string[]): boolean => inRules.some(type => all.includes(type.name) && type.threshold)
  for (const row of rows) expect([row.names, row.threshold]).toEqual([row.names, taking(row.names) ? 'T' : ''])
})

/** One of each type that can say something of single rows, or cannot. */
const EXAMPLES: Readonly<Record<string, string>> = {
  RowCount: 'RowCount > 0',
  RowCountMatch: 'RowCountMatch "s" > 0',
  ColumnCount: 'ColumnCount > 0',
  Completeness: 'Completeness "n" > 0',
  IsComplete: 'IsComplete "n"',
  ColumnDataType: 'ColumnDataType "t" = "INTEGER"',
  ColumnNamesMatchPattern: 'ColumnNamesMatchPattern "."',
  ColumnExists: 'ColumnExists "n"',
  ColumnCorrelation: 'ColumnCorrelation "n" "m" > 0',
  Uniqueness: 'Uniqueness "n" > 0',
  IsUnique: 'IsUnique "n"',
  IsPrimaryKey: 'IsPrimaryKey "n"',
  Mean: 'Mean "n" > 0',
  Sum: 'Sum "n" > 0',
  StandardDeviation: 'StandardDeviation "n" >= 0',
  Variance: 'Variance "n" >= 0',
  Entropy: 'Entropy "n" >= 0',
  DistinctValuesCount: 'DistinctValuesCount "n" > 0',
  UniqueValueRatio: 'UniqueValueRatio "n" > 0',
  ColumnLength: 'ColumnLength "t" > 0',
  Range: 'Range "n" >= 0',
  ColumnValues: 'ColumnValues "n" > 0',
  DataFreshness: 'DataFreshness "d" < 9 days',
  DuplicateRowCount: 'DuplicateRowCount = 0',
  CustomSql: 'CustomSql "select n from primary"',
  ReferentialIntegrity: 'ReferentialIntegrity "n" "s.n" > 0',
  DatasetMatch: 'DatasetMatch "s" "n" > 0',
  SchemaMatch: 'SchemaMatch "s" > 0',
  AggregateMatch: 'AggregateMatch "sum(n)" "sum(s.n)" > 0',
  DetectAnomalies: 'DetectAnomalies "RowCount"',
  FileSize: 'FileSize > 0',
  FileFreshness: 'FileFreshness > "2024-01-01"',
  FileUniqueness: 'FileUniqueness > 0',
  FileMatch: 'FileMatch in ["x"]',
}

test('a rule that says of each row whether it passes is marked so', async () => {
  const tables = await openTables()
  try {
    const relation = await tables.table(sql`SELECT 1 AS n, 2 AS m, '3' AS t, DATE '2024-06-14' AS d`)
    const sources = new Map([['s', relation]])
    const files = [{ path: 'a', bytes: 1, modifiedMs: Date.UTC(2024, 5, 1), digests: { 'SHA-256': 'x' } }]
    const context = contextOf(relation, { sources, files, thresholds: 'documented' })
    const { rules } = await evaluateRules(tables.session, Object.values(EXAMPLES), context)
    expect(Object.keys(EXAMPLES).toSorted()).toEqual(names.toSorted())
    expect(rules.filter(rule => rule.outcome === 'Error')).toEqual([])
    for (const [at, { text, rowLevel }] of rules.entries()) {
      const row = rows.find(each => each.names.includes(Object.keys(EXAMPLES)[at] as string))
      expect([text, row?.perRow]).toEqual([text, rowLevel ? 'yes' : ''])
    }
  } finally {
    await tables.close()
  }
})

test('the event has the fields that are named, and goes by that name', () => {
  const staged = { table: 't', tableUuid: 'u', schemaId: 0, specId: 0, files: [] }
  const said = { evaluatedMs: 0, score: 1, rules: [], metrics: {}, results: staged }
  const lake = memoryLake()
  const event = qualityEvaluated(lake, { dataset: 'orders', batch: 'b1', quality: said })
  lake.dispose()
  const paragraph = page.text.split('\n\n').find(each => each.includes(event['detail-type'])) ?? ''
  const named = new Set(codeSpans(paragraph.split('CloudWatch')[0] as string))
  const { context: _context, ...fields } = event.detail
  expect([...named].filter(name => name !== EVENT_SOURCE).toSorted()).toEqual(Object.keys(fields).toSorted())
})

test('every analyzer is named somewhere', () => {
  for (const name of RULE_NAMES) expect(page.text).toContain(`\`${name}`)
})
