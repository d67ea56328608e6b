// Rules may name other data: what --source gives under an alias, or a table of the lake. One that is neither is told before anything is
// read. Tables are checked as files are, at any of their snapshots. File rules see the files of the data and of its sources.
import { createHash } from 'node:crypto'
import { utimesSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../../lake/duckdb/sql.ts'
import { createTable } from '../../lake/iceberg/table-definition.ts'
import { appendRows, column, definition, openSession, type Workbench } from '../lake/iceberg/fixture.ts'
import { type CheckBench, checkBench } from './check-bench.ts'

let files: CheckBench
let lake: CheckBench
let maker: Workbench
let firstSnapshot: string

const ORDERS = 'id,user_id,amount\n1,1,10\n2,2,20\n3,9,30\n'
const USERS = 'id,name\n1,Ann\n2,Bob\n'

beforeAll(async () => {
  files = checkBench()
  files.write('orders.csv', ORDERS)
  files.write('users.csv', USERS)
  files.write("us'er [s].csv", USERS)
  lake = checkBench()
  lake.write('orders.csv', ORDERS)
  maker = { root: lake.folder, lake: lake.lake, session: await openSession(lake.folder), close: async () => undefined }
  await createTable(lake.lake, definition('users', [column('id', 'long'), column('name', 'string')]))
  await createTable(lake.lake, definition('nothing_yet', [column('id', 'long')]))
  const table = await appendRows(maker, 'users', sql`SELECT 1 AS id, 'Ann' AS name`)
  firstSnapshot = String(table.metadata['current-snapshot-id'])
  await appendRows(maker, 'users', sql`SELECT 2 AS id, NULL AS name`)
})
afterAll(async () => {
  await maker.session.close()
  files.remove()
  lake.remove()
})

const USERS_OF_FILE = ['--data', 'orders.csv', '--source', 'users=users.csv']

test('rules that compare with another file', async () => {
  const rules = `ReferentialIntegrity "user_id" "users.id" between 0.6 and 0.7, RowCountMatch "users" = 1.5,
    AggregateMatch "sum(amount)" "sum(users.id)" = 20.0, DatasetMatch "users" "id" "id" < 1.0,
    CustomSql "select count(*) from primary p join users u on u.id = p.user_id" = 2`
  expect(await files.outcomes(rules, USERS_OF_FILE)).toEqual(Array(5).fill('Passed'))
})

test('several sources, and a name full of traps', async () => {
  const rules = 'RowCountMatch "a" = 1.5, RowCountMatch "b" = 1.0, DatasetMatch "b" "id" = 1.0'
  const sources = ['--source', "a=us'er [s].csv", '--source', 'b=orders.csv']
  expect(await files.outcomes(rules, ['--data', 'orders.csv', ...sources])).toEqual(['Passed', 'Passed', 'Passed'])
})

test.each([
  ['RowCountMatch "user" > 0', 'user'],
  ['ReferentialIntegrity "user_id" "userz.{id}" = 1', 'userz'],
  ['DatasetMatch "Users" "id" = 1', 'Users'],
  ['(RowCount > 0) and (SchemaMatch "usrs" = 1)', 'usrs'],
])('%s: the alias is not known', async (rule, alias) => {
  const ran = await files.check(rule, USERS_OF_FILE)
  expect(ran.code).toBe(2)
  expect(ran.err).toBe(
    `error: the rules name the data source ${alias}, which is not given\n` +
      `next:  did you mean users? or give it: --source ${alias}=FILE-OR-TABLE\n`,
  )
})

test.each([
  [['--source', 'users.csv'], '--source users.csv is no data source'],
  [['--source', '=users.csv'], '--source =users.csv is no data source'],
  [['--source', 'users='], '--source users= is no data source'],
  [['--source', 'users=users.csv', '--source', 'users=orders.csv'], '--source users is given twice'],
  [['--source', 'primary=users.csv'], '--source primary is the data itself'],
  [['--source', 'users=user.csv'], 'there is no file user.csv'],
])('%j is refused', async (sources, message) => {
  const ran = await files.check('RowCount > 0', ['--data', 'orders.csv', ...sources])
  expect(ran.err).toContain(`error: ${message}`)
  expect(ran.err).toMatch(/\nnext: {2}\S/)
  expect(ran.code).toBe(2)
})

// --- Tables --------------------------------------------------------------------------------------------------------

test('a table of the lake, now and as it was', async () => {
  const rules = 'RowCount = 2, Completeness "name" = 0.5'
  expect(await lake.outcomes(rules, ['--data', 'users'])).toEqual(['Passed', 'Passed'])
  const then = await lake.outcomes('RowCount = 1, IsComplete "name"', ['--data', 'users', '--at', firstSnapshot])
  expect(then).toEqual(['Passed', 'Passed'])
})

test('a table without rows', async () => {
  expect(await lake.outcomes('RowCount = 0, ColumnExists "id"', ['--data', 'nothing_yet'])).toEqual([
    'Passed',
    'Passed',
  ])
})

test('rows of a table', async () => {
  await lake.check('IsComplete "name"', ['--data', 'users', '--rows', 'users.csv'])
  expect(
    String(lake.read('users.csv'))
      .split('\n')
      .map(line => line.split(',').at(-1))
      .sort(),
  ).toEqual(['', 'DataQualityEvaluationResult', 'Failed', 'Passed'])
})

test('a table is found by its name in the rules, and a --source of that name goes before it', async () => {
  const rules = `RowCountMatch "users" = 1.5, AggregateMatch "sum(amount)" "sum(users.id)" = 20.0,
    CustomSql "select count(*) from users" = 2`
  expect(await lake.outcomes(rules, ['--data', 'orders.csv'])).toEqual(['Passed', 'Passed', 'Passed'])
  lake.write('one.csv', 'id\n1\n')
  expect(
    await lake.outcomes('RowCountMatch "users" = 3.0', ['--data', 'orders.csv', '--source', 'users=one.csv']),
  ).toEqual(['Passed'])
})

test('an unknown table: the names that are near', async () => {
  const ran = await lake.check('RowCount > 0', ['--data', 'user'])
  expect(ran).toMatchObject({ code: 2, err: 'error: there is no table user\nnext:  did you mean users?\n' })
  const alias = await lake.check('RowCountMatch "user" > 0', ['--data', 'users'])
  expect(alias.err).toContain('did you mean users? or give it: --source user=')
})

test('a table where there is no lake: the file of that name', async () => {
  const ran = await files.check('RowCount > 0', ['--data', 'orders'])
  expect(ran.err).toMatch(
    /^error: there is no lake at .* to find orders in\nnext: {2}did you mean orders\.csv\? --lake FOLDER names a lake\n$/,
  )
  expect(ran.code).toBe(2)
})

// --- File rules ----------------------------------------------------------------------------------------------------

test('file rules: sizes, times and digests of the given files', async () => {
  const orders = Buffer.from(ORDERS)
  const hex = (algorithm: string, bytes: Uint8Array): string => createHash(algorithm).update(bytes).digest('hex')
  utimesSync(join(files.folder, 'orders.csv'), new Date('2020-02-03T04:05:06Z'), new Date('2020-02-03T04:05:06Z'))
  const rules = `FileSize "orders.csv" = ${orders.length} B, FileSize "users.csv" < 1 KB,
    FileFreshness "orders.csv" between "2020-02-03" and "2020-02-04",
    FileMatch "orders.csv" in ["${hex('sha256', orders)}"],
    FileMatch "users.csv" in ["${hex('md5', Buffer.from(USERS))}"] with hashAlgorithm = "MD5",
    FileMatch "orders.csv" in ["${hex('sha1', orders)}"] with hashAlgorithm = "SHA-1",
    FileMatch "orders.csv" "users.csv", FileUniqueness "orders" = 1.0`
  const outcomes = await files.outcomes(rules, USERS_OF_FILE)
  expect(outcomes).toEqual(['Passed', 'Passed', 'Passed', 'Passed', 'Passed', 'Passed', 'Failed', 'Passed'])
})

test('file rules without a path are about the data, not about its sources', async () => {
  const rules = `FileSize = ${Buffer.byteLength(ORDERS)} B, RowCountMatch "users" > 1`
  expect(await files.outcomes(rules, USERS_OF_FILE)).toEqual(['Passed', 'Passed'])
})
