// Contract: a writer that slept between looking and linking never takes a counter twice unnoticed. When its counter had been
// pruned meanwhile, the successor tells that it lost; when that is pruned too, it does not guess.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fileCatalog, linkPointer } from '#lake/disk/file-catalog.ts'
import { kindOf } from '../../contracts/storage.contract.ts'

let root: string
let folder: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-late-'))
  folder = join(root, 'catalog', 't')
})
afterEach(() => rm(root, { recursive: true, force: true }))

const pointer = (name: string, previous?: string) => ({
  metadataLocation: `file:///t/${name}.json`,
  location: 'file:///t',
  columns: [],
  ...(previous === undefined ? {} : { previous: `file:///t/${previous}.json` }),
})
const there = (counter: number, content: object): Promise<void> =>
  writeFile(join(folder, `${counter}.json`), JSON.stringify(content))

test('the next counter is taken once', async () => {
  expect(await linkPointer(folder, 1, pointer('a'))).toBe(true)
  expect(await linkPointer(folder, 1, pointer('b'))).toBe(false)
  expect((await fileCatalog(root).load('t'))?.metadataLocation).toBe('file:///t/a.json')
  expect(await readdir(folder)).toEqual(['1.json'])
})

test('a pruned counter that is linked again is lost when its successor replaced another', async () => {
  await linkPointer(folder, 1, pointer('a'))
  await rm(join(folder, '1.json'))
  await there(2, pointer('c', 'a'))
  expect(await linkPointer(folder, 1, pointer('late'))).toBe(false)
  expect((await fileCatalog(root).load('t'))?.metadataLocation).toBe('file:///t/c.json')
})

test('a successor that replaced this very pointer proves that it was won', async () => {
  await linkPointer(folder, 1, pointer('a'))
  await there(3, pointer('c', 'b'))
  expect(await linkPointer(folder, 2, pointer('b', 'a'))).toBe(true)
})

test('without a successor to ask, the outcome is unknown, and the table is not moved back', async () => {
  await linkPointer(folder, 1, pointer('a'))
  await there(9, pointer('i', 'h'))
  expect(await kindOf(linkPointer(folder, 2, pointer('b', 'a')))).toBe('commit-unknown')
  expect((await fileCatalog(root).load('t'))?.metadataLocation).toBe('file:///t/i.json')
})
