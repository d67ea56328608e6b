// Contract: a history table holds every row that the source ever held, with the times from which and to which it was current, whatever order
// its records come in: a late one splits the interval that it falls into. Everything once more changes nothing.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import type { Lake } from '#lake/lake.ts'
import { applied, people, peopleRows } from './applying.ts'
import { anyDelivery, anyHistory, deliver, movingHistory, play, shuffled, snapshotHistory } from './source.ts'

const RUNS = Number(process.env['SLUICE_MERGES'] ?? 12)
const history = people({ publish: { mode: 'history', key: 'id' } })

const versions = (lake: Lake): Promise<readonly string[]> =>
  peopleRows(
    lake,
    sql`concat_ws(' ', id, COALESCE(name, '-'), COALESCE(bio, '-'), epoch_us(_valid_from), COALESCE(epoch_us(_valid_to)::VARCHAR, '-')) AS text`,
  )

test.each([
  ['inserts, updates, deletes and truncates, emitted again, in any order', anyHistory, 'any'],
  ['with snapshots in between, in any order', snapshotHistory, 'any'],
  ['with rows that move, in the order of the stream', movingHistory, 'stream'],
] as const)(
  '%s',
  async (_name, histories, order) => {
    await fc.assert(
      fc.asyncProperty(histories, anyDelivery, async (steps, delivery) => {
        const played = play(steps)
        const lake = memoryLake()
        try {
          for (const [index, batch] of deliver(played.records, delivery, order).entries())
            await applied(lake, history, `b${index}`, batch)
          expect(await versions(lake)).toEqual(played.versions)
          const again = order === 'any' ? shuffled(played.records, delivery.seed) : played.records
          await applied(lake, history, 'again', again)
          expect(await versions(lake)).toEqual(played.versions)
        } finally {
          lake.dispose()
        }
      }),
      { numRuns: RUNS },
    )
  },
  600_000,
)
