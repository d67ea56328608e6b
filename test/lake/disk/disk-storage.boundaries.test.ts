// Contract: nothing outside the zone folders is ever read or written, whatever a key or a link in landing says, and what is
// not a plain file is not an object.
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { diskStorage } from '#lake/disk/disk-storage.ts'
import type { Storage } from '#lake/lake.ts'
import { kindOf } from '../../contracts/storage.contract.ts'

let outer: string
let root: string
let storage: Storage
const uri = (path: string): string => `file://${root}/${path}`

beforeEach(async () => {
  outer = await mkdtemp(join(tmpdir(), 'sluice-bounds-'))
  root = join(outer, 'lake')
  await mkdir(join(root, 'landing'), { recursive: true })
  await writeFile(join(outer, 'secret'), 'secret')
  storage = diskStorage(root)
})
afterEach(() => rm(outer, { recursive: true, force: true }))

const listed = async (prefix: string): Promise<readonly string[]> => {
  const uris: string[] = []
  for await (const found of storage.list(prefix)) uris.push(found.uri)
  return uris
}

test('dots in a key stay inside the zone', async () => {
  const key = uri('raw/../../secret')
  expect(await storage.head(key)).toBeUndefined()
  await storage.put(key, Buffer.from('mine'))
  expect(await readFile(join(outer, 'secret'), 'utf8')).toBe('secret')
  expect(await readdir(root)).not.toContain('secret')
  expect(await listed(uri('raw/'))).toEqual([key])
  await storage.delete(key)
  expect(await readFile(join(outer, 'secret'), 'utf8')).toBe('secret')
})

test('a URI outside the zones is refused by every operation', async () => {
  for (const outside of [
    uri('secret'),
    uri('.meta/raw/x'),
    uri('tmp/x'),
    uri('catalog/t/1.json'),
    uri('rawest/x'),
    `file://${outer}/secret`,
    's3://bucket/raw/x',
    uri('raw'),
    uri('raw/'),
  ]) {
    expect(await kindOf(storage.get(outside))).toBe('usage')
    expect(await kindOf(storage.put(outside, Buffer.from('x')))).toBe('usage')
    expect(await kindOf(storage.delete(outside))).toBe('usage')
    expect(await kindOf(storage.copy(outside, uri('raw/x')))).toBe('usage')
    expect(await kindOf(storage.stage(outside, root))).toBe('usage')
  }
})

test('links in landing are not objects and lead nowhere', async () => {
  await symlink(join(outer, 'secret'), join(root, 'landing', 'link'))
  await mkdir(join(outer, 'folder'))
  await writeFile(join(outer, 'folder', 'file'), 'secret')
  await symlink(join(outer, 'folder'), join(root, 'landing', 'folder'))
  await writeFile(join(root, 'landing', 'plain'), 'plain')
  expect(await listed(uri('landing/'))).toEqual([uri('landing/plain')])
  expect(await storage.head(uri('landing/link'))).toBeUndefined()
  expect(await kindOf(storage.get(uri('landing/link')))).toBe('not-found')
  expect(await kindOf(storage.copy(uri('landing/link'), uri('raw/x')))).toBe('not-found')
  expect(await kindOf(storage.get(uri('landing/folder/file')))).toBe('access-denied')
  expect(await kindOf(storage.head(uri('landing/folder/file')))).toBe('access-denied')
  expect(await kindOf(storage.put(uri('landing/folder/new'), Buffer.from('x')))).toBe('access-denied')
  expect(await kindOf(storage.delete(uri('landing/folder/file')))).toBe('access-denied')
  expect(await readdir(join(outer, 'folder'))).toEqual(['file'])
})

test('a zone folder may itself be a link: that is the choice of who runs the lake', async () => {
  await mkdir(join(outer, 'big-disk'))
  await symlink(join(outer, 'big-disk'), join(root, 'raw'))
  await storage.put(uri('raw/x'), Buffer.from('x'))
  expect(await readFile(join(outer, 'big-disk', 'x'), 'utf8')).toBe('x')
  expect(await listed(uri('raw/'))).toEqual([uri('raw/x')])
})

test('a named pipe neither is an object nor blocks', { timeout: 5_000 }, async () => {
  execFileSync('mkfifo', [join(root, 'landing', 'pipe')])
  expect(await storage.head(uri('landing/pipe'))).toBeUndefined()
  expect(await kindOf(storage.get(uri('landing/pipe')))).toBe('not-found')
  expect(await listed(uri('landing/'))).toEqual([])
})

test('files dropped by hand are objects with the key one expects', async () => {
  await mkdir(join(root, 'landing', 'flights', 'day=1'), { recursive: true })
  await writeFile(join(root, 'landing', 'flights', 'day=1', 'a b%20c.csv'), 'id\n1\n')
  const dropped = uri('landing/flights/day=1/a b%20c.csv')
  expect(await listed(uri('landing/flights/'))).toEqual([dropped])
  expect(await storage.head(dropped)).toMatchObject({ bytes: 5, metadata: {} })
  expect(Buffer.from(await storage.get(dropped)).toString()).toBe('id\n1\n')
})

test('a file that changes in place has another version, and the old one is gone', async () => {
  const path = join(root, 'landing', 'growing')
  await writeFile(path, 'one')
  const before = (await storage.head(uri('landing/growing')))!
  await writeFile(path, 'one two')
  expect((await storage.head(uri('landing/growing')))?.version).not.toBe(before.version)
  const { version } = before
  expect(await storage.head(uri('landing/growing'), { version })).toBeUndefined()
  expect(await kindOf(storage.copy(uri('landing/growing'), uri('raw/x'), { version }))).toBe('not-found')
  expect(await storage.head(uri('raw/x'))).toBeUndefined()
})

test('sidecars and temp files are in no zone', async () => {
  await storage.put(uri('raw/x'), Buffer.from('x'), { metadata: { a: '1' } })
  expect((await readdir(root)).sort()).toEqual(['.meta', 'landing', 'raw', 'tmp'])
  expect(await readdir(join(root, 'raw'))).toEqual(['x'])
  expect(await readdir(join(root, 'tmp', 'objects'))).toEqual([])
})

test('what was deleted leaves no folders and no sidecars behind, and landing keeps its folders', async () => {
  for (const zone of ['staging', 'landing']) {
    await storage.put(uri(`${zone}/a/b/x`), Buffer.from('x'), { metadata: { a: '1' } })
    await storage.delete(uri(`${zone}/a/b/x`))
  }
  expect(await readdir(join(root, 'staging'))).toEqual([])
  expect(await readdir(join(root, 'landing', 'a'))).toEqual(['b'])
  const sidecars = await readdir(join(root, '.meta'), { recursive: true })
  expect(sidecars.filter(name => name.endsWith('.json'))).toEqual([])
})
