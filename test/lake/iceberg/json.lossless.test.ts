// Metadata passes through memory without losing a digit: 64-bit ids are bigint, whatever their size, and come out as they were.
import { expect, test } from 'vitest'
import { formatJson, parseJson } from '#lake/iceberg/json.ts'

test('ids beyond 2^53 keep all digits', () => {
  const text =
    '{"snapshots":[{"snapshot-id":3055729675574597004,"parent-snapshot-id":9223372036854775807,"sequence-number":9007199254740993}]}'
  const parsed = parseJson(text) as { readonly snapshots: readonly Record<string, unknown>[] }
  expect(parsed.snapshots[0]).toEqual({
    'snapshot-id': 3055729675574597004n,
    'parent-snapshot-id': 9223372036854775807n,
    'sequence-number': 9007199254740993n,
  })
  expect(formatJson(parsed)).toBe(text)
})

test('ids are bigint even when they are small, other numbers only when they must be', () => {
  expect(parseJson('{"snapshot-id":1,"current-snapshot-id":-1,"last-updated-ms":1602638573590}')).toEqual({
    'snapshot-id': 1n,
    'current-snapshot-id': -1n,
    'last-updated-ms': 1602638573590,
  })
  expect(parseJson('{"blob":{"fields":[18014398509481985],"ratio":0.5,"big":1e300}}')).toEqual({
    blob: { fields: [18014398509481985n], ratio: 0.5, big: 1e300 },
  })
})

test('text that looks like a number stays text', () => {
  const text = '{"properties":{"snapshot-id":"12345678901234567890"}}'
  expect(formatJson(parseJson(text))).toBe(text)
})
