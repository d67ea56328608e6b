// Pruning is only ever wrong in one direction: a range that may hold a matching row is kept, in doubt too.
import { expect, test } from 'vitest'
import { mayMatch, type Predicate, project, type Range } from '#lake/iceberg/predicate.ts'

const range = (more: Partial<Range>): Range => ({
  lower: undefined,
  upper: undefined,
  hasNull: undefined,
  hasNotNull: undefined,
  hasNaN: undefined,
  ...more,
})
const c = 'c'
const between = range({ lower: 5, upper: 9, hasNull: false, hasNotNull: true, hasNaN: false })
const is = (...values: readonly (number | string | bigint)[]): Predicate => ({ column: c, op: 'in', values })

test.for<readonly [Predicate, boolean]>([
  [is(4), false],
  [is(5), true],
  [is(9), true],
  [is(10), false],
  [is(1, 7), true],
  [is(), false],
  [{ column: c, op: '<', value: 5 }, false],
  [{ column: c, op: '<=', value: 5 }, true],
  [{ column: c, op: '>', value: 9 }, false],
  [{ column: c, op: '>=', value: 9 }, true],
  [{ column: c, op: 'is-null' }, false],
  [{ column: c, op: 'not-null' }, true],
])('5 to 9: %j', ([predicate, wanted]) => {
  expect(mayMatch(between, predicate)).toBe(wanted)
})

test('what is unknown is kept', () => {
  const unknown = range({})
  for (const predicate of [
    is(1),
    { column: c, op: '<', value: 1 },
    { column: c, op: 'is-null' },
    { column: c, op: 'not-null' },
  ] as const)
    expect(mayMatch(unknown, predicate)).toBe(true)
})

test('only nulls match nothing but is-null', () => {
  const nulls = range({ hasNull: true, hasNotNull: false })
  expect(
    [is(1), { column: c, op: '>', value: 1 }, { column: c, op: 'not-null' }, { column: c, op: 'is-null' }].map(each =>
      mayMatch(nulls, each as Predicate),
    ),
  ).toEqual([false, false, false, true])
})

test('NaN is above every bound and equal to itself', () => {
  const floats = range({ lower: 1, upper: 2 })
  expect(mayMatch(floats, { column: c, op: '>', value: 5 })).toBe(true)
  expect(mayMatch({ ...floats, hasNaN: false }, { column: c, op: '>', value: 5 })).toBe(false)
  expect(mayMatch(floats, { column: c, op: '<', value: 1 })).toBe(false)
  expect(mayMatch(floats, is(Number.NaN))).toBe(true)
})

test('zero has one value and two signs', () => {
  expect(mayMatch(range({ lower: 0, upper: 0 }), is(-0))).toBe(true)
  expect(mayMatch(range({ lower: -0, upper: -0 }), is(0))).toBe(true)
  expect(mayMatch(range({ lower: -0 }), { column: c, op: '<', value: 0 })).toBe(false)
})

test('a predicate becomes one on partitions', () => {
  const day = 86_400_000_000n
  const at = (op: '<' | '<=' | '>' | '>=', value: bigint): unknown =>
    project({ column: c, op, value }, { name: 'day' }, 'timestamp')
  expect(at('<', day)).toEqual({ column: c, op: '<=', value: 0 })
  expect(at('<=', day)).toEqual({ column: c, op: '<=', value: 1 })
  expect(at('>', -1n)).toEqual({ column: c, op: '>=', value: 0 })
  expect(at('>=', -1n)).toEqual({ column: c, op: '>=', value: -1 })
  expect(project(is('iceberg', 'ice'), { name: 'truncate', width: 3 }, 'string')).toEqual(is('ice', 'ice'))
  expect(project({ column: c, op: '<', value: 'iceberg' }, { name: 'truncate', width: 3 }, 'string')).toEqual({
    column: c,
    op: '<=',
    value: 'ice',
  })
  expect(project(is(34n), { name: 'bucket', width: 16 }, 'long')).toEqual(is(3))
  expect(project({ column: c, op: '<', value: 34n }, { name: 'bucket', width: 16 }, 'long')).toBeUndefined()
  expect(project(is(1), { name: 'unknown', text: 'z' }, 'int')).toBeUndefined()
  expect(project({ column: c, op: 'is-null' }, { name: 'hour' }, 'timestamp')).toEqual({ column: c, op: 'is-null' })
})
