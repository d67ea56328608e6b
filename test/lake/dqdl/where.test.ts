// A predicate is read to a tree and printed by the quoting layer: nothing of its text becomes SQL. What cannot be read or expressed
// is told with its place, and never thrown.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compileWhere } from '#lake/dqdl/where.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { NOW_MS, openTables, type Tables } from './table.ts'

const relation = {
  source: sql`people`,
  columns: [
    { name: 'id', type: 'INTEGER' },
    { name: 'name', type: 'VARCHAR' },
    { name: 'born', type: 'DATE' },
    { name: 'at', type: 'TIMESTAMP' },
    { name: 'ok', type: 'BOOLEAN' },
    { name: 'place', type: 'STRUCT(city VARCHAR, "zip code" INTEGER)' },
    { name: 'tags', type: 'VARCHAR[]' },
    { name: `it's "x" \`y\``, type: 'INTEGER' },
  ],
}
const compile = (text: string) => compileWhere(text, { relation, nowMs: NOW_MS })
const printed = (text: string): string => {
  const where = compile(text)
  return 'sql' in where ? where.sql.text : `problem: ${where.problem}`
}

let tables: Tables
beforeAll(async () => {
  tables = await openTables()
  await tables.session.run(
    sql`CREATE TABLE people AS SELECT 1 AS id, 'ada' AS name, DATE '1815-12-10' AS born, TIMESTAMP '2024-01-01 10:30:00' AS at, TRUE AS ok, {'city': 'London', 'zip code': 7} AS place, ['a', 'b'] AS tags, 5 AS ${sql`"it's ""x"" \`y\`"`}`,
  )
})
afterAll(() => tables.close())

async function holds(text: string): Promise<unknown> {
  const where = compile(text)
  if ('problem' in where) return where.problem
  const [row] = await tables.session.rows(sql`SELECT ${where.sql} AS answer FROM people`)
  return row?.['answer']
}

describe('what it means', () => {
  test.each([
    ["name = 'ada' and id = 1", true],
    ["NAME = 'ada' AND Id IN (1, 2)", true],
    ["name = 'ada' or null", true],
    ["name = 'bob' or null", null],
    ['id = 1 is true', true],
    ['1 < 2 = true', true],
    ['not id = 2 and ok', true],
    ['!ok or id > 0', true],
    ["place.city = 'London' and place.`zip code` = 7", true],
    [`\`it's "x" \`\`y\`\`\` = 5`, true],
    ["name rlike 'd' and name not rlike '^d'", true],
    ["name like 'a_a' and name not like 'a__'", false],
    ["'50\\\\%' like '50\\\\\\\\\\\\%'", true],
    ["born < '1900-01-01' and at >= '2024-01-01'", true],
    ['at > born', true],
    ['datediff(at, born) > 70000', true],
    ["at - interval 1 hour < timestamp '2024-01-01 10:00:00'", true],
    ["interval '2 days' > interval 1 day", true],
    ['current_date() = date \'2024-06-15\' and current_date = to_date("2024-06-15")', true],
    ["now() > timestamp '2024-06-15 11:59:59'", true],
    ['id / 0 is null and id % 0 is null and id div 0 is null', true],
    ['name = 1', null],
    ["'1' = 1 and '1.0' = 1", true],
    ["ok = 'true'", true],
    ["size(tags) = 2 and array_contains(tags, 'b')", true],
    ["case name when 'ada' then 1 when 'bob' then 2 end = 1", true],
    ['cast(id as string) = "1" and cast(name as int) is null', true],
    ['id between 1 and 1 and not (id not between 0 and 2)', true],
    ['-id = -1 and + id = 1 and 10 - 2 - 3 = 5 and 2 + 3 * 4 = 14', true],
    ['1e2 = 100 and .5 < 1. and 10L = 10 and 1.5BD = 1.5', true],
    ['9007199254740993 = 9007199254740992', false],
    ['id = 1 -- id = 2\n and /* or */ ok', true],
  ])('%s is %s', async (text, answer) => {
    expect(await holds(text)).toBe(answer)
  })
})

describe('what it refuses', () => {
  test.each([
    ['', 'the predicate ends too early, at character 1'],
    ['id >', 'the predicate ends too early, at character 5'],
    ['id = 1 id', 'unexpected id, at character 8'],
    ['nope = 1', 'there is no column nope, at character 1'],
    ['place.nope = 1', 'there is no column place.nope, at character 1'],
    ['id', 'the predicate is not true or false'],
    ["name = 'open", `unexpected "'", at character 8`],
    ['id = 1 /* all', 'unexpected *'],
    ['id = 1; drop table people', 'unexpected ";"'],
    ['id in ()', 'expected a value'],
    ['id in (select 1)', 'unexpected select'],
    ['exists (select 1)', 'unexpected select'],
    ['median(id) > 1', 'the function median is not supported in where, at character 1'],
    ['upper(name, 1) = 1', 'upper takes 1 arguments'],
    ['name rlike "(?=a)"', 'a look-ahead'],
    ['name rlike name', 'must be a text'],
    ['cast(id as map) = 1', 'CAST to map is not supported'],
    ['id = 1 escape 2', 'unexpected escape'],
    ["name like 'a' escape 'ab'", 'expected one character after ESCAPE'],
    ['at > now() - interval 1 fortnight', 'expected one of YEAR, MONTH'],
    ['id is 5', 'expected NULL, TRUE, FALSE or DISTINCT FROM'],
    [`${'('.repeat(200)}id = 1${')'.repeat(200)}`, 'nested 100 deep'],
    [`${'not '.repeat(200)}ok`, 'nested 100 deep'],
    ['id \u0000 = 1', 'unexpected "\\u0000"'],
  ])('%j', (text, problem) => {
    expect(printed(text)).toContain('The provided where clause is invalid')
    expect(printed(text)).toContain(problem)
  })
})

test('texts and names are quoted, whatever is in them', async () => {
  expect(printed(`name = "'; drop table people; --"`)).toBe(`(("name" = '''; drop table people; --'))`)
  expect(printed('`it\'s "x" ``y``` = 5')).toBe(`(("it's ""x"" \`y\`" = 5))`)
  expect(await holds(`name = '\\'; drop table people; --'`)).toBe(false)
  expect(await holds("name = 'a\\0b'")).toBe(false)
})

test('a quote escaped for DQDL is a quote, and other backslashes are of the predicate', async () => {
  expect(await holds('name = \\"ada\\"')).toBe(true)
  expect(await holds("'a\\nb' rlike 'a\\\\sb'")).toBe(true)
})
