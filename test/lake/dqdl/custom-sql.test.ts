// A statement of a rule is one SELECT that sees the primary table, the named sources and what it defines itself, and nothing else of
// the session, the engine or the disk. Spark's spelling of texts and names is turned into DuckDB's.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Analyzer } from '#lake/dqdl/ast.ts'
import { readStatements, type Statement } from '#lake/dqdl/custom-sql.ts'
import { duckdbText } from '#lake/dqdl/custom-sql-text.ts'
import type { Relation } from '#lake/dqdl/relation.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { openTables, rulesetOf, type Tables } from './table.ts'

let tables: Tables
let primary: Relation
let ref: Relation
beforeAll(async () => {
  tables = await openTables()
  primary = await tables.table(sql`SELECT unnest([1, 2, 3]) AS id, 'x' AS name`)
  ref = await tables.table(sql`SELECT 2 AS id, 'secret' AS code`)
  await tables.session.run(sql`CREATE TABLE hidden AS SELECT 'other people''s rows' AS secret`)
})
afterAll(() => tables.close())

async function read(text: string): Promise<Statement | undefined> {
  const { analyzers } = rulesetOf(`Analyzers = [ CustomSql "${text.replaceAll('"', '\\"')}" ]`)
  const sources = new Map([['ref', ref]])
  const found = await readStatements(tables.session, analyzers as readonly Analyzer[], { relation: primary, sources })
  return [...found.values()][0]
}

async function rowsOf(text: string): Promise<unknown> {
  const statement = await read(text)
  return statement && 'sql' in statement ? tables.session.rows(statement.sql) : statement
}

const refusal = async (text: string): Promise<string> => {
  const statement = await read(text)
  return statement && 'problem' in statement ? statement.problem : 'nothing'
}

test.each([
  ["select 'it\\'s'", "select 'it''s'"],
  ['select "it\'s"', "select 'it''s'"],
  ['select \'a\'\'b\', "c""d"', "select 'a''b', 'c\"d'"],
  ["select 'a\\nb'", "select 'a\nb'"],
  ["select '100\\%'", "select '100\\%'"],
  ['select `a "b" ``c`` ` from primary', 'select "a ""b"" `c` " from "primary"'],
  ['select Primary.id from PRIMARY', 'select "primary".id from "primary"'],
  ['select primary_key from t', 'select primary_key from t'],
  ["select 'primary' -- primary\n, 1 /* `x' */ ;;", "select 'primary'  \n, 1"],
])('%s', (spark, duckdb) => {
  expect(duckdbText(spark)).toEqual({ text: duckdb })
})

test.each([
  ["select 'open", 'a text is not closed'],
  ['select "open', 'a text is not closed'],
  ['select `open', 'a name is not closed'],
  ['select $$x$$', '"$" cannot stand in a statement'],
  ["select 'a\\0b'", 'cannot stand in a statement'],
])('%s has no spelling', (spark, problem) => {
  expect(duckdbText(spark)).toEqual({ problem: expect.stringContaining(problem) })
})

test('the primary and the sources are seen by their names, in any case', async () => {
  expect(await rowsOf('select count(*) as n from primary')).toEqual([{ n: '3' }])
  expect(await rowsOf('select p.id, r.code from Primary p join REF r on p.id = r.id')).toEqual([
    { id: 2, code: 'secret' },
  ])
  expect(
    await rowsOf('with p as (select * from primary), q as (select * from p where id > 1) select id from q'),
  ).toEqual([{ id: 2 }, { id: 3 }])
  expect(await rowsOf('select x from range(3) t(x) where x = 2')).toEqual([{ x: '2' }])
})

test.each([
  'select * from hidden',
  'select * from main.hidden',
  'select * from memory.main.hidden',
  'with hidden as (select * from hidden) select * from hidden',
  'select * from (with hidden as (select 1) select * from hidden) a, hidden',
  'select (select max(secret) from hidden)',
  'select id from primary where exists (select * from hidden)',
  'select id from primary union all select secret from hidden',
  'select * from "hidden" order by (select secret from `hidden`)',
  'select * from information_schema.tables',
  'select * from sqlite_master',
  "select * from 'hidden.csv'",
])('%s names a table that is not there', async text => {
  expect(await refusal(text)).toMatch(/Table or view not found|Error executing SQL statement/)
})

test.each([
  ["select * from read_text('/etc/hostname')", 'cannot read from read_text()'],
  ["select * from glob('*')", 'cannot read from glob()'],
  ["select * from query('select * from hidden')", 'cannot read from query()'],
  ["select * from query_table('hidden')", 'cannot read from query_table()'],
  ["select * from json_execute_serialized_sql('{}')", 'cannot read from'],
  ['select * from duckdb_tables()', 'cannot read from duckdb_tables()'],
  ["select current_setting('memory_limit')", 'cannot call current_setting()'],
  ['select sluice_tally(1::ubigint)', 'cannot call sluice_tally()'],
  ['select id from primary order by getenv(name)', 'cannot call getenv()'],
  ['select sleep_ms(3600000)', 'cannot call sleep_ms()'],
  ['describe primary', 'a SELECT and nothing else'],
  ['show tables', 'a SELECT and nothing else'],
  ['summarize primary', 'a SELECT and nothing else'],
  ['delete from primary', 'a SELECT and nothing else'],
  ['create table x as select 1', 'a SELECT and nothing else'],
  ['', 'exactly one statement'],
  ['select 1; select 2', 'exactly one statement'],
  ['select 1) union (select 2', 'Error executing SQL statement'],
  ['select nope from primary', 'Error executing SQL statement'],
  ['select percentile_approx(id, 0.5) from primary', 'Error executing SQL statement'],
])('%s is refused', async (text, why) => {
  expect(await refusal(text)).toContain(why)
})
