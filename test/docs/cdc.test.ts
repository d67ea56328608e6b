// The reference of change events in docs/cdc.md is true of the code: settings and defaults are those of defineDataset, and every reason for
// which a record is put aside is in its list.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { defineDataset } from '#lake/dataset.ts'
import type { ChangeSource } from '#lake/dataset-changes.ts'
import { codeSpans, ROOT, readPage, tableUnder } from './pages.ts'

const PAGE = readPage('docs/cdc.md')

test('settings and defaults are those of the code', () => {
  const { source } = defineDataset({
    name: 'lean',
    source: { system: 's', format: 'ndjson', match: '*', changes: { shape: 'debezium' } },
    columns: { id: 'long' },
    publish: { mode: 'merge', key: 'id' },
  })
  const { dms, addFields, addHeaders, ...own } = source.changes as ChangeSource
  const settings = { ...own, ...under({ dms, addFields, addHeaders }) }
  const listed = tableUnder(PAGE, '## Settings').map(([name, fallback]) => [
    codeSpans(name ?? '')[0] ?? '',
    (fallback ?? '').replaceAll('`', ''),
  ])
  const expected = Object.entries(settings).map(([name, value]) => [
    name,
    name === 'shape' ? 'required' : written(value),
  ])
  expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(expected))
})

const under = (groups: Readonly<Record<string, object>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(groups).flatMap(([group, settings]) =>
      Object.entries(settings).map(([name, value]) => [`${group}.${name}`, value]),
    ),
  )

function written(value: unknown): string {
  if (value === undefined) return 'none'
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value)
}

test('every reason of a dead letter is listed', () => {
  const folder = join(ROOT, 'functions/quality/changes')
  const text = readdirSync(folder)
    .map(name => readFileSync(join(folder, name), 'utf8'))
    .join('\n')
  const patterns = [
    /reason: '([a-z_]+)'/g,
    /unreadable\(\s*'([a-z_]+)'/g,
    // The second argument of `problem`, whatever SQL and line breaks the first is made of.
    /\bproblem\([^;]*?,\s*'([a-z_]+)',\s*sql`/g,
    /\? '(bad_[a-z]+)' : 'bad_[a-z]+'/g,
    /\? 'bad_[a-z]+' : '(bad_[a-z]+)'/g,
  ]
  const inCode = new Set(patterns.flatMap(pattern => [...text.matchAll(pattern)].map(found => found[1])))
  const listed = tableUnder(PAGE, '## Dead letters').map(([code]) => codeSpans(code ?? '')[0] ?? '')
  expect(listed.toSorted()).toEqual([...inCode, 'required:COLUMN'].toSorted())
})
