// In local mode a commit that leaves too many small files starts the same workflow as on AWS: rows stay, files become few, it
// starts nothing further, and a compaction that fails keeps no batch from its table.
import { expect, test } from 'vitest'
import { diskLake, type LocalLake } from '#lake/disk/disk-lake.ts'
import { LakeError } from '#lake/errors.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { type LocalStep, startLocal } from '#local/run.ts'
import { inFolder, orderIds, soundIds } from './lake-state.ts'
import { orderLines, shop } from './shop.ts'

const DROPS = 5

/** Drops files of ten orders, one batch after the other, and returns the lake with what was seen. */
async function afterDrops(
  count: number,
  check: (lake: LocalLake, steps: readonly LocalStep[]) => Promise<void>,
  change: (lake: LocalLake) => LocalLake = lake => lake,
): Promise<void> {
  await inFolder(async folder => {
    const lake = change(diskLake(folder))
    const steps: LocalStep[] = []
    const runner = startLocal(lake, shop, { windowMs: 5, onStep: step => steps.push(step) })
    for (let at = 0; at < count; at++) {
      const body = Buffer.from(orderLines(at * 10, 10))
      runner.landed([await lake.storage.put(`${lake.zones.landing}/orders/${at}`, body)])
      await runner.idle()
    }
    await runner.close()
    await check(lake, steps)
  })
}

const filesOf = async (lake: LocalLake): Promise<number> =>
  (await planScan(lake, await openTable(lake, 'orders'))).files.length

const eventsOf = (lake: LocalLake, type: string) =>
  lake.bus.published.filter(event => event['detail-type'] === type).map(event => event.detail)

test('four files of a partition stay as they are', () =>
  afterDrops(DROPS - 1, async (lake, steps) => {
    expect(await filesOf(lake)).toBe(3 * (DROPS - 1))
    expect(steps.filter(step => step.kind === 'compacting' || step.kind === 'compacted')).toEqual([])
  }))

test('the fifth has them compacted, with every row once, and nothing follows from it', () =>
  afterDrops(DROPS, async (lake, steps) => {
    expect(await orderIds(lake)).toEqual(soundIds(0, 10 * DROPS))
    expect(await filesOf(lake)).toBe(3)
    expect(steps.flatMap(step => (step.kind === 'compacting' ? step.state : []))).toEqual([
      'Plan',
      'Rewrite Groups',
      'Commit',
    ])
    expect(steps.filter(step => step.kind === 'compacted')).toEqual([
      { kind: 'compacted', table: 'orders', status: 'SUCCEEDED' },
    ])
    expect(eventsOf(lake, 'Table Committed').map(detail => detail['compactionDue'])).toEqual([
      ...Array<boolean>(DROPS - 1).fill(false),
      true,
    ])
    expect(eventsOf(lake, 'Table Compacted')).toMatchObject([
      { table: 'orders', filesBefore: 3 * DROPS, filesAfter: 3, groupsGivenUp: 0 },
    ])
  }))

test('rows that come after it are small files again, until there are enough of them', () =>
  afterDrops(DROPS + 2, async lake => {
    expect(await orderIds(lake)).toEqual(soundIds(0, 10 * (DROPS + 2)))
    expect(await filesOf(lake)).toBe(3 * 3)
    expect(eventsOf(lake, 'Table Compacted')).toHaveLength(1)
  }))

test('one that fails is told of, and every batch is in the table', () =>
  afterDrops(
    DROPS + 1,
    async (lake, steps) => {
      expect(await orderIds(lake)).toEqual(soundIds(0, 10 * (DROPS + 1)))
      expect(await filesOf(lake)).toBe(3 * (DROPS + 1))
      expect(steps.filter(step => step.kind === 'finished').map(step => step.status)).toEqual(
        Array<string>(DROPS + 1).fill('SUCCEEDED'),
      )
      const cause = 'ops is read only'
      expect(steps.filter(step => step.kind === 'compacted')).toMatchObject(
        Array(2).fill({ status: 'FAILED', error: 'Sluice.Terminal', cause }),
      )
      expect(eventsOf(lake, 'Compaction Failed')).toMatchObject(
        Array(2).fill({ table: 'orders', stage: 'plan', cause }),
      )
    },
    lake => ({
      ...lake,
      storage: {
        ...lake.storage,
        put: async (uri, ...more) => {
          if (uri.includes('/compactions/')) throw new LakeError('access-denied', 'ops is read only')
          return lake.storage.put(uri, ...more)
        },
      },
    }),
  ))
