// Contract: stored bytes never change. Copies within the pipeline's zones share their file, which is read-only and only ever
// replaced; what producers can still write to is really copied; and no object looks older than it is.
import { createHash } from 'node:crypto'
import { link, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { diskStorage } from '#lake/disk/disk-storage.ts'
import { sweepTemps } from '#lake/disk/disk-write.ts'
import type { Storage } from '#lake/lake.ts'

let root: string
let storage: Storage
const uri = (path: string): string => `file://${root}/${path}`
const inode = async (path: string): Promise<number> => (await stat(join(root, path))).ino
const show = async (path: string): Promise<string> => Buffer.from(await storage.get(uri(path))).toString()

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-copies-'))
  storage = diskStorage(root)
})
afterEach(() => rm(root, { recursive: true, force: true }))

test('a copy from landing is a file of its own: writing into the landing file does not reach it', async () => {
  await storage.put(uri('landing/a.csv'), Buffer.from('original'))
  await storage.copy(uri('landing/a.csv'), uri('raw/a.csv'))
  expect(await inode('raw/a.csv')).not.toBe(await inode('landing/a.csv'))
  await writeFile(join(root, 'landing', 'a.csv'), 'scribble')
  expect(await show('raw/a.csv')).toBe('original')
})

test('a copy between the other zones is another name of the same file, and survives every change of the first', async () => {
  await storage.put(uri('staging/f.parquet'), Buffer.from('rows'), { metadata: { of: 'staging' } })
  await storage.copy(uri('staging/f.parquet'), uri('tables/t/f.parquet'), { metadata: { of: 'table' } })
  expect(await inode('tables/t/f.parquet')).toBe(await inode('staging/f.parquet'))
  expect((await storage.head(uri('staging/f.parquet')))?.metadata).toEqual({ of: 'staging' })
  expect((await storage.head(uri('tables/t/f.parquet')))?.metadata).toEqual({ of: 'table' })
  await storage.put(uri('staging/f.parquet'), Buffer.from('other'))
  expect(await show('tables/t/f.parquet')).toBe('rows')
  await storage.delete(uri('staging/f.parquet'))
  expect(await show('tables/t/f.parquet')).toBe('rows')
  expect((await storage.head(uri('tables/t/f.parquet')))?.metadata).toEqual({ of: 'table' })
})

test('a copy onto itself replaces the metadata and keeps the bytes', async () => {
  await storage.put(uri('raw/x'), Buffer.from('x'), { metadata: { a: '1' } })
  await storage.copy(uri('raw/x'), uri('raw/x'), { metadata: { b: '2' } })
  expect((await storage.head(uri('raw/x')))?.metadata).toEqual({ b: '2' })
  await storage.copy(uri('raw/x'), uri('raw/x'))
  expect((await storage.head(uri('raw/x')))?.metadata).toEqual({})
  expect(await show('raw/x')).toBe('x')
})

test('stored objects are read-only outside landing', async () => {
  await storage.put(uri('raw/x'), Buffer.from('x'))
  await storage.put(uri('landing/x'), Buffer.from('x'))
  expect((await stat(join(root, 'raw/x'))).mode & 0o777).toBe(0o444)
  expect((await stat(join(root, 'landing/x'))).mode & 0o777).toBe(0o644)
})

test('an upload does not take part in what happens to the local file afterwards', async () => {
  const path = join(root, 'local')
  await writeFile(path, 'uploaded')
  const sha256 = createHash('sha256').update('uploaded').digest('hex')
  await storage.upload(path, uri('tables/x'), { sha256 })
  await writeFile(path, 'scribble')
  expect(await show('tables/x')).toBe('uploaded')
})

test('a staged file is the stored one, without a copy', async () => {
  await storage.put(uri('raw/x'), Buffer.from('bytes'))
  const staged = await storage.stage(uri('raw/x'), join(root, 'elsewhere'))
  expect(staged.path).toBe(join(root, 'raw/x'))
  expect(await readFile(staged.path, 'utf8')).toBe('bytes')
})

test('an object is as young as its last name, so that a sweeper never takes a fresh copy of an old file for garbage', async () => {
  await storage.put(uri('staging/old'), Buffer.from('x'))
  await setTimeout(60)
  const before = Date.now() - 20
  const copied = await storage.copy(uri('staging/old'), uri('tables/new'))
  expect(copied.modifiedMs).toBeGreaterThanOrEqual(before)
  for await (const found of storage.list(uri('tables/'))) expect(found.modifiedMs).toBeGreaterThanOrEqual(before)
})

test('in landing the time is that of the bytes, whatever else happens to the file', async () => {
  const path = join(root, 'landing/old.csv')
  await storage.put(uri('landing/old.csv'), Buffer.from('x'))
  await utimes(path, 1_000_000_000, 1_000_000_000)
  await link(path, join(root, 'landing/other.csv'))
  expect((await storage.head(uri('landing/old.csv')))?.modifiedMs).toBe(1_000_000_000_000)
})

test('a version never comes back, not even within one tick of the kernel clock', async () => {
  const versions = new Set<string>()
  for (let round = 0; round < 200; round++) {
    versions.add((await storage.put(uri('ops/x'), Buffer.from('same size'))).version)
    await storage.delete(uri('ops/x'))
  }
  expect(versions.size).toBe(200)
})

test('temp files of processes that died go after a day, younger ones stay', async () => {
  await storage.put(uri('raw/x'), Buffer.from('x'))
  const folder = join(root, 'tmp', 'objects')
  await writeFile(join(folder, '1-left-behind'), 'x')
  const { ctimeMs } = await stat(join(folder, '1-left-behind'))
  await sweepTemps(folder, ctimeMs + 23 * 3_600_000)
  expect(await readdir(folder)).toEqual(['1-left-behind'])
  await sweepTemps(folder, ctimeMs + 25 * 3_600_000)
  expect(await readdir(folder)).toEqual([])
})
