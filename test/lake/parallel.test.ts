// At most `width` pieces of work run at once, results keep the items' order, and a failure is thrown when nothing runs any more.
import { expect, test } from 'vitest'
import { mapParallel } from '../../lake/parallel.ts'

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
  const all = mapParallel(['a', 'b', 'c', 'd'], 2, name => work(name)())
  expect(running()).toEqual(['a', 'b'])
  await finish('b')
  expect(running()).toEqual(['a', 'c'])
  await finish('c')
  await finish('d')
  await finish('a')
  expect(await all).toEqual(['a', 'b', 'c', 'd'])
})

test('no items, no work', async () => {
  expect(await mapParallel([], 4, async () => 1)).toEqual([])
})

test('after a failure nothing more is started, and it is thrown when what was under way has ended', async () => {
  const { running, work, finish } = manual()
  const outcome: string[] = []
  const all = mapParallel(['a', 'broken', 'c'], 2, async name => {
    if (name === 'broken') throw new Error('first')
    return work(name)()
  }).catch((error: Error) => outcome.push(error.message))
  await finish('none')
  expect(running()).toEqual(['a'])
  expect(outcome).toEqual([])
  await finish('a')
  await all
  expect(outcome).toEqual(['first'])
  expect(running()).toEqual([])
})

test('of several failures the first in time is thrown, even when it is no Error', async () => {
  const work = async (item: number): Promise<void> => {
    if (item === 0) {
      await Promise.resolve()
      throw new Error('later')
    }
    throw undefined
  }
  await expect(mapParallel([0, 1], 2, work)).rejects.toBeUndefined()
})
