// Contract: the table that batches of any history leave is what the fold of the same batches says, and the counts are the fold's: the
// set-based form, the rows that are only pointed at, and what is read back of an earlier commit change nothing.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fold, type KeyState, type Outcome } from '#functions/cdc-apply/fold.ts'
import type { Image } from '#functions/cdc-apply/image.ts'
import type { Stamp } from '#functions/cdc-apply/stamp.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { applied, people, peopleRows } from './applying.ts'
import {
  anyDelivery,
  anyHistory,
  deliver,
  movingHistory,
  play,
  type Recorded,
  type Row,
  snapshotHistory,
} from './source.ts'

const RUNS = Number(process.env['SLUICE_MERGES'] ?? 12)

test.each([
  ['inserts, updates, deletes and truncates, emitted again, in any order', anyHistory, 'any'],
  ['with snapshots in between, in any order', snapshotHistory, 'any'],
  ['with rows that move, in the order of the stream', movingHistory, 'stream'],
] as const)(
  '%s',
  async (_name, histories, order) => {
    await fc.assert(
      fc.asyncProperty(histories, anyDelivery, async (steps, delivery) => {
        const { records, table } = play(steps)
        const lake = memoryLake()
        try {
          const model = new Model()
          for (const [index, batch] of deliver(records, delivery, order).entries()) {
            const { counts } = await applied(lake, people(), `b${index}`, batch)
            expect(counts).toMatchObject(model.apply(batch))
          }
          expect(await peopleRows(lake)).toEqual(textOf(table))
        } finally {
          lake.dispose()
        }
      }),
      { numRuns: RUNS },
    )
  },
  600_000,
)

test('over two lanes, where nothing but the fold says which of two records is newer', async () => {
  await fc.assert(
    fc.asyncProperty(snapshotHistory, anyDelivery, fc.nat(), async (steps, delivery, lanes) => {
      const laned = play(steps).records.map((record, index) => ({
        ...record,
        stamp: { ...record.stamp, lane: (lanes >> (index % 30)) % 2 === 0 ? 'a' : 'b' },
      }))
      const lake = memoryLake()
      try {
        const model = new Model()
        for (const [index, batch] of deliver(laned, delivery, 'any').entries()) {
          const { counts } = await applied(lake, people(), `b${index}`, batch)
          expect(counts).toMatchObject(model.apply(batch))
          expect(await peopleRows(lake)).toEqual(textOf(model.rows()))
        }
      } finally {
        lake.dispose()
      }
    }),
    { numRuns: RUNS },
  )
}, 600_000)

const textOf = (table: ReadonlyMap<string, Row>): readonly string[] =>
  [...table].map(([key, { name, bio }]) => `${key} ${name ?? '-'} ${bio ?? '-'}`).toSorted()

function valuesOf({ source, columns }: Image<Row>): Row {
  const bio = columns.get('bio')
  return { name: source?.name ?? null, bio: (bio === undefined ? source : bio.source)?.bio ?? null }
}

class Model {
  private states = new Map<string, KeyState<Row>>()
  private truncated: Stamp | undefined

  rows(): ReadonlyMap<string, Row> {
    const live = [...this.states].filter(([, state]) => state.live)
    return new Map(live.map(([key, { image }]) => [key, valuesOf(image)]))
  }

  apply(batch: readonly Recorded[]) {
    const { outcomes, changed, truncated, ...counts } = fold(batch, { states: this.states, truncated: this.truncated })
    this.truncated = truncated
    for (const [key, state] of changed) {
      if (state) this.states.set(key, state)
      else this.states.delete(key)
    }
    const of = (outcome: Outcome): number => outcomes.filter(each => each === outcome).length
    const { patched, resurrectionsPrevented } = counts
    return {
      ...{ received: batch.length, applied: of('applied'), superseded: of('superseded'), stale: of('stale') },
      ...{ duplicate: of('duplicate'), skipped: of('skipped'), patched, resurrectionsPrevented },
    }
  }
}
