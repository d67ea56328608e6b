// Conditions that people write become predicates whose values have exactly the type of their column: nothing is rounded, cut or
// moved to another day.
import { expect, test } from 'vitest'
import type { Predicate } from '#lake/iceberg/predicate.ts'
import type { Schema } from '#lake/iceberg/types.ts'
import { parseWhere } from '#lake/iceberg/where.ts'

const TYPES = {
  n: 'int',
  big: 'long',
  price: 'decimal(12,2)',
  wide: 'decimal(38,10)',
  f: 'float',
  d: 'double',
  word: 'string',
  ok: 'boolean',
  day: 'date',
  at: 'timestamptz',
  local: 'timestamp',
  clock: 'time',
  key: 'uuid',
  bytes: 'binary',
  four: 'fixed[4]',
  'odd name': 'int',
  Case: 'int',
  case2: 'int',
  CASE2: 'long',
}
const schema: Schema = {
  type: 'struct',
  'schema-id': 0,
  fields: Object.entries(TYPES).map(([name, type], index) => ({ id: index + 1, name, required: false, type })),
}
const parse = (text: string) => parseWhere(text, schema)
const equal = (column: string, value: unknown) => [{ column, op: 'in', values: [value] }]

test.each<[string, readonly Predicate[]]>([
  ['n = 5', [{ column: 'n', op: 'in', values: [5] }]],
  ['where n = 5', [{ column: 'n', op: 'in', values: [5] }]],
  ['WHERE n==5', [{ column: 'n', op: 'in', values: [5] }]],
  ['n <> 5', [{ column: 'n', op: '!=', value: 5 }]],
  ['n != -5', [{ column: 'n', op: '!=', value: -5 }]],
  ['n < +5', [{ column: 'n', op: '<', value: 5 }]],
  ['n<=5', [{ column: 'n', op: '<=', value: 5 }]],
  ['n > 5', [{ column: 'n', op: '>', value: 5 }]],
  ['n >= 5', [{ column: 'n', op: '>=', value: 5 }]],
  ['n in (1, 2,3)', [{ column: 'n', op: 'in', values: [1, 2, 3] }]],
  [
    'n NOT IN (1,2)',
    [
      { column: 'n', op: '!=', value: 1 },
      { column: 'n', op: '!=', value: 2 },
    ],
  ],
  [
    'n between 1 and 9 and ok = TRUE',
    [
      { column: 'n', op: '>=', value: 1 },
      { column: 'n', op: '<=', value: 9 },
      { column: 'ok', op: 'in', values: [true] },
    ],
  ],
  ['word is null', [{ column: 'word', op: 'is-null' }]],
  ['word\nIs\tNot\r\nNull', [{ column: 'word', op: 'not-null' }]],
  ["word like 'ab%'", [{ column: 'word', op: 'starts-with', value: 'ab' }]],
  ["word like 'ab%%'", [{ column: 'word', op: 'starts-with', value: 'ab' }]],
  ["word starts with 'a_b%'", [{ column: 'word', op: 'starts-with', value: 'a_b%' }]],
  ["word like 'ab'", [{ column: 'word', op: 'in', values: ['ab'] }]],
  ["word like '%'", [{ column: 'word', op: 'not-null' }]],
  [
    '((n = 1) and (ok = false and n = 2))',
    [
      { column: 'n', op: 'in', values: [1] },
      { column: 'ok', op: 'in', values: [false] },
      { column: 'n', op: 'in', values: [2] },
    ],
  ],
])('%s', (text, predicates) => {
  expect(parse(text)).toEqual(predicates)
})

test.each<[string, string, unknown]>([
  ['n = 2147483647', 'n', 2_147_483_647],
  ['n = 5.00', 'n', 5],
  ['n = 2e3', 'n', 2_000],
  ['n = 25000e-3', 'n', 25],
  ['big = 9223372036854775807', 'big', 9_223_372_036_854_775_807n],
  ['big = -9223372036854775808', 'big', -9_223_372_036_854_775_808n],
  ['price = 12.34', 'price', 1_234n],
  ['price = -.5', 'price', -50n],
  ['price = 1234567890.12', 'price', 123_456_789_012n],
  ['price = 12.3400', 'price', 1_234n],
  ['wide = 1234567890123456789012345678.0123456789', 'wide', 12_345_678_901_234_567_890_123_456_780_123_456_789n],
  ['f = 1.1', 'f', Math.fround(1.1)],
  ['d = 1.1', 'd', 1.1],
  ['d = 1e-300', 'd', 1e-300],
  ["d = 'NaN'", 'd', Number.NaN],
  ["f = '-Infinity'", 'f', -Infinity],
  ["word = 'it''s'", 'word', "it's"],
  ["word = ''", 'word', ''],
  ["word = 'ünï 漢字 🙂'", 'word', 'ünï 漢字 🙂'],
  ["word = 'a -- b ; \" %'", 'word', 'a -- b ; " %'],
  ["day = DATE '2024-02-29'", 'day', 19_782],
  ["day = '1969-12-31'", 'day', -1],
  ["day = date'0001-01-01'", 'day', -719_162],
  ["at = TIMESTAMP '2024-02-29 12:30:00'", 'at', 1_709_209_800_000_000n],
  ["at = '2024-02-29T12:30:00.000001Z'", 'at', 1_709_209_800_000_001n],
  ["at = '2024-02-29 14:30+02'", 'at', 1_709_209_800_000_000n],
  ["at = TIMESTAMPTZ '2024-02-29 07:00:00-05:30'", 'at', 1_709_209_800_000_000n],
  ["at = '2024-02-29'", 'at', 1_709_164_800_000_000n],
  ["local = TIMESTAMP '1969-12-31 23:59:59.999999'", 'local', -1n],
  ["local = DATE '1970-01-02'", 'local', 86_400_000_000n],
  ["clock = TIME '23:59:59.5'", 'clock', 86_399_500_000n],
  ["key = 'F79C3E09-677c-4bbd-a479-3f349cb785e7'", 'key', Buffer.from('f79c3e09677c4bbda4793f349cb785e7', 'hex')],
  ["bytes = X'00fF'", 'bytes', Buffer.from([0, 255])],
  ["bytes = x''", 'bytes', Buffer.alloc(0)],
  ["four = X'01020304'", 'four', Buffer.from([1, 2, 3, 4])],
  ['"odd name" = 1', 'odd name', 1],
  ['case = 1', 'Case', 1],
  ['"CASE2" = 1', 'CASE2', 1n],
  ['case2 = 1', 'case2', 1],
])('%s', (text, column, value) => {
  expect(parse(text)).toEqual(equal(column, value))
})
