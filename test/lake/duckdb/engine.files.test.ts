// A session may be let in to single files: it reads those, through a link with a name of our own, and nothing that stands beside them.
import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { duckdbEngine, type Session } from '../../../lake/duckdb/engine.ts'
import { sql } from '../../../lake/duckdb/sql.ts'

const root = realpathSync(mkdtempSync(join(tmpdir(), 'engine-files-')))
const [data, scratch] = [join(root, "it's [1].csv"), join(root, 'scratch')]
let session: Session

beforeAll(async () => {
  writeFileSync(data, 'a\n1\n')
  writeFileSync(join(root, 'beside.csv'), 'a\n2\n')
  session = await duckdbEngine.open({
    threads: 1,
    memoryBytes: 200_000_000,
    folders: [scratch],
    files: [data],
    scratch,
  })
  symlinkSync(data, join(scratch, 'data.csv'))
  symlinkSync(join(root, 'beside.csv'), join(scratch, 'beside.csv'))
})
afterAll(async () => {
  await session.close()
  rmSync(root, { recursive: true })
})

const read = async (path: string): Promise<unknown> =>
  (await session.rows(sql`SELECT a FROM read_csv(${path})`))[0]?.['a']

test('the file itself and a link to it are read', async () => {
  expect(await read(data)).toBe('1')
  expect(await read(join(scratch, 'data.csv'))).toBe('1')
})

test('no other file is, not even through a link in a folder that is allowed', async () => {
  await expect(read(join(root, 'beside.csv'))).rejects.toThrow('Permission Error')
  await expect(read(join(scratch, 'beside.csv'))).rejects.toThrow('Permission Error')
})

test('the list of files cannot be changed', async () => {
  await expect(session.run(sql`SET allowed_paths = [${join(root, 'beside.csv')}]`)).rejects.toThrow()
})
