// A stage that reads streams of Kinesis and MSK has what that needs and nothing more; one that reads none has nothing of it.
import { expect, inject, test } from 'vitest'
import { sourcesOf } from '../../lake/event-source.ts'
import { type Editable, FUNCTION, ofType } from './checks/check.ts'
import { recordChecks } from './checks/records.ts'
import { datasets } from './streams/datasets.ts'
import { sources } from './streams/sources.ts'

const graphs = inject('graphs')

test.each(recordChecks.map(check => [check.name, check] as const))('%s', (_name, { find, breakIt }) => {
  expect(find(graphs.streams)).toEqual([])
  const spoiled: Editable = structuredClone({ ...graphs.streams, resources: [...graphs.streams.resources] })
  breakIt(spoiled)
  expect(find(spoiled)).not.toEqual([])
})

test('it reads the streams that name it, and evaluates like any other stage', () => {
  const own = sourcesOf(sources, { stage: graphs.streams.stage, datasets })
  expect(own.map(({ name }) => name)).toEqual(['clicks', 'shop', 'legacy'])
  expect(graphs.streams.errors).toEqual([])
  expect(graphs.streams.unknownCalls).toEqual([])
})

test('a stage without streams has no function for them', () => {
  const added = ofType(graphs.streams, FUNCTION).length - ofType(graphs.test, FUNCTION).length
  expect(added).toBe(1)
  expect(graphs.test.resources.filter(({ name }) => name.startsWith('Records'))).toEqual([])
})
