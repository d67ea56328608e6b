// The reference in docs/datasets.md is true of the code: its settings and defaults are those of defineDataset, what it says fits a
// type fits and what it says does not is refused, and its lists of columns and reasons are complete.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type DatasetSpec, defineDataset, LINEAGE, RESCUED, type TypeSpec } from '#lake/dataset.ts'
import { QUARANTINE_COLUMNS } from '#lake/quarantine-table.ts'
import { decoded } from '../functions/quality/decoding.ts'
import { codeSpans, ROOT, readPage, tableUnder } from './pages.ts'

const PAGE = readPage('docs/datasets.md')
const spans = (cell: string | undefined): readonly string[] => codeSpans(cell ?? '')

const LEAN = {
  name: 'lean',
  source: { system: 's', format: 'ndjson', match: '*' },
  columns: { v: 'string' },
} satisfies DatasetSpec<string>

describe('settings', () => {
  const rows = tableUnder(PAGE, '## Settings').map(([name, fallback]) => ({
    name: spans(name)[0] as string,
    fallback: fallback as string,
  }))

  test('are those that defineDataset takes', () => {
    const listed = (): string => {
      try {
        defineDataset({ ...LEAN, wrong: 1 } as DatasetSpec<string>)
      } catch (error) {
        return /the settings are (.*)$/.exec((error as Error).message)?.[1] ?? ''
      }
      return ''
    }
    const top = [...new Set(rows.map(({ name }) => name.split('.')[0]))]
    expect(top.toSorted()).toEqual(listed().split(', ').toSorted())
  })

  const dataset = { ...defineDataset(LEAN), publish: 'append' }
  const streamed = defineDataset({
    ...LEAN,
    source: { ...LEAN.source, stream: { eventTime: 'at' } },
    columns: { at: 'timestamptz' },
  })
  const gated = defineDataset({ ...LEAN, quality: 'Rules = [ RowCount > 0 ]' })
  test.each(rows.filter(({ fallback }) => fallback !== 'required').map(row => [row.name, row.fallback] as const))(
    '%s is %s by default',
    (name, fallback) => {
      // What the gate or a stream does by default shows in a dataset that has one.
      const from = name.startsWith('quality.') ? gated : name.startsWith('source.stream.') ? streamed : dataset
      const value = name.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], from)
      expect(written(value)).toBe(fallback.replaceAll('_', ''))
    },
  )

  test('of limits, compaction, retention and the gate are all there', () => {
    const nested = (['limits', 'compaction', 'retention', 'raw'] as const).flatMap(group =>
      Object.keys(dataset[group]).map(key => `${group}.${key}`),
    )
    const gate = ['rules', 'onFailure', 'rows'].map(key => `quality.${key}`)
    const csv = Object.keys(dataset.source.csv).map(key => `source.csv.${key}`)
    const stream = Object.keys(streamed.source.stream ?? {}).map(key => `source.stream.${key}`)
    expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining([...nested, ...csv, ...gate, ...stream]))
  })

  test('of columns', () => {
    const [column] = dataset.columns
    const { name: _name, ...rest } = column as NonNullable<typeof column>
    const listed = tableUnder(PAGE, '## Columns').slice(0, Object.keys(rest).length)
    expect(listed.map(([name]) => spans(name)[0]).toSorted()).toEqual(Object.keys(rest).toSorted())
    for (const [name, fallback] of listed)
      if (fallback !== 'required') expect(written(rest[spans(name)[0] as keyof typeof rest])).toBe(fallback)
  })
})

/** A value as the page writes it: JavaScript in backticks, or `none`. */
function written(value: unknown): string {
  return value === undefined ? 'none' : `\`${literal(value)}\``
}

function literal(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const members = Object.entries(value).map(([key, each]) => `${key}: ${literal(each)}`)
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`
}

describe('what fits a type', () => {
  const rows = tableUnder(PAGE, '### What fits a type').map(
    ([type, fits, not]) => [spans(type)[0] as TypeSpec, spans(fits), spans(not)] as const,
  )

  test('is said of every primitive type', () => {
    const message = (() => {
      try {
        defineDataset({ ...LEAN, columns: { v: 'none' as TypeSpec } })
      } catch (error) {
        return (error as Error).message
      }
      return ''
    })()
    const primitives = /use (.*) or decimal/.exec(message)?.[1]?.split(', ') ?? []
    expect(primitives.length).toBeGreaterThan(5)
    expect(rows.map(([type]) => type)).toEqual(expect.arrayContaining(primitives))
  })

  test.each(rows)('%s', async (type, fits, not) => {
    const dataset = defineDataset({ ...LEAN, columns: { v: type } })
    const lines = [...fits, ...not].map(value => `{"v":${value}}\n`)
    const { table, refusals } = await decoded(dataset, lines.join(''))
    expect(table.map(row => fits[Number(row['_raw_row']) - 1])).toEqual(fits)
    expect(table.every(row => row['v'] !== null)).toBe(true)
    expect(refusals.map(each => [not[each.ordinal - 1 - fits.length], each.reason])).toEqual(
      not.map(value => [value, 'type:v']),
    )
  })
})

describe('lists', () => {
  test('the lineage columns', () => {
    const listed = tableUnder(PAGE, '### Lineage columns').map(([name, type]) => [spans(name)[0], type])
    expect(listed).toEqual([RESCUED, ...LINEAGE].map(({ name, type }) => [name, type]))
  })

  test('the columns of a quarantine table', () => {
    const listed = tableUnder(PAGE, '## Quarantine').map(([name]) => spans(name)[0])
    expect(listed.slice(0, QUARANTINE_COLUMNS.length)).toEqual(QUARANTINE_COLUMNS.map(({ name }) => name))
  })

  test('the reasons of quarantine', () => {
    const listed = tableUnder(PAGE, '### Reasons of quarantine').map(([code]) => spans(code)[0] as string)
    const literal = [
      /RecordProblem\(\s*'([a-z0-9_]+)'/g,
      /unreadable\(\s*'([a-z0-9_]+)'/g,
      /reason: '([a-z0-9_]+)'/g,
      /return \['([a-z0-9_]+)', /g,
      /\bcodec \? '([a-z]+)' : '(?:[a-z]+)',$/gm,
    ]
    const inCode = literal.flatMap(pattern =>
      // Those of change events are on a page of their own, which test/docs/cdc.test.ts holds against the code.
      [...sources('functions/quality', 'changes/').matchAll(pattern)].map(found => found[1]),
    )
    expect(listed.toSorted()).toEqual(
      [...new Set(inCode), 'type:<column>', 'required:<column>', 'rule:<rule>', 'stream:<code>'].toSorted(),
    )
  })

  test('the reasons of rejection', () => {
    const listed = tableUnder(PAGE, '### What never gets into a batch').flatMap(([codes]) => spans(codes))
    const literal = [/reason: '([a-z-]+)'/g, /return '([a-z-]+)'$/gm, /'(path-not-allowed)' : '(?:other-bucket)'/g]
    const text = sources('functions/ingest') + readFileSync(join(ROOT, 'lake/route.ts'), 'utf8')
    const inCode = literal.flatMap(pattern => [...text.matchAll(pattern)].map(found => found[1]))
    expect(listed.toSorted()).toEqual([...new Set([...inCode, 'other-bucket'])].toSorted())
  })
})

function sources(folder: string, except = '-'): string {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts') && !name.startsWith(except))
    .map(name => readFileSync(join(ROOT, folder, name), 'utf8'))
    .join('\n')
}
