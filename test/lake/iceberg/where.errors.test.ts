// What cannot be read is a usage error that shows the place and says what can stand there.
import { expect, test } from 'vitest'
import { isLakeError } from '#lake/errors.ts'
import type { NestedField, Schema } from '#lake/iceberg/types.ts'
import { parseWhere } from '#lake/iceberg/where.ts'

const field = (id: number, name: string, type: NestedField['type']): NestedField => ({
  id,
  name,
  required: false,
  type,
})
const schema: Schema = {
  type: 'struct',
  'schema-id': 0,
  fields: [
    field(1, 'n', 'int'),
    field(2, 'word', 'string'),
    field(3, 'price', 'decimal(5,2)'),
    field(4, 'ok', 'boolean'),
    field(5, 'day', 'date'),
    field(6, 'place', { type: 'struct', fields: [field(7, 'lat', 'double')] }),
    field(8, 'at', 'timestamp'),
    field(9, 'key', 'uuid'),
    field(10, 'Two', 'int'),
    field(11, 'tWO', 'int'),
  ],
}

function failure(text: string): readonly [message: string, next: unknown] {
  try {
    parseWhere(text, schema)
  } catch (error) {
    if (isLakeError(error, 'usage')) return [error.message, error.context['next']]
    throw error
  }
  throw new Error(`${text} was read`)
}

test('the place is marked, on its line', () => {
  expect(failure("n = 1 and\n  wrod = 'x' and ok = true")).toEqual([
    "there is no column wrod\n    wrod = 'x' and ok = true\n    ^",
    'the columns are n, word, price, ok, day, place, at, key, Two, tWO',
  ])
  expect(failure('n = 2.5')).toEqual([
    'n is an int, which has no such value\n  n = 2.5\n      ^',
    'compare it with a whole number from -2147483648 to 2147483647',
  ])
})

test('of a long line only what stands around the place is shown', () => {
  const [message] = failure(`${'n = 1 and '.repeat(100)}m = 2`)
  expect(message.split('\n').every(line => line.length <= 80)).toBe(true)
  expect(message).toMatch(/m = 2\n {52}\^$/)
})

test.each([
  ['', 'there is no condition', 'a condition is column = value'],
  ['where', 'there is no condition', 'a condition is'],
  ['n = 1 or n = 2', 'OR cannot be read', 'column IN (…)'],
  ['(n = 1 or n = 2)', 'OR cannot be read', 'column IN (…)'],
  ['not n = 1', 'NOT cannot be read before a condition', 'IS NOT NULL'],
  ['n not between 1 and 2', 'NOT cannot be read here', 'NOT IN (…)'],
  ["lower(word) = 'x'", 'lower(…) is a function', 'compare the column itself'],
  ['n = abs(1)', 'a value is missing here', 'a whole number'],
  ['1 = n', 'a condition begins with a column', 'write the column first'],
  ['n', 'a comparison is missing here', 'a condition is'],
  ['ok', 'a comparison is missing here', 'write ok = true'],
  ['n =', 'a value is missing here', 'a whole number'],
  ['n = 1 and', 'a column is missing here', 'a condition is'],
  ['n = 1 n = 2', 'the condition ends before this', 'AND joins several'],
  ['n = 1; drop table x', 'the condition ends before this', 'AND joins several'],
  ['n = 1 + 1', 'the condition ends before this', 'AND joins several'],
  ['n = NULL', 'no value equals NULL', 'n IS NULL'],
  ['n in (1, NULL)', 'no value equals NULL', 'n IS NULL'],
  ['n in ()', 'a value is missing here', 'a whole number'],
  ['n in 1', 'IN needs a ( here', 'IN (1, 2, 3)'],
  ['n in (1', 'a , or ) is missing here', 'IN (1, 2, 3)'],
  ['(n = 1', 'a ( is never closed', 'close it'],
  ['n = 1)', 'the condition ends before this', 'AND'],
  ['n between 1 or 2', 'BETWEEN needs AND here', 'BETWEEN 1 AND 9'],
  ['word = "ORD"', '"ORD" names a column', "text in single quotes: 'text'"],
  ['word = 5', 'word is a string, which has no such value', 'single quotes'],
  ["word = 'open", "a ' is never closed", 'written twice'],
  ['"open = 5', 'a " is never closed', 'written twice'],
  ["n = '5'", 'n is an int, which has no such value', 'a whole number'],
  ['n = 2147483648', 'n is an int, which has no such value', 'to 2147483647'],
  ['n = 1e400', 'n is an int, which has no such value', 'a whole number'],
  ['n = 1e99999999999', 'n is an int, which has no such value', 'a whole number'],
  ['price = 1.234', 'price is a decimal(5,2), which has no such value', '5 digits, 2 of them after the point'],
  ['price = 1000', 'price is a decimal(5,2), which has no such value', '5 digits'],
  ["day = DATE '2023-02-29'", 'day is a date, which has no such value', "DATE '2024-02-29'"],
  ["day = '2023-2-3'", 'day is a date, which has no such value', "DATE '2024-02-29'"],
  ["day = TIMESTAMP '2023-02-03 00:00'", 'day is a date', "DATE '2024-02-29'"],
  ["at = '2024-01-01 00:00:00+02'", 'at is a timestamp, which has no such value', 'without a zone'],
  ["at = '2024-01-01 24:00:00'", 'at is a timestamp, which has no such value', 'without a zone'],
  ["key = 'x'", 'key is a uuid, which has no such value', 'f79c3e09'],
  ["word like '%x'", 'only a beginning can be searched for', "LIKE 'prefix%'"],
  ["word like 'a_c%'", 'only a beginning can be searched for', "LIKE 'prefix%'"],
  ["n like '5%'", 'n is an int, not text', 'a whole number'],
  ['place = 1', 'place is a struct', 'a primitive type'],
  ['place.lat = 1', 'place is a struct', 'a primitive type'],
  ['n.x = 1', 'fields inside a column cannot be compared', 'a column of the table'],
  ['two = 1', 'two is several columns', 'write one of Two, tWO'],
  ['n = 1 § 2', 'this is no part of a condition', "origin = 'ORD'"],
  ['n = 5x', 'this is no part of a condition', "origin = 'ORD'"],
  [`${'('.repeat(60)}n = 1`, 'more than 50 brackets', 'leave brackets out'],
  [`n in (${'1,'.repeat(60_000)}1)`, 'is too long', 'at most 100000'],
])('%s', (text, message, next) => {
  const [said, advice] = failure(text)
  expect(said).toContain(message)
  expect(advice).toContain(next)
})
