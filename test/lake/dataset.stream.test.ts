// `source.stream` makes a dataset take single events, under a landing folder of its own name. What could not work is refused when the
// declaration is loaded.
import { describe, expect, test } from 'vitest'
import { type DatasetSpec, defineDataset } from '#lake/dataset.ts'
import { LakeError } from '#lake/errors.ts'
import { ignoredKey, router } from '#lake/route.ts'
import { streamRouter } from '#lake/stream-route.ts'

const columns = {
  id: 'long',
  at: 'timestamptz',
  day: { type: 'date', format: '%d.%m.%Y' },
  tags: { list: 'string' },
} as const

function define(stream: unknown, extra: object = {}, name = 'clicks') {
  const source = { system: 'web', format: 'ndjson', stream, ...extra }
  return defineDataset({ name, source, columns } as unknown as DatasetSpec<string>)
}

function refusal(work: () => unknown): LakeError {
  try {
    work()
  } catch (error) {
    if (error instanceof LakeError) return error
    throw error
  }
  throw new Error('was not refused')
}

test('what it delivers is the dataset’s, beside what it matches otherwise', () => {
  const only = define({ eventTime: 'at' })
  expect(only.source.match).toEqual(['streams/clicks/**'])
  expect(only.source.stream).toEqual({ eventTime: 'at', key: undefined, route: undefined, unwrap: undefined })
  const both = define({ eventTime: 'at' }, { match: 'clicks/*.json' })
  expect(both.source.match).toEqual(['clicks/*.json', 'streams/clicks/**'])
  const route = router([both, define({ eventTime: 'at' }, { match: '**' }, 'rest')])
  expect(route('streams/clicks/event_date=2026-05-04/event_hour=10/key=all/x.gz')).toBe(both)
  expect(define({ eventTime: 'at', route: { type: 'click' } }).source.stream?.route).toEqual({ type: ['click'] })
})

test('what the stream took in before it was transformed is no data', () => {
  expect(ignoredKey('stream-backup/2026/05/04/10/x.gz')).toBe('stream-backup')
  expect(ignoredKey('streams/clicks/x.gz')).toBeUndefined()
})

describe('refused', () => {
  test.each([
    ['an event time that is no column', { eventTime: 'time' }, {}, 'source.stream.eventTime'],
    ['one that is no time', { eventTime: 'id' }, {}, 'source.stream.eventTime'],
    ['one that only the engine can read', { eventTime: 'day' }, {}, 'source.stream.eventTime'],
    ['a key that is no column', { eventTime: 'at', key: 'country' }, {}, 'source.stream.key'],
    ['a key that is nested', { eventTime: 'at', key: 'tags' }, {}, 'source.stream.key'],
    ['a route by nothing', { eventTime: 'at', route: {} }, {}, 'source.stream.route'],
    ['a route without values', { eventTime: 'at', route: { type: [] } }, {}, 'source.stream.route'],
    ['a route to what is no text', { eventTime: 'at', route: { type: [1] } }, {}, 'source.stream.route'],
    ['an envelope without a field', { eventTime: 'at', unwrap: '' }, {}, 'source.stream.unwrap'],
    ['a setting that there is not', { eventTime: 'at', hour: 'at' }, {}, 'source.stream.hour'],
    ['a format that events are not delivered as', { eventTime: 'at' }, { format: 'csv' }, undefined],
    ['neither a stream nor files', undefined, {}, 'source.match'],
    ['files in the folder of streams', undefined, { match: 'streams/clicks/*' }, 'source.match'],
    ['files among the errors', undefined, { match: 'stream-errors/**' }, 'source.match'],
  ])('%s', (_what, stream, extra, field) => {
    const error = refusal(() => define(stream, extra))
    expect(error.kind).toBe('dataset-invalid')
    if (field !== undefined) expect(error.context['field']).toBe(field)
  })

  test('a table that each delivery would replace', () => {
    const spec = {
      name: 'd',
      publish: 'replace',
      columns,
      source: { system: 's', format: 'ndjson', stream: { eventTime: 'at' } },
    }
    const error = refusal(() => defineDataset(spec as unknown as DatasetSpec<string>))
    expect(error.context['field']).toBe('source.stream')
  })

  test('two datasets whose routes may hold for the same event', () => {
    const left = define({ eventTime: 'at', route: { type: ['click', 'tap'], site: 'a*' } })
    const same = define({ eventTime: 'at', route: { type: 'tap', site: '*b' } }, {}, 'taps')
    expect(refusal(() => streamRouter([left, same])).message).toContain('"clicks" and "taps"')
    const apart = define({ eventTime: 'at', route: { type: 'tap', site: 'b*' } }, {}, 'taps')
    expect(streamRouter([left, apart]).routed({ type: 'tap', site: 'b1' })).toBe(apart)
  })
})

test('an event that two datasets would take is nobody’s', () => {
  const byType = define({ eventTime: 'at', route: { type: 'click' } })
  const bySite = define({ eventTime: 'at', route: { site: 'a' } }, {}, 'sites')
  const { routed } = streamRouter([byType, bySite])
  expect(routed({ type: 'click', site: 'b' })).toBe(byType)
  expect(routed({ type: 'click', site: 'a' })).toBeUndefined()
  expect(routed({ type: ['click'] })).toBeUndefined()
})
