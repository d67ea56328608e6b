// At most `bytesMax` are held at once, first come, first served; work above the limit goes alone.
import { expect, test } from 'vitest'
import { byteGate } from '../../../functions/ingest/byte-gate.ts'

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
