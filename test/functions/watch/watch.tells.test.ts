// The watch tells on the bus when a dataset's status changes, and not again while it stays; dying anywhere tells at least once. A
// dataset that cannot be measured is told of and keeps no other from being watched.
import { expect, test } from 'vitest'
import { watch } from '#functions/watch/watch.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { DATASET_STATUS_CHANGED } from '#lake/events.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { countCalls, dieAt, type Side } from '../mortal.ts'
import { applied, land, orders } from '../publish/refining.ts'
import { lines } from '../quality/batches.ts'

const A = '01KDYTS2W0AAAAAAAAAAAAAAAA'
const B = '01KDYTS2W0BBBBBBBBBBBBBBBB'
const promised = orders({ freshness: { maxLagMinutes: 30 } })

const told = (lake: MemoryLake) =>
  lake.bus.published
    .filter(event => event['detail-type'] === DATASET_STATUS_CHANGED)
    .map(({ detail }) => {
      const { dataset, was, status, findings } = detail as unknown as {
        readonly dataset: string
        readonly was: string
        readonly status: string
        readonly findings: readonly { readonly code: string }[]
      }
      return `${dataset} ${was} → ${status}: ${findings.map(each => each.code).join()}`
    })

async function committedLake(): Promise<MemoryLake> {
  const lake = memoryLake({ startMs: Date.UTC(2026, 0, 2, 8) })
  await applied(lake, promised, A, { 1: lines({ id: 1 }) })
  return lake
}

test('what is well is not told of; late once; well again once', async () => {
  const lake = await committedLake()
  expect((await watch(lake, [promised])).status).toBe('ok')
  expect(told(lake)).toEqual([])
  lake.clock.advance(31 * 60_000)
  expect((await watch(lake, [promised])).status).toBe('alarm')
  await watch(lake, [promised])
  expect(told(lake)).toEqual(['orders ok → alarm: late-commit'])
  await applied(lake, promised, B, { 2: lines({ id: 2 }) })
  await watch(lake, [promised])
  expect(told(lake).slice(1)).toEqual(['orders alarm → ok: '])
})

test('a pipeline that is broken is told of by the batches that wait', async () => {
  const lake = await committedLake()
  await land(lake, promised, B, { 2: lines({ id: 2 }) })
  lake.clock.advance(31 * 60_000)
  await watch(lake, [promised])
  expect(told(lake)).toEqual(['orders ok → alarm: late-commit,stuck'])
})

test('a dataset that cannot be measured', async () => {
  const lake = await committedLake()
  const other = { ...promised, name: 'other' }
  const { entry } = await openTable(lake, 'orders')
  await lake.storage.put(entry.metadataLocation, Buffer.from('{'))
  const report = await watch(lake, [promised, other])
  expect(report.datasets.map(each => [each.dataset, each.findings.map(finding => finding.code)])).toEqual([
    ['orders', ['unmeasured']],
    ['other', ['never-committed']],
  ])
  expect(told(lake)).toEqual(['orders ok → alarm: unmeasured', 'other ok → warning: never-committed'])
})

test('dying at any call and running again tells of it', async () => {
  const late = async () => {
    const lake = await committedLake()
    lake.clock.advance(31 * 60_000)
    return lake
  }
  const calls = await countCalls(await late(), lake => watch(lake, [promised]))
  expect(calls).toBeGreaterThan(5)
  for (let at = 0; at < calls; at++)
    for (const side of ['before', 'after'] satisfies readonly Side[]) {
      const lake = await late()
      expect(await dieAt(lake, { at, side }, mortal => watch(mortal, [promised]))).toBe('dead')
      await watch(lake, [promised])
      const all = told(lake)
      expect(all.length).toBeLessThanOrEqual(2)
      expect(new Set(all), `${side} ${at}`).toEqual(new Set(['orders ok → alarm: late-commit']))
    }
})
