// Reconcile finds exactly what was lost on the way, wherever it was lost: a landing object whose event never came, a raw object that no
// batch has, a batch that was never refined, an object that is gone. Repaired, everything is in its table once; then nothing is found.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ingest } from '#functions/ingest/ingest.ts'
import { type ReconcileReport, reconcile } from '#functions/replay/replay.ts'
import { defineDataset } from '#lake/dataset.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { LakeError } from '#lake/errors.ts'
import { systemClock } from '#lake/system.ts'
import { startLocal } from '#local/run.ts'
import { created } from '../ingest/landing.ts'
import { ids, refined, refusedReasons } from './replaying.ts'

const orders = defineDataset({
  name: 'orders',
  source: { system: 'shop', format: 'ndjson', match: 'orders/**' },
  columns: { id: { type: 'long', required: true } },
})
const strict = {
  ...orders,
  quality: defineDataset({ ...spec('orders'), quality: 'Rules = [ RowCount > 10 ]' }).quality,
}

function spec(name: string) {
  return {
    name,
    source: { system: 'shop', format: 'ndjson' as const, match: `${name}/**` },
    columns: { id: 'long' as const },
  }
}

/** Where the way of a file ends; `batch` is lost between raw and its batch, as when `ingest` dies there. */
type Fate = 'arrives' | 'event' | 'batch' | 'refine' | 'halted' | 'twice'
const FATES: readonly Fate[] = ['arrives', 'event', 'batch', 'refine', 'halted', 'twice']

interface Scene {
  readonly lake: MemoryLake
  /** Numbers of the files with that fate. */
  readonly of: (fate: Fate) => readonly number[]
}

async function scene(fates: readonly Fate[]): Promise<Scene> {
  let dies = false
  const base = memoryLake({
    storageFaults: async (moment, uri) => {
      if (dies && moment === 'before put' && uri.includes('/batches/')) throw new LakeError('unavailable', 'killed')
    },
  })
  const lake = { ...base, clock: { ...base.clock, sleep: systemClock.sleep } }
  for (const [at, fate] of fates.entries()) {
    lake.clock.advance(1_000)
    const key = `orders/${at}`
    await lake.storage.put(`${lake.zones.landing}/${key}`, Buffer.from(`{"id": ${at}}\n`))
    if (fate === 'event') continue
    dies = fate === 'batch'
    const report = await ingest(lake, [orders], created(lake, key)).catch(() => undefined)
    dies = false
    if (fate === 'refine') continue
    for (const batch of report?.batches ?? []) await refined(lake, [fate === 'halted' ? strict : orders], batch)
    if (fate !== 'twice') continue
    lake.clock.advance(1_000)
    await lake.storage.put(`${lake.zones.landing}/${key}`, Buffer.from(`{"id": ${at}}\n`))
    await ingest(lake, [orders], created(lake, key))
  }
  await lake.storage.put(`${lake.zones.landing}/orders/_SUCCESS`, Buffer.from('x'))
  return { lake, of: fate => fates.flatMap((each, at) => (each === fate ? [at] : [])) }
}

const look = (lake: MemoryLake, repair = false): Promise<ReconcileReport> =>
  reconcile(lake, { datasets: [orders], landing: true, graceMinutes: 0, repair })

/** As the schedule does it: with a pipeline that takes up what is told. */
async function repaired(lake: MemoryLake): Promise<ReconcileReport> {
  const runner = startLocal(lake, [orders], { windowMs: 1 })
  const report = await look(lake, true)
  await runner.idle()
  await lake.workflows.idle()
  await runner.close()
  return report
}

const fates = fc.array(fc.constantFrom(...FATES), { minLength: 1, maxLength: 8 })

