// Contract: a merge that outgrows the function and goes to Athena ends with the same table as one that does not, hidden columns included, and
// counts every record the same; the statements are run here as they go there, by DuckDB.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Dataset } from '#lake/dataset.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { applyWithAthena } from '#local/athena.ts'
import { tableRows } from '../quality/batches.ts'
import { applied, people, stageBatch } from './applying.ts'
import { handed } from './handing-over.ts'
import { anyDelivery, anyHistory, deliver, movingHistory, play, snapshotHistory } from './source.ts'

const RUNS = Number(process.env['SLUICE_MERGES'] ?? 2)

const hard = {}
const soft = { publish: { mode: 'merge', key: 'id', deletes: 'soft' } } as const
const history = { publish: { mode: 'history', key: 'id' } } as const
const withoutTruncates = anyHistory.map(steps => steps.filter(step => step.do !== 'truncate'))

test.each([
  ['hard deletes, in any order', hard, anyHistory, 'any'],
  ['hard deletes, with snapshots, in any order', hard, snapshotHistory, 'any'],
  ['hard deletes, with rows that move, in the order of the stream', hard, movingHistory, 'stream'],
  ['soft deletes, in any order', soft, anyHistory, 'any'],
  ['soft deletes, with rows that move, in the order of the stream', soft, movingHistory, 'stream'],
  ['history, in any order', history, withoutTruncates, 'any'],
] as const)(
  '%s',
  async (_name, spec, histories, order) => {
    await fc.assert(
      fc.asyncProperty(histories, anyDelivery, async (steps, delivery) => {
        const { records } = play(steps)
        const [one, other] = [memoryLake(), memoryLake()]
        try {
          for (const [index, batch] of deliver(records, delivery, order).entries()) {
            const { counts } = await applied(one, people(spec), `b${index}`, batch)
            await stageBatch(other, handed(spec), `b${index}`, batch)
            const report = await applyWithAthena(other, handed(spec), `b${index}`)
            expect(report.counts).toEqual(counts)
            expect(await rowsOf(other, people(spec))).toEqual(await rowsOf(one, people(spec)))
          }
        } finally {
          one.dispose()
          other.dispose()
        }
      }),
      { numRuns: RUNS },
    )
  },
  600_000,
)

const rowsOf = async (lake: Parameters<typeof tableRows>[0], { name }: Dataset): Promise<readonly string[]> =>
  (await tableRows(lake, name)).map(row => JSON.stringify(row)).toSorted()
