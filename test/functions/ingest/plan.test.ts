// Batches are bounded in objects and bytes, hold every object exactly once, and depend on the set of objects only: not on the order
// in which their events came.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BATCH_LIMITS } from '#lake/batch-limits.ts'
import { planBatches } from '../../../functions/ingest/plan.ts'
import type { RawObject } from '../../../lake/batch.ts'

const object = (id: string, bytes: number): RawObject => ({
  id,
  uri: `s3://raw/${id}`,
  version: 'v1',
  bytes,
  sha256: 'ab',
  sourceUri: `s3://landing/${id}`,
  sourceVersion: 'v1',
  landedMs: 1_700_000_000_000,
  contractVersion: 1,
})
const sizes = (objects: readonly RawObject[], limits = { objectsMax: 3, bytesMax: 100 }) =>
  planBatches('orders', objects, limits).map(batch => batch.objects.map(each => each.id).join(''))

test.each([
  ['nothing', [], []],
  ['one object', [object('a', 1)], ['a']],
  ['exactly the bytes', [object('a', 60), object('b', 40)], ['ab']],
  ['a byte more', [object('a', 60), object('b', 41)], ['a', 'b']],
  ['exactly the count', [object('a', 1), object('b', 1), object('c', 1)], ['abc']],
  ['one more', [object('a', 1), object('b', 1), object('c', 1), object('d', 1)], ['abc', 'd']],
  ['a giant goes alone', [object('a', 1), object('b', 1_000), object('c', 1)], ['a', 'b', 'c']],
  ['order of landing', [object('c', 1), object('a', 1), object('b', 1)], ['abc']],
])('%s', (_name, objects, expected) => {
  expect(sizes(objects)).toEqual(expected)
})

test('an object of the whole limit fills its batch', () => {
  expect(sizes([object('a', 100), object('b', 1)])).toEqual(['a', 'b'])
})

test('10,000 objects of one second make 10 batches by default', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => object(String(index).padStart(5, '0'), 1_000))
  expect(planBatches('orders', many).map(batch => batch.objects.length)).toEqual(
    Array(10).fill(BATCH_LIMITS.objectsMax),
  )
})

test('each object is in one batch, batches keep their limits, and any order gives the same ids', () => {
  const objects = fc.uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 3 }), fc.nat(120)), {
    selector: ([id]) => id,
    maxLength: 30,
  })
  const limits = { objectsMax: 4, bytesMax: 100 }
  fc.assert(
    fc.property(objects, fc.infiniteStream(fc.nat()), (pairs, order) => {
      const all = pairs.map(([id, bytes]) => object(id, bytes))
      const batches = planBatches('orders', all, limits)
      expect(batches.flatMap(batch => batch.objects).toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual(
        all.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      )
      for (const { objects: held } of batches) {
        expect(held.length).toBeLessThanOrEqual(4)
        if (held.length > 1) expect(held.reduce((sum, each) => sum + each.bytes, 0)).toBeLessThanOrEqual(100)
      }
      const shuffled = all.map(each => ({ each, at: order.next().value })).toSorted((a, b) => a.at - b.at)
      expect(
        planBatches(
          'orders',
          shuffled.map(({ each }) => each),
          limits,
        ),
      ).toEqual(batches)
    }),
  )
})
