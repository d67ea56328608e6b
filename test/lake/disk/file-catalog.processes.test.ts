// Contract: of many processes that commit to one table at once, exactly one wins each version, and every win replaces exactly
// the version it was built on: no update is lost. That holds for a writer that slept while its version was pruned, too.
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fileCatalog } from '#lake/disk/file-catalog.ts'
import type { CatalogEntry, IcebergEntry } from '#lake/lake.ts'
import { kindOf } from '../../contracts/storage.contract.ts'

const PROCESSES = 4
const WINS = 60

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-catalog-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

const entry = (name: string): IcebergEntry => ({
  metadataLocation: `file:///t/${name}.json`,
  location: 'file:///t',
  columns: [],
})

test('processes that commit at once build one unbroken history', { timeout: 120_000 }, async () => {
  const catalog = fileCatalog(root)
  await catalog.create('t', entry('first'))
  const outputs = await Promise.all(Array.from({ length: PROCESSES }, commits))
  const wins = outputs.flat().sort((a, b) => Number(a.base.token) - Number(b.base.token))
  expect(wins.map(win => win.base.token)).toEqual(wins.map((_win, index) => String(index + 1)))
  expect(wins).toHaveLength(PROCESSES * WINS)
  let previous = entry('first').metadataLocation
  for (const win of wins) {
    expect(win.base.metadataLocation).toBe(previous)
    previous = win.metadataLocation
  }
  expect(await catalog.load('t')).toEqual({
    name: 't',
    metadataLocation: previous,
    token: String(PROCESSES * WINS + 1),
  })
  expect((await readdir(join(root, 'catalog', 't'))).length).toBeLessThanOrEqual(PROCESSES + 12)
})

test('a base that was pruned long ago conflicts, and its counter cannot be taken again', async () => {
  const catalog = fileCatalog(root)
  await catalog.create('t', entry('v1'))
  const old = (await catalog.load('t'))!
  for (let version = 2; version <= 30; version++)
    await catalog.swap('t', (await catalog.load('t'))!, entry(`v${version}`))
  expect(await kindOf(catalog.swap('t', old, entry('late')))).toBe('conflict')
  expect(await kindOf(catalog.create('t', entry('again')))).toBe('already-exists')
  expect((await catalog.load('t'))?.metadataLocation).toBe('file:///t/v30.json')
  const names = (await readdir(join(root, 'catalog', 't'))).sort()
  expect(names).toEqual(Array.from({ length: 11 }, (_, index) => `${20 + index}.json`))
})

async function commits(): Promise<readonly { readonly base: CatalogEntry; readonly metadataLocation: string }[]> {
  const script = new URL('./committer.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, root, String(WINS)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = (await text(child.stdout)).trim().split('\n')
  return lines.map(line => JSON.parse(line))
}
