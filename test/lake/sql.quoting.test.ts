// Text never becomes syntax: whatever a value or a name holds comes back from DuckDB unchanged, as a literal, an identifier, a field
// of a struct or an element of a list, and no value can end its statement.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { duckdbEngine, type Session } from '../../lake/duckdb/engine.ts'
import { ident, join, literal, path, sql } from '../../lake/duckdb/sql.ts'

const scratch = mkdtempSync(joinPath(tmpdir(), 'sluice-sql-'))
let session: Session
beforeAll(async () => {
  session = await duckdbEngine.open({ threads: 1, memoryBytes: 200_000_000, folders: [], scratch })
})
afterAll(async () => {
  await session.close()
  rmSync(scratch, { recursive: true, force: true })
})

const nasty = [
  "it's",
  '"quoted"',
  "'; DROP TABLE x; --",
  '$$dollar$$',
  '\\',
  "\\'",
  '/* comment */',
  '{{template}}',
  '?1 $1 :name',
  'line\r\nbreak\ttab',
  '\0',
  "a\0'b\0",
  'é e\u0301 🦀 \u202e',
  '',
]
/** DuckDB's text is UTF-8, which has no lone surrogates. */
const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), fc.constantFrom(...nasty))
const name = text.filter(each => each.length > 0 && !each.includes('\0'))
const runs = { numRuns: 200 }

describe('in DuckDB', () => {
  test.each(nasty)('the literal %j', async value => {
    expect(await session.rows(sql`SELECT ${value} AS value`)).toEqual([{ value }])
  })

  test('literals', async () => {
    await fc.assert(
      fc.asyncProperty(text, async value => {
        expect(await session.rows(sql`SELECT ${value} AS value`)).toEqual([{ value }])
      }),
      runs,
    )
  })

  test('identifiers and paths', async () => {
    await fc.assert(
      fc.asyncProperty(name, name, async (column, field) => {
        const statement = sql`SELECT ${path('t', column, field)} AS value, t.* FROM
          (SELECT struct_pack(${ident(field)} := 7) AS ${ident(column)}) AS t`
        const [row] = await session.rows(statement)
        expect(row?.['value']).toBe(7)
        expect(Object.keys(row ?? {})).toContain(column)
      }),
      runs,
    )
  })

  test('a column may be called like a property of every object', async () => {
    const [row] = await session.rows(sql`SELECT 7 AS ${ident('__proto__')}, 8 AS ${ident('constructor')}`)
    expect(Object.entries(row ?? {})).toEqual([
      ['__proto__', 7],
      ['constructor', 8],
    ])
  })

  test('lists of values, nested', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 4 }), async values => {
        expect(await session.rows(sql`SELECT ${values} AS values, ${[values, values]} AS nested`)).toEqual([
          { values, nested: [values, values] },
        ])
      }),
      runs,
    )
  })

  test('numbers, 64-bit integers, booleans and null', async () => {
    await fc.assert(
      fc.asyncProperty(fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }), async value => {
        expect(await session.rows(sql`SELECT CAST(${value} AS BIGINT) AS value`)).toEqual([{ value: value.toString() }])
      }),
      runs,
    )
    await fc.assert(
      fc.asyncProperty(fc.double({ noNaN: true, noDefaultInfinity: true }), async value => {
        const [row] = await session.rows(sql`SELECT CAST(${value} AS DOUBLE) AS value`)
        expect(row?.['value']).toBe(value === 0 ? 0 : value)
      }),
      runs,
    )
    expect(await session.rows(sql`SELECT ${true} AS t, ${false} AS f, ${null} AS n`)).toEqual([
      { t: true, f: false, n: null },
    ])
  })
})

test('what SQL cannot hold is refused', () => {
  expect(() => ident('a\0b')).toThrow('NUL')
  expect(() => path('a', 'b\0')).toThrow('NUL')
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    expect(() => sql`SELECT ${value}`).toThrow('not a number')
})

test('fractions are doubles in the text, so that DuckDB does not take them for decimals', () => {
  expect(sql`SELECT ${-0.000009033297666759251}`.text).toBe('SELECT -9.033297666759251e-6')
  expect(sql`SELECT ${0.5}, ${3}, ${-7}, ${2 ** 53}`.text).toBe('SELECT 5e-1, 3, -7, 9.007199254740992e+15')
})

test('the text of a statement', () => {
  expect(literal("it's").text).toBe("'it''s'")
  expect(ident('a"b').text).toBe('"a""b"')
  expect(path('a', 'b c').text).toBe('"a"."b c"')
  expect(join([sql`a`, sql`b`], ', ').text).toBe('a, b')
  expect(join([], ' AND ').text).toBe('')
  expect(
    sql`SELECT ${ident('a')} FROM ${ident('t')} WHERE ${ident('a')} IN (${join([literal('x'), sql`${1}`], ', ')})`.text,
  ).toBe(`SELECT "a" FROM "t" WHERE "a" IN ('x', 1)`)
})
