// At most `width` pieces of work run at once and at most `bytesMax` are held, every piece is tried, and results keep their order.
import { expect, test } from 'vitest'
import { byteGate, mapBounded } from '../../../functions/ingest/pool.ts'

/** Work that ends when told to, so that what runs at one time is seen exactly. */
const manual = () => {
  const running = new Map<string, () => void>()
  return {
    running: () => [...running.keys()],
    work: (name: string) => () =>
      new Promise<string>(resolve => {
        running.set(name, () => {
          running.delete(name)
          resolve(name)
        })
      }),
    finish: async (name: string) => {
      running.get(name)?.()
      for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    },
  }
}

test('width bounds what runs, the next starts when one ends, results keep the order of the items', async () => {
  const { running, work, finish } = manual()
  const all = mapBounded(['a', 'b', 'c', 'd'], 2, name => work(name)())
  expect(running()).toEqual(['a', 'b'])
  await finish('b')
  expect(running()).toEqual(['a', 'c'])
  await finish('c')
  await finish('d')
  await finish('a')
  expect(await all).toEqual(['a', 'b', 'c', 'd'])
})

test('no items, no work', async () => {
  expect(await mapBounded([], 4, async () => 1)).toEqual([])
})

test('a failure is thrown after all others were tried', async () => {
  const tried: number[] = []
  const work = async (item: number): Promise<void> => {
    tried.push(item)
    if (item === 1) throw new Error('first')
    if (item === 3) throw new Error('second')
  }
  await expect(mapBounded([0, 1, 2, 3, 4], 2, work)).rejects.toThrow('first')
  expect(tried).toEqual([0, 1, 2, 3, 4])
})

test('the gate holds back what does not fit, first come, first served', async () => {
  const { running, work, finish } = manual()
  const hold = byteGate(100)
  const all = [hold(60, work('a')), hold(50, work('b')), hold(40, work('c'))]
  await finish('none')
  expect(running()).toEqual(['a'])
  await finish('a')
  expect(running()).toEqual(['b', 'c'])
  await finish('b')
  await finish('c')
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c'])
})

test('work above the limit goes alone, and failed work gives its bytes back', async () => {
  const { running, work, finish } = manual()
  const hold = byteGate(100)
  const failed = hold(90, async () => {
    throw new Error('no')
  })
  const giant = hold(1_000, work('giant'))
  const small = hold(1, work('small'))
  await expect(failed).rejects.toThrow('no')
  await finish('none')
  expect(running()).toEqual(['giant'])
  await finish('giant')
  expect(running()).toEqual(['small'])
  await finish('small')
  expect(await Promise.all([giant, small])).toEqual(['giant', 'small'])
})
