// Contract: in one process events reach their listeners and workflows their runner without anybody waiting for them, a failure
// of theirs is logged and touches nobody else, and `idle` waits for all that follows.
import { expect, test } from 'vitest'
import { localBus, localWorkflows } from '#lake/disk/local-bus.ts'
import type { LakeEvent } from '#lake/lake.ts'

const event = (name: string): LakeEvent => ({ 'detail-type': name, detail: { name } })

function logged() {
  const lines: string[] = []
  return { lines, log: { error: (message: string) => void lines.push(message) } }
}

test('publishing does not wait for listeners, idle does, and for the events that they publish', async () => {
  const bus = localBus(logged().log)
  const order: string[] = []
  bus.subscribe(async ({ detail }) => {
    await Promise.resolve()
    order.push(String(detail['name']))
    if (detail['name'] === 'first') await bus.publish([event('second')])
  })
  await bus.publish([event('first')])
  order.push('published')
  await bus.idle()
  expect(order).toEqual(['published', 'first', 'second'])
  expect(bus.published.map(one => one['detail-type'])).toEqual(['first', 'second'])
})

test('a listener that fails is logged, and the others still get the event', async () => {
  const { lines, log } = logged()
  const bus = localBus(log)
  const got: string[] = []
  bus.subscribe(async () => Promise.reject(new Error('broken')))
  const stop = bus.subscribe(async ({ 'detail-type': name }) => void got.push(name))
  await bus.publish([event('a')])
  await bus.idle()
  stop()
  await bus.publish([event('b')])
  await bus.idle()
  expect(got).toEqual(['a'])
  expect(lines).toEqual(['event a failed', 'event b failed'])
})

test('what is delivered is what JSON says, not the object of the publisher', async () => {
  const bus = localBus(logged().log)
  const detail = { list: [1] }
  await bus.publish([{ 'detail-type': 'x', detail }])
  detail.list.push(2)
  expect(bus.published).toEqual([{ 'detail-type': 'x', detail: { list: [1] } }])
  await expect(bus.publish([{ 'detail-type': 'x', detail: { id: 1n } }])).rejects.toThrow(TypeError)
})

test('a workflow runs once per name, and its failure is logged', async () => {
  const { lines, log } = logged()
  const workflows = localWorkflows(log)
  const ran: unknown[] = []
  workflows.attach(async ({ name, input }) => {
    ran.push([name, input])
    if (name === 'bad') throw new Error('broken')
  })
  await workflows.start('refine', { name: 'good', input: { a: 1 } })
  await workflows.start('refine', { name: 'good', input: { a: 2 } })
  await workflows.start('refine', { name: 'bad', input: undefined })
  await workflows.start('compact', { name: 'good', input: {} })
  await workflows.idle()
  expect(ran).toEqual([
    ['good', { a: 1 }],
    ['bad', null],
    ['good', {}],
  ])
  expect(lines).toEqual(['workflow refine/bad failed'])
  expect(workflows.started.map(one => `${one.machine}/${one.name}`)).toEqual([
    'refine/good',
    'refine/bad',
    'compact/good',
  ])
})
