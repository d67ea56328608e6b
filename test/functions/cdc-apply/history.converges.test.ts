// Contract: however the records of a history are ordered, repeated and cut into batches, the fold of a history table ends with every row that
// the source ever held and its interval. What is known of a key survives as text.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { foldVersions } from '#functions/cdc-apply/history.ts'
import { cellOf, type Image } from '#functions/cdc-apply/image.ts'
import type { Timed, Version } from '#functions/cdc-apply/line.ts'
import { compareStamps, isSameChange, placeOf, stampOf, versionOf } from '#functions/cdc-apply/stamp.ts'
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
  readonly versions: ReadonlyMap<string, readonly Version<Row>[]>
  readonly deletes: ReadonlyMap<string, readonly Timed[]>
  readonly truncates: readonly Timed[]
  readonly forgotten?: string | undefined
}

const EMPTY: Target = { versions: new Map(), deletes: new Map(), truncates: [] }

function applied(target: Target, batch: readonly Recorded[]): Target {
  const truncates = [...target.truncates]
  for (const each of batch)
    if (each.op === 'truncate' && !truncates.some(({ stamp }) => isSameChange(stamp, each.stamp))) truncates.push(each)
  const records = batch.filter(({ op }) => op !== 'truncate')
  const folded = foldVersions(records, { ...target, truncates })
  expect(folded.outcomes.filter(Boolean)).toHaveLength(records.length)
  const deletes = new Map(target.deletes)
  for (const [key, fresh] of folded.deletes) deletes.set(key, [...(deletes.get(key) ?? []), ...fresh.map(stored)])
  const versions = [...folded.versions].map(([key, rows]) => [key, rows.map(storedRow)] as const)
  return { ...target, versions: new Map(versions), deletes, truncates }
}

const stored = <T extends Timed>(each: T): T => ({
  ...each,
  stamp: stampOf(versionOf(each.stamp), placeOf(each.stamp)),
})

/** As the table has it: a row with all of its values, and the authors of those that older changes told. */
function storedRow(version: Version<Row>): Version<Row> {
  const { stamp, image } = version
  const source: Row = { name: value(image, 'name'), bio: value(image, 'bio') }
  const older = [...image.columns].filter(([, { author }]) => compareStamps(author, stamp) !== 0)
  const columns = new Map(older.map(([name, { author }]) => [name, { source, author }]))
  return stored({ ...version, image: { source, author: stamp, columns } })
}

const value = (image: Image<Row>, column: 'name' | 'bio'): string | null =>
  cellOf(image, column).source?.[column] ?? null

function rowsOf({ versions }: Target): readonly string[] {
  const text = (key: string, { image, eventUs, to }: Version<Row>): string => {
    return `${key} ${value(image, 'name') ?? '-'} ${value(image, 'bio') ?? '-'} ${eventUs} ${to ?? '-'}`
  }
  return [...versions].flatMap(([key, rows]) => rows.map(row => text(key, row))).toSorted()
}

test.each([
  ['inserts, updates, deletes and truncates, emitted again, in any order', anyHistory, 'any'],
  ['with snapshots in between, in any order', snapshotHistory, 'any'],
  ['with rows that move, in the order of the stream', movingHistory, 'stream'],
] as const)('%s', (_name, histories, order) => {
  fc.assert(
    fc.property(histories, anyDelivery, (steps, delivery) => {
      const { records, versions } = play(steps)
      const target = deliver(records, delivery, order).reduce(applied, EMPTY)
      expect(rowsOf(target)).toEqual(versions)
      // Everything once more, in any order, changes nothing.
      expect(rowsOf(applied(target, order === 'any' ? shuffled(records, delivery.seed) : records))).toEqual(versions)
    }),
    { numRuns: RUNS },
  )
})

/** Deletes are older than the dataset keeps them. */
function forgetful(target: Target): Target {
  const positions = [...target.deletes.values()].flat().map(({ stamp }) => stamp.position)
  return {
    ...target,
    deletes: new Map(),
    forgotten: [...positions, target.forgotten ?? ''].toSorted().at(-1) || undefined,
  }
}

test('rows that have ended stay ended when their deletes are forgotten', () => {
  fc.assert(
    fc.property(anyHistory, anyDelivery, (steps, { cuts }) => {
      const once = steps.filter(step => step.do !== 'again')
      const { records, versions } = play([...once, { do: 'again', last: 1_000 }])
      const half = records.length / 2
      const batches = deliver(records.slice(0, half), { seed: 0, twice: [], cuts }, 'stream')
      const target = batches.reduce((before, batch) => forgetful(applied(before, batch)), EMPTY)
      expect(rowsOf(target)).toEqual(versions)
      // The same records once more, then all of them emitted again, at new places.
      const again = forgetful(applied(target, records.slice(0, half)))
      expect(rowsOf(again)).toEqual(versions)
      expect(rowsOf(applied(again, records.slice(half)))).toEqual(versions)
    }),
    { numRuns: RUNS },
  )
})

test('of files that each are a lane, where a delete stands before its record without a value', () => {
  fc.assert(
    fc.property(anyHistory, anyDelivery, fc.integer({ min: 1, max: 5 }), (steps, delivery, rows) => {
      const { records, versions } = play(inPairs(steps))
      const files = inFiles(records, rows)
      const batches = deliver(files, delivery, 'any').map(batch => batch.flat())
      const target = batches.reduce(applied, EMPTY)
      expect(rowsOf(target)).toEqual(versions)
      expect(rowsOf(applied(target, shuffled(files, delivery.seed).flat()))).toEqual(versions)
    }),
    { numRuns: RUNS },
  )
})
