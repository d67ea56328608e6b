// A session can read and write the folders it was given and its spill folder, and nothing else: no other file, no network, no
// extension, no setting. It is so from the first statement, on every connection, whatever text reaches it.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { duckdbEngine, type Session } from '../../../lake/duckdb/engine.ts'
import { Sql, sql } from '../../../lake/duckdb/sql.ts'

const root = mkdtempSync(join(tmpdir(), 'sluice-lock-'))
const folders = {
  allowed: join(root, "it's allowed"),
  sibling: join(root, "it's allowed too"),
  scratch: join(root, 'scratch'),
}
let session: Session
let second: Session

beforeAll(async () => {
  for (const folder of Object.values(folders)) mkdirSync(folder)
  writeFileSync(join(folders.allowed, 'in.csv'), 'id\n1\n')
  writeFileSync(join(folders.sibling, 'secret.csv'), 'id\n2\n')
  session = await duckdbEngine.open({
    threads: 2,
    memoryBytes: 200_000_000,
    folders: [folders.allowed],
    scratch: folders.scratch,
  })
  second = await session.connect()
})
afterAll(async () => {
  await second.close()
  await session.close()
  rmSync(root, { recursive: true, force: true })
})

/** As if an attacker had got syntax past the quoting. */
const hostile: readonly string[] = [
  `SELECT * FROM read_text('/etc/passwd')`,
  `SELECT * FROM read_blob('/proc/self/environ')`,
  `SELECT * FROM read_csv('/etc/hostname')`,
  `SELECT * FROM glob('/etc/*')`,
  `SELECT * FROM '/etc/hostname.csv'`,
  `SELECT * FROM 'https://example.com/x.csv'`,
  `SELECT * FROM read_parquet('s3://bucket/key')`,
  `COPY (SELECT 1) TO '${root}/out.csv'`,
  `EXPORT DATABASE '${root}/export'`,
  `IMPORT DATABASE '${root}'`,
  `ATTACH '${root}/other.db'`,
  `INSTALL httpfs`,
  `LOAD httpfs`,
  `LOAD '${root}/own.duckdb_extension'`,
  `FORCE INSTALL httpfs FROM 'http://example.com'`,
  `CREATE PERSISTENT SECRET s (TYPE S3)`,
  `SET memory_limit = '100GB'`,
  `SET threads = 64`,
  `SET temp_directory = '/tmp'`,
  `SET allowed_directories = ['/']`,
  `SET allowed_paths = ['/etc/passwd']`,
  `SET enable_external_access = true`,
  `SET GLOBAL enable_external_access = true`,
  `RESET enable_external_access`,
  `SET lock_configuration = false`,
  `RESET lock_configuration`,
  `SET TimeZone = 'Asia/Tokyo'`,
  `SET autoload_known_extensions = true`,
  `PRAGMA memory_limit = '100GB'`,
  `PRAGMA temp_directory = '/tmp'`,
]

describe.each([
  ['the first connection', () => session],
  ['another connection', () => second],
])('on %s', (_name, of) => {
  test.each(hostile)('%s', async statement => {
    await expect(of().rows(Sql.trusted(statement))).rejects.toMatchObject({ kind: 'engine-failed' })
  })

  test.each([
    ['a sibling whose name only begins alike', () => join(folders.sibling, 'secret.csv')],
    ['steps out of an allowed folder', () => `${folders.allowed}/../it's allowed too/secret.csv`],
    ['steps out and far away', () => `${folders.allowed}/../../../../../../../etc/hostname`],
  ])('%s', async (_case, place) => {
    await expect(of().rows(sql`SELECT * FROM read_text(${place()})`)).rejects.toThrow('Permission Error')
    await expect(of().run(sql`COPY (SELECT 1) TO ${place()} (FORMAT csv)`)).rejects.toThrow('Permission Error')
  })

  test('what it was given works, in a folder with a quote in its name too', async () => {
    expect(await of().rows(sql`SELECT id FROM read_csv(${join(folders.allowed, 'in.csv')})`)).toEqual([{ id: '1' }])
    const out = join(folders.allowed, 'out.parquet')
    await of().run(sql`COPY (SELECT 42 AS answer) TO ${out} (FORMAT parquet)`)
    expect(await of().rows(sql`SELECT answer FROM read_parquet(${out})`)).toEqual([{ answer: 42 }])
  })

  test('times are UTC, whatever the time zone of the machine', async () => {
    expect(await of().rows(sql`SELECT CAST(TIMESTAMPTZ '2024-02-29 23:00:00+00' AS VARCHAR) AS at`)).toEqual([
      { at: '2024-02-29 23:00:00+00' },
    ])
  })
})

test('nothing that was refused left a file', () => {
  for (const name of ['out.csv', 'export', 'other.db']) expect(existsSync(join(root, name))).toBe(false)
  expect(readdirSync(folders.sibling)).toEqual(['secret.csv'])
})

test('memory is bounded: a statement that needs more fails as retryable, and the session lives on', async () => {
  const small = await duckdbEngine.open({ threads: 1, memoryBytes: 40_000_000, folders: [], scratch: folders.scratch })
  const greedy = sql`SELECT list(repeat(CAST(i AS VARCHAR), 100)) AS all_of_them FROM range(3000000) t(i)`
  await expect(small.run(greedy)).rejects.toMatchObject({ kind: 'out-of-memory', retryable: true })
  expect(await small.rows(sql`SELECT 1 AS one`)).toEqual([{ one: 1 }])
  await small.close()
})

test('a closed session leaves no spill folder behind', async () => {
  const before = readdirSync(folders.scratch)
  const short = await duckdbEngine.open({ threads: 1, memoryBytes: 40_000_000, folders: [], scratch: folders.scratch })
  expect(readdirSync(folders.scratch)).toHaveLength(before.length + 1)
  await short.close()
  expect(readdirSync(folders.scratch)).toEqual(before)
})

test('two sessions of one process do not see each other', async () => {
  const other = await duckdbEngine.open({ threads: 1, memoryBytes: 40_000_000, folders: [], scratch: folders.scratch })
  await other.run(sql`CREATE TABLE mine AS SELECT 1 AS id`)
  await expect(session.rows(sql`SELECT * FROM mine`)).rejects.toMatchObject({ kind: 'engine-failed' })
  await expect(other.rows(sql`SELECT * FROM read_csv(${join(folders.allowed, 'in.csv')})`)).rejects.toThrow(
    'Permission',
  )
  await other.close()
})
