// `publish.dedupe` makes rows with the same key one row, when they land within the window of each other. What could not work is refused when the
// declaration is loaded, with the fix.
import { expect, test } from 'vitest'
import { type DatasetSpec, defineDataset } from '#lake/dataset.ts'

const columns = {
  id: { type: 'string', required: true },
  source: { type: 'string', required: true, default: 'web' },
  weight: { type: 'double', required: true },
  maybe: 'string',
  tags: { type: { list: 'string' }, required: true },
} as const

const define = (publish: unknown, more: object = {}) =>
  defineDataset({
    ...{ name: 'clicks', source: { system: 'web', format: 'ndjson', match: 'clicks/**' }, columns, publish, ...more },
  } as unknown as DatasetSpec<string>)

const dedupe = (settings: unknown) => define({ mode: 'append', dedupe: settings })

test('one column or several, and a window', () => {
  expect(dedupe({ key: 'id', within: '48 hours' }).publish).toEqual({
    mode: 'append',
    dedupe: { key: ['id'], withinMs: 172_800_000 },
  })
  const two = defineDataset({
    name: 'clicks',
    source: { system: 'web', format: 'ndjson', match: 'clicks/**' },
    columns: { id: { type: 'string', required: true }, part: { type: 'int', required: true } },
    publish: { mode: 'append', dedupe: { key: ['id', 'part'], within: '1 day' } },
  })
  expect(two.publish).toMatchObject({ dedupe: { key: ['id', 'part'], withinMs: 86_400_000 } })
  expect(define({ mode: 'append' }).publish).toEqual({ mode: 'append' })
})

test.each([
  [
    { within: '1 day' },
    'publish.dedupe.key is missing: name the columns that tell one row from another, e.g. an event id',
  ],
  [{ key: [], within: '1 day' }, 'publish.dedupe.key is missing'],
  [{ key: ['id', 'id'], within: '1 day' }, 'publish.dedupe.key names a column twice'],
  [{ key: 'event', within: '1 day' }, 'names "event", which is not a declared column'],
  [{ key: '_raw_object', within: '1 day' }, 'names "_raw_object", which is not a declared column'],
  [{ key: 'weight', within: '1 day' }, 'names "weight", a double: keys must be exact primitive values'],
  [{ key: 'tags', within: '1 day' }, 'names "tags", a nested type: keys must be exact primitive values'],
  [
    { key: ['id', 'maybe'], within: '1 day' },
    'names "maybe", which may be null: rows without it would not be told apart',
  ],
  [
    { key: 'source', within: '1 day' },
    'names "source", which has a default: all rows without it would be taken for one',
  ],
  [{ key: 'id' }, "publish.dedupe.within is missing: say how far apart repeats may land, e.g. '48 hours'"],
  [{ key: 'id', within: 'a day' }, 'publish.dedupe.within is "a day": give a whole number of minutes, hours or days'],
  [{ key: 'id', within: '0 minutes' }, 'publish.dedupe.within must be from 1 minute to 90 days'],
  [{ key: 'id', within: '91 days' }, 'publish.dedupe.within must be from 1 minute to 90 days'],
  [
    { key: 'id', within: '1 day', keep: 'last' },
    'publish.dedupe.keep is not a setting; the settings are key and within',
  ],
])('%j is refused', (settings, message) => {
  expect(() => dedupe(settings)).toThrow(message)
})

test('tables that are not appended to', () => {
  const settings = { key: 'id', within: '1 day' }
  expect(() => define({ mode: 'replace', scope: 'table', dedupe: settings })).toThrow(
    "publish.dedupe applies to 'append' only: each extract that replaces another has all of its rows",
  )
  expect(() => define({ mode: 'append', within: '1 day' })).toThrow("publish.within is not a setting of 'append'")
  const changes = { system: 's', format: 'ndjson', match: '*', changes: { shape: 'debezium' } }
  const plain = { columns: { id: 'string' }, source: changes }
  expect(() => define({ mode: 'merge', key: 'id', dedupe: settings }, plain)).toThrow('publish.dedupe is not a setting')
})
