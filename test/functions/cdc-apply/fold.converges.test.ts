// Contract: however the records of a history are ordered, repeated and cut into batches, the fold ends with the table of the source, and
// every record has one outcome. Where rows move from key to key, records keep the order of their stream.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fold, type KeyState } from '#functions/cdc-apply/fold.ts'
import { cellOf } from '#functions/cdc-apply/image.ts'
import type { Stamp } from '#functions/cdc-apply/stamp.ts'
import {
  anyDelivery,
  anyHistory,
  deliver,
  inFiles,
  inPairs,
  movingHistory,
  play,
  type Recorded,
  type Row,
  shuffled,
  snapshotHistory,
} from './source.ts'

const RUNS = Number(process.env['SLUICE_HISTORIES'] ?? 3_000)

interface Target {
  readonly states: ReadonlyMap<string, KeyState<Row>>
  readonly truncated: Stamp | undefined
}

const EMPTY: Target = { states: new Map(), truncated: undefined }

function applied(target: Target, batch: readonly Recorded[]): Target {
  const { outcomes, changed, truncated } = fold(batch, target)
  expect(outcomes.filter(Boolean)).toHaveLength(batch.length)
  const states = new Map(target.states)
  for (const [key, state] of changed) {
    if (state) states.set(key, state)
    else states.delete(key)
  }
  return { states, truncated }
}

const all = (batches: readonly (readonly Recorded[])[]): Target => batches.reduce(applied, EMPTY)

function tableOf({ states }: Target): ReadonlyMap<string, Row> {
  const rows = [...states].filter(([, state]) => state.live)
  const value = ({ image }: KeyState<Row>, column: 'name' | 'bio') => cellOf(image, column).source?.[column] ?? null
  return new Map(rows.map(([key, state]) => [key, { name: value(state, 'name'), bio: value(state, 'bio') }]))
}

test.each([
  ['inserts, updates, deletes and truncates, emitted again, in any order', anyHistory, 'any'],
  ['with snapshots in between, in any order', snapshotHistory, 'any'],
  ['with rows that move, in the order of the stream', movingHistory, 'stream'],
] as const)('%s', (_name, histories, order) => {
  fc.assert(
    fc.property(histories, anyDelivery, (steps, delivery) => {
      const { records, table } = play(steps)
      const target = all(deliver(records, delivery, order))
      expect(tableOf(target)).toEqual(table)
      // Everything once more, in any order, changes nothing.
      expect(tableOf(applied(target, order === 'any' ? shuffled(records, delivery.seed) : records))).toEqual(table)
    }),
    { numRuns: RUNS },
  )
})

test('of files that each are a lane, where a delete stands before its record without a value', () => {
  fc.assert(
    fc.property(anyHistory, anyDelivery, fc.integer({ min: 1, max: 5 }), (steps, delivery, rows) => {
      const { records, table } = play(inPairs(steps).filter(step => step.do !== 'again'))
      const files = inFiles(records, rows)
      const batches = deliver(files, delivery, 'any').map(batch => batch.flat())
      const target = all(batches)
      expect(tableOf(target)).toEqual(table)
      expect(tableOf(applied(target, shuffled(files, delivery.seed).flat()))).toEqual(table)
    }),
    { numRuns: RUNS },
  )
})
