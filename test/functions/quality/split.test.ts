// Rows are split by all rules in one pass: which rows fail, which rules each of them fails and with what values; a rule that has nothing to say of a row
// does not fail it. Names and texts may hold anything, and a verdict lists a bounded number of reasons.
import { expect, test } from 'vitest'
import { relationOf } from '#functions/quality/sources.ts'
import { type RowRule, splitRows, withoutFailing } from '#functions/quality/split.ts'
import { parseRuleset } from '#lake/dqdl/parser.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { inSession } from './decoding.ts'

function rule(text: string, passes: Sql): RowRule {
  const [parsed] = parseRuleset(`Rules = [ ${text} ]`, { mode: 'lenient' }).ruleset?.rules ?? []
  if (!parsed) throw new Error(`no rule: ${text}`)
  return { rule: parsed, text, passes }
}

async function split(rows: Sql, rules: readonly RowRule[]) {
  return inSession(async (session, folder) => {
    const relation = await relationOf(session, rows)
    const failing = await splitRows(session, relation, { rules, path: `${folder}/failing.parquet` })
    return {
      failing,
      rows: await session.rows(
        sql`SELECT _raw_object AS o, _raw_row::INTEGER AS r, rules, reason, message FROM read_parquet(${failing.path}) ORDER BY ALL`,
      ),
      left: (
        await session.rows(sql`SELECT _raw_row::INTEGER AS r FROM (${withoutFailing(rows, failing)}) ORDER BY r`)
      ).map(each => each['r']),
    }
  })
}

const three = sql`SELECT * FROM (VALUES ('x', 1::BIGINT, 5, 'a'), ('x', 2, NULL, 'b'), ('y', 3, -1, NULL)) AS t(_raw_object, _raw_row, n, s)`

test('each failing row once, with all rules that it fails', async () => {
  const { failing, rows, left } = await split(three, [
    rule('ColumnValues "n" > 0', sql`COALESCE(n > 0, FALSE)`),
    rule('IsComplete "s"', sql`s IS NOT NULL`),
    rule('IsComplete "n"', sql`TRUE`),
  ])
  expect(rows).toEqual([
    { o: 'x', r: 2, rules: [0], reason: 'rule:ColumnValues "n" > 0', message: 'ColumnValues "n" > 0: n is null' },
    {
      o: 'y',
      r: 3,
      rules: [0, 1],
      reason: 'rule:ColumnValues "n" > 0; IsComplete "s"',
      message: 'ColumnValues "n" > 0: n is -1; IsComplete "s": s is null',
    },
  ])
  expect(left).toEqual([1])
  expect(failing.byRule).toEqual([2, 1, 0])
  expect(Object.fromEntries(failing.byObject)).toEqual({
    x: { reasons: { 'rule:ColumnValues "n" > 0': 1 }, rows: 1, ordinalMax: 2 },
    y: { reasons: { 'rule:ColumnValues "n" > 0; IsComplete "s"': 1 }, rows: 1, ordinalMax: 3 },
  })
})

test('nothing fails', async () => {
  const { failing, left } = await split(three, [rule('IsComplete "n"', sql`TRUE`)])
  expect(failing).toMatchObject({ byRule: [0], byObject: new Map() })
  expect(left).toEqual([1, 2, 3])
})

test('null is nothing said: the row passes', async () => {
  const { left } = await split(three, [rule('ColumnValues "n" > 0', sql`n > 0`)])
  expect(left).toEqual([1, 2])
})

test('tests that look at other rows', async () => {
  const rows = sql`SELECT * FROM (VALUES ('x', 1::BIGINT, 5), ('x', 2, 6), ('y', 1, 5)) AS t(_raw_object, _raw_row, n)`
  const { failing } = await split(rows, [rule('IsUnique "n"', sql`count(*) OVER (PARTITION BY n) = 1`)])
  expect([...failing.byObject].map(([id, { rows }]) => `${id} ${rows}`)).toEqual(['x 1', 'y 1'])
})

test('names, values and rules with quotes, line ends and the names of this project', async () => {
  const rows = sql`SELECT 'x' AS _raw_object, 1::BIGINT AS _raw_row, 'it''s "so"' AS "a""b'c", 7 AS "__sluice_pass_0", repeat('é', 100) AS long`
  const named = rule('ColumnValues "long" = "a; b\'c"', sql`FALSE`)
  const { rows: found } = await split(rows, [named, { ...named, text: 'two\nlines "\'' }])
  expect(found[0]).toMatchObject({
    reason: 'rule:ColumnValues "long" = "a; b\'c"; two\nlines "\'',
    message: expect.stringContaining(`long is ${'é'.repeat(60)}; two`),
  })
})

test('a hundred rules, and as many ways to fail', async () => {
  const rows = sql`SELECT 'x' AS _raw_object, range AS _raw_row, range AS n FROM range(1, 101)`
  const rules = Array.from({ length: 100 }, (_none, at) => rule(`ColumnValues "n" != ${at + 1}`, sql`n <> ${at + 1}`))
  const { failing } = await split(rows, rules)
  expect(failing.byRule).toEqual(rules.map(() => 1))
  const reasons = failing.byObject.get('x')?.reasons ?? {}
  expect(Object.keys(reasons)).toHaveLength(51)
  expect(reasons['rule:*']).toBe(50)
  expect(Object.values(reasons).reduce((sum, count) => sum + count, 0)).toBe(100)
})
