// The names in a SELECT are those of its syntax tree: tables that it reads, each once, without those that a WITH defines where they are
// known; functions; and whether it asks for the catalog. Anything but one SELECT is told apart.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { duckdbEngine, type Session } from '#lake/duckdb/engine.ts'
import { readSelect } from '#lake/duckdb/select.ts'

const scratch = mkdtempSync(join(tmpdir(), 'sluice-select-'))
let session: Session
beforeAll(async () => {
  session = await duckdbEngine.open({ threads: 1, memoryBytes: 200_000_000, folders: [], scratch })
})
afterAll(async () => {
  await session.close()
  rmSync(scratch, { recursive: true, force: true })
})

async function tablesOf(text: string): Promise<readonly string[]> {
  const read = await readSelect(session, text)
  if (read.kind !== 'select') return [read.kind]
  return read.names.tables.map(({ schema, name }) => (schema === '' ? name : `${schema}/${name}`)).toSorted()
}

test.each([
  ['select 1', []],
  ['select * from A, "b c", a', ['a', 'b c']],
  ['select * from main.a, db.s.b', ['db.s/b', 'main/a']],
  ['with a as (select * from b) select * from a', ['b']],
  ['with a as (select * from a) select * from a', ['a']],
  ['with a as (select 1), b as (select * from a) select * from b', []],
  ['with b as (select * from a), a as (select 1) select * from b', ['a']],
  ['with recursive r as (select 1 x union all select x + 1 from r where x < 3) select * from r', []],
  ['select * from (with a as (select 1) select * from a) x, a', ['a']],
  ['with a as (select 1) select (select max(x) from (select * from a) t(x)) from b', ['b']],
  ['select * from a where id in (select id from b) order by (select max(id) from c)', ['a', 'b', 'c']],
  ['select * from a union select * from b except select * from c', ['a', 'b', 'c']],
  ["select 'from x' -- from y\n from a /* from z */", ['a']],
])('%s', async (text, tables) => {
  expect(await tablesOf(text)).toEqual(tables)
})

test('functions, table functions and requests for the catalog', async () => {
  const read = await readSelect(
    session,
    "select UPPER(x), sum(y) over () from range(3), read_csv('f') where abs(z) > 1",
  )
  expect(read).toMatchObject({ kind: 'select', names: { tableFunctions: ['read_csv', 'range'], shows: 'nothing' } })
  const functions = read.kind === 'select' ? read.names.functions : []
  expect(functions).toEqual(expect.arrayContaining(['upper', 'abs']))
  expect(await readSelect(session, 'show tables')).toMatchObject({ names: { shows: 'catalog' } })
  expect(await readSelect(session, 'describe a')).toMatchObject({ names: { shows: 'query', tables: [{ name: 'a' }] } })
})

test('what is not one SELECT', async () => {
  expect(await readSelect(session, 'select 1; select 2')).toEqual({ kind: 'not-one', statements: 2 })
  expect(await readSelect(session, '-- nothing')).toEqual({ kind: 'not-one', statements: 0 })
  expect(await readSelect(session, 'drop table a')).toMatchObject({ kind: 'not-select' })
  // The parser counts code points, JavaScript does not.
  expect(await readSelect(session, "select 'ü', frm x y")).toMatchObject({ kind: 'syntax', at: 18 })
  expect(await readSelect(session, "select '😀', frm x y")).toMatchObject({ kind: 'syntax', at: 19 })
})

test('a deep tree is walked to its end', async () => {
  const deep = `select ${'('.repeat(400)}select max(id) from a${')'.repeat(400)}`
  expect(await tablesOf(deep)).toEqual(['a'])
})
