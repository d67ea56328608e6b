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
/** The current pointer and a hundred before it. */
const POINTERS_MAX = 101

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
  const attempts = (await Promise.all(Array.from({ length: PROCESSES }, commits))).flat()
  const wins = attempts.filter(attempt => attempt.known)
  expect(wins).toHaveLength(PROCESSES * WINS)
  const current = (await catalog.load('t'))!
  let previous = entry('first').metadataLocation
  for (let token = 1; token < Number(current.token); token++) {
    const built = attempts.filter(attempt => attempt.base.token === String(token))
    const winners = built.filter(attempt => attempt.known)
    expect(winners.length).toBeLessThanOrEqual(1)
    const winner = winners[0] ?? built[0]
    expect(winner?.base.metadataLocation).toBe(previous)
    previous = winner?.metadataLocation ?? ''
  }
  expect(current.metadataLocation).toBe(previous)
  expect((await readdir(join(root, 'catalog', 't'))).length).toBeLessThanOrEqual(POINTERS_MAX + PROCESSES)
})

test('a base that was pruned long ago conflicts, and its counter cannot be taken again', async () => {
  const catalog = fileCatalog(root)
  await catalog.create('t', entry('v1'))
  const old = (await catalog.load('t'))!
  for (let version = 2; version <= 130; version++)
    await catalog.swap('t', (await catalog.load('t'))!, entry(`v${version}`))
  expect(await kindOf(catalog.swap('t', old, entry('late')))).toBe('conflict')
  expect(await kindOf(catalog.create('t', entry('again')))).toBe('already-exists')
  expect((await catalog.load('t'))?.metadataLocation).toBe('file:///t/v130.json')
  const names = await readdir(join(root, 'catalog', 't'))
  expect(names.sort()).toEqual(Array.from({ length: POINTERS_MAX }, (_, index) => `${30 + index}.json`).sort())
})

interface Attempt {
  readonly base: CatalogEntry
  readonly metadataLocation: string
  readonly known: boolean
}

async function commits(): Promise<readonly Attempt[]> {
  const script = new URL('./committer.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, root, String(WINS)], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  expect(errors).toBe('')
  return output
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Attempt)
}
