// Contract: a value that a column cannot have names nobody, and none is rounded to somebody else's.
import { expect, test } from 'vitest'
import { exactValue } from '#functions/quality/erase.ts'

test.each([
  ['int', '+5', '5'],
  ['int', '2147483647', '2147483647'],
  ['int', '2147483648', undefined],
  ['long', '077', '77'],
  ['long', ' 78 ', '78'],
  ['long', '-9223372036854775808', '-9223372036854775808'],
  ['long', '9223372036854775808', undefined],
  ['long', '79.0', undefined],
  ['long', '79.5', undefined],
  ['long', 'abc', undefined],
  ['date', '2024-02-29', '2024-02-29'],
  ['date', '2023-02-29', undefined],
  ['date', '1980-01-5', undefined],
  ['decimal(12,2)', '92.500', '92.500'],
  ['decimal(12,2)', '92.504', undefined],
  ['decimal(4,2)', '0012.1', '0012.1'],
  ['decimal(4,2)', '123.1', undefined],
  ['decimal(4,0)', '12.5', undefined],
  ['uuid', '00000000-0000-4000-8000-00000000008F', '00000000-0000-4000-8000-00000000008F'],
  ['uuid', '00000000', undefined],
  ['string', ' Ada ', ' Ada '],
])('%s %j: %j', (type, given, exact) => {
  expect(exactValue(type, given)).toBe(exact)
})
