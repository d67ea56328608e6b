// What one run leaves half done another one finishes, even when only part of the messages come back: a batch that a landed record
// names is announced by whoever meets the record, and later runs repeat what the first one wrote instead of deciding anew.
import { expect, test } from 'vitest'
import { ingest } from '../../../functions/ingest/ingest.ts'
import { memoryLake } from '../../../lake/disk/disk-lake.ts'
import type { Lake } from '../../../lake/lake.ts'
import { created, dataset, drop, manifests, orders, queue } from './landing.ts'

/** The same lake from a process whose events are lost. */
const mute = (lake: Lake): Lake => ({
  ...lake,
  bus: {
    publish: async () => {
      throw new Error('the bus is down')
    },
  },
})

const announced = (lake: ReturnType<typeof memoryLake>) => lake.bus.published.map(event => event.detail['batch'])

test('another run is first with the record while this one plans: its batch counts, and is announced here too', async () => {
  let meanwhile: (() => Promise<unknown>) | undefined
  const lake = memoryLake({
    storageFaults: async (moment, uri) => {
      const run = meanwhile
      if (run === undefined || moment !== 'before put' || !uri.endsWith('/manifest.json')) return
      meanwhile = undefined
      await run()
    },
  })
  await drop(lake, 'orders/a', '1')
  await drop(lake, 'orders/b', '2')
  const [a, b] = [created(lake, 'orders/a'), created(lake, 'orders/b')]
  meanwhile = () => ingest(mute(lake), [orders], queue(a, b))
  expect(await ingest(lake, [orders], queue(b))).toMatchObject({ batchItemFailures: [] })
  const both = (await manifests(lake)).find(batch => batch.objects.length === 2)
  expect(announced(lake)).toEqual([both?.id])
})

test('only the message of a duplicate comes back: the batch of the first delivery is announced', async () => {
  const lake = memoryLake()
  const first = await drop(lake, 'orders/a', '1')
  const again = await drop(lake, 'orders/a', '1')
  const event = queue(created(lake, 'orders/a', first.version), created(lake, 'orders/a', again.version))
  expect(await ingest(mute(lake), [orders], event)).toMatchObject({ failed: 2 })
  for (const { version } of [first, again]) await ingest(lake, [orders], queue(created(lake, 'orders/a', version)))
  const [batch, ...others] = await manifests(lake)
  expect(others).toEqual([])
  expect(announced(lake)).toEqual([batch?.id, batch?.id])
})

test('a new duplicate of an object whose batch was never announced makes no batch of its own', async () => {
  const lake = memoryLake()
  await drop(lake, 'orders/a', '1')
  await drop(lake, 'orders/b', '2')
  await ingest(mute(lake), [orders], queue(created(lake, 'orders/a'), created(lake, 'orders/b')))
  await drop(lake, 'orders/a', '1')
  expect(await ingest(lake, [orders], queue(created(lake, 'orders/a')))).toMatchObject({ duplicates: 1 })
  const [batch, ...others] = await manifests(lake)
  expect(others).toEqual([])
  expect(announced(lake)).toEqual([batch?.id])
})

test.each(['append', 'replace'] as const)(
  '%s: a contract that moves on between two tries does not change what the first one wrote',
  async publish => {
    const dying = { on: true }
    const lake = memoryLake({
      storageFaults: (moment, uri) => {
        if (dying.on && moment === 'before put' && uri.endsWith('/manifest.json')) throw new Error('died')
      },
    })
    await drop(lake, 'orders/a', '1')
    const event = queue(created(lake, 'orders/a'))
    await ingest(lake, [dataset('orders', { publish, contract: { version: 1 } })], event)
    dying.on = false
    const later = dataset('orders', { publish, contract: { version: 2, accepts: { min: 1, max: 2 } } })
    expect(await ingest(lake, [later], event)).toMatchObject({ landed: 1 })
    expect((await manifests(lake))[0]?.objects[0]?.contractVersion).toBe(1)
  },
)
