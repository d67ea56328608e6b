// `sluice sql` runs one SELECT and nothing else: DuckDB's parser decides, not a search in the text. Everything else is a usage
// error, and nothing of it runs.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readStatement } from '../../cli/sql-statement.ts'
import type { Session } from '../../lake/duckdb/engine.ts'
import { isLakeError } from '../../lake/errors.ts'
import { type CommandBench, commandBench } from './command-bench.ts'

let bench: CommandBench
let session: Session
beforeAll(async () => {
  bench = commandBench()
  const { threads, memoryBytes, scratch } = bench.lake.limits
  session = await bench.lake.engine.open({ threads, memoryBytes, folders: [], scratch })
})
afterAll(async () => {
  await session.close()
  bench.remove()
})

const tablesOf = async (text: string): Promise<readonly string[]> => (await readStatement(session, text)).tables

test.each([
  ['select 1', []],
  ['select * from flights', ['flights']],
  ['SELECT * FROM FLIGHTS', ['flights']],
  ['from flights', ['flights']],
  ['table flights', ['flights']],
  ['select * from flights;', ['flights']],
  ['select * from main.flights', ['flights']],
  ['describe flights', ['flights']],
  ['summarize flights', ['flights']],
  ['select * from "flights" f, movies as m', ['flights', 'movies']],
  ['select * from a join b using (id) where id in (select id from c)', ['a', 'b', 'c']],
  ['select (select max(id) from b) from a union all select id from c', ['a', 'b', 'c']],
  ['with recent as (select * from flights) select * from recent', ['flights']],
  ['with a as (select * from b), c as (select * from a) select * from c', ['b']],
  ["select 'from movies' as text -- from birdstrikes\n from flights /* from airports */", ['flights']],
  ['select movies.id from flights as movies', ['flights']],
  ['select * from information_schema.tables', []],
  ["select * from read_text('/etc/passwd')", []],
])('%j reads the tables %j', async (text, tables) => {
  expect((await tablesOf(text)).toSorted()).toEqual(tables)
})

test.each([
  'insert into flights values (1)',
  'update flights set id = 1',
  'delete from flights',
  'drop table flights',
  'create table x as select 1',
  "copy (select 1) to '/tmp/x'",
  "attach '/tmp/x.db'",
  'set threads = 1',
  'install httpfs',
  'explain select 1',
])('%j is refused', async text => {
  const ran = await refused(text)
  expect(ran.message).toBe('only a SELECT or WITH … SELECT can be run: sluice sql reads tables and never changes them')
})

test.each([
  ['select 1; select 2', '2 statements were given, and only one can be run'],
  [
    'select 1; drop table flights',
    'only a SELECT or WITH … SELECT can be run: sluice sql reads tables and never changes them',
  ],
  ['', 'there is no statement to run'],
  ['-- select 1', 'there is no statement to run'],
  ['show tables', 'SHOW cannot tell what is in the lake'],
])('%j: %s', async (text, message) => {
  expect((await refused(text)).message).toBe(message)
})

test('a syntax error points at its place, on the line where it is', async () => {
  expect((await refused('selec 1')).message).toBe('syntax error at or near "selec"\n  selec 1\n  ^')
  expect((await refused("select 'ü',\n  1 frm x y\nfrom b")).message).toMatch(/\n {2} {2}1 frm x y\n {2} +\^$/)
})

test('the command refuses with exit code 2 and prints nothing else', async () => {
  await bench.lake.storage.put(`${bench.lake.zones.ops}/x`, Buffer.from('x'))
  const ran = await bench.run(['sql', 'drop table flights'])
  expect(ran).toMatchObject({ code: 2, out: '' })
  expect(ran.err.split('\n')).toHaveLength(3)
})

async function refused(text: string): Promise<Error> {
  try {
    await readStatement(session, text)
  } catch (error) {
    if (isLakeError(error, 'usage')) return error
    throw error
  }
  throw new Error(`not refused: ${text}`)
}
