// One error with a kind, a context and its cause; whether a retry may help follows from the kind alone.
import { expect, expectTypeOf, test } from 'vitest'
import { assert, type ErrorKind, isLakeError, LakeError } from '../../lake/errors.ts'

test('the kind decides what a queue does with it', () => {
  const retryable = (kind: ErrorKind) => new LakeError(kind, 'x').retryable
  const again: readonly ErrorKind[] = ['throttled', 'unavailable', 'conflict', 'commit-unknown', 'out-of-memory']
  const never: readonly ErrorKind[] = [
    'not-found',
    'already-exists',
    'access-denied',
    'checksum',
    'dataset-invalid',
    'event-invalid',
    'file-unreadable',
    'contract-broken',
    'unsupported',
    'table-corrupt',
    'engine-failed',
    'usage',
  ]
  expect(again.filter(kind => !retryable(kind))).toEqual([])
  expect(never.filter(retryable)).toEqual([])
})

test('context and cause are kept as they are', () => {
  const cause = new Error('socket hang up')
  const error = new LakeError('unavailable', 'cannot read', { uri: 's3://raw/a' }, { cause })
  expect(error).toBeInstanceOf(Error)
  expect(error.name).toBe('LakeError')
  expect(error.context).toEqual({ uri: 's3://raw/a' })
  expect(error.cause).toBe(cause)
  expect(new LakeError('usage', 'x').context).toEqual({})
})

test('isLakeError narrows, with and without a kind', () => {
  const error: unknown = new LakeError('not-found', 'x')
  expect(isLakeError(error)).toBe(true)
  expect(isLakeError(error, 'not-found')).toBe(true)
  expect(isLakeError(error, 'conflict')).toBe(false)
  expect(isLakeError(new Error('not-found'))).toBe(false)
  expect(isLakeError(undefined, 'not-found')).toBe(false)
  if (isLakeError(error)) expectTypeOf(error).toEqualTypeOf<LakeError>()
  // @ts-expect-error no such kind
  expect(isLakeError(error, 'missing')).toBe(false)
})

test('a broken assumption is a bug, not a condition', () => {
  expect(() => assert(false, 'rows add up')).toThrow('assertion failed: rows add up')
  expect(() => assert(0, 'zero is falsy')).toThrow(Error)
  expect(() => assert(true, 'fine')).not.toThrow()
  const maybe: string | undefined = ['x'].at(0)
  assert(maybe !== undefined, 'narrows')
  expectTypeOf(maybe).toEqualTypeOf<string>()
})