test('whatever is lost at random is found, and nothing else; repaired, it is in its table', async () => {
  await fc.assert(
    fc.asyncProperty(fates, async given => {
      const { lake, of } = await scene(given)
      const found = await look(lake)
      const dataset = found.datasets[0]
      // A raw object without a batch has no record of its landing either, and is found from both ends.
      const unrecorded = [...of('event'), ...of('batch')].toSorted((left, right) => left - right)
      expect(found.landing).toMatchObject({
        missing: unrecorded.length,
        named: unrecorded.map(at => `orders/${at}`),
        ignored: 1,
        recorded: given.length + of('twice').length - unrecorded.length,
      })
      expect(dataset).toMatchObject({
        objects: given.length + of('twice').length - of('event').length,
        committed: of('arrives').length + of('twice').length,
        duplicates: of('twice').length,
        halted: of('halted').length,
        unbatched: { count: of('batch').length },
        unrefined: { count: of('refine').length },
        vanished: { count: 0 },
      })
      await repaired(lake)
      const after = given.flatMap((fate, at) => (fate === 'halted' ? [] : [at]))
      expect(await ids(lake)).toEqual(after)
      expect(await refusedReasons(lake)).toEqual([])
      const again = await look(lake)
      expect(again.unaccounted).toBe(0)
      expect(again.landing?.missing).toBe(0)
      lake.dispose()
    }),
    { numRuns: 12, seed: 20_260_101 },
  )
}, 240_000)

test('a landing object that is lost with its raw object there is told of, though raw has it', async () => {
  const { lake } = await scene(['batch'])
  const found = await look(lake)
  expect(found).toMatchObject({ landing: { missing: 1 }, datasets: [{ unbatched: { count: 1 } }], unaccounted: 1 })
  lake.dispose()
})

test('what came a moment ago is under way, and not lost', async () => {
  const { lake } = await scene(['event', 'batch', 'refine'])
  const request = { datasets: [orders], landing: true, graceMinutes: 60, repair: false }
  expect(await reconcile(lake, request)).toMatchObject({
    landing: { missing: 0, underWay: 2, recorded: 1 },
    datasets: [{ underWay: 2, unbatched: { count: 0 }, unrefined: { count: 0 } }],
    unaccounted: 0,
  })
  lake.clock.advance(3_700_000)
  expect((await reconcile(lake, request)).unaccounted).toBe(3)
  lake.dispose()
})

test('an old time says nothing: what was written long ago and is seen now is found all the same', async () => {
  const { lake } = await scene(['arrives', 'event'])
  lake.clock.advance(400 * 86_400_000)
  expect((await look(lake)).landing).toMatchObject({ missing: 1, named: ['orders/1'] })
  lake.dispose()
})

test('a version that was overwritten before anybody took it is lost as well', async () => {
  const { lake } = await scene(['event'])
  lake.clock.advance(1_000)
  await lake.storage.put(`${lake.zones.landing}/orders/0`, Buffer.from('{"id": 100}\n'))
  expect((await look(lake)).landing).toMatchObject({ missing: 2 })
  await repaired(lake)
  expect(await ids(lake)).toEqual([0, 100])
  lake.dispose()
})

test('a raw object that is gone is an alarm that no repair ends', async () => {
  const { lake } = await scene(['arrives', 'arrives'])
  for await (const { uri } of lake.storage.list(`${lake.zones.raw}/orders/`)) {
    await lake.storage.delete(uri)
    break
  }
  expect((await look(lake)).datasets[0]).toMatchObject({ objects: 1, committed: 1, vanished: { count: 1 } })
  expect((await repaired(lake)).unaccounted).toBe(1)
  expect((await look(lake)).unaccounted).toBe(1)
  lake.dispose()
})

test('without repair nothing is written; with it a report and an event say what was found', async () => {
  const { lake } = await scene(['refine'])
  const written = async (): Promise<number> => (await Array.fromAsync(lake.storage.list(`${lake.zones.ops}/`))).length
  const before = await written()
  await look(lake)
  expect(await written()).toBe(before)
  expect(lake.bus.published.map(event => event['detail-type'])).toEqual(['Raw Batch Ready'])
  const { datasets } = await repaired(lake)
  const told = lake.bus.published.find(event => event['detail-type'] === 'Lake Reconciled')
  expect(told?.detail).toMatchObject({
    unaccounted: 1,
    datasets: [{ dataset: 'orders', unrefined: 1, replay: datasets[0]?.replay }],
  })
  lake.dispose()
})
