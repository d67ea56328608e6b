// A file staged `unhashed` has all its bytes and no SHA-256: nobody reads it twice. A checksum to compare with is compared all the
// same.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { diskLake, memoryLake } from '#lake/disk/disk-lake.ts'

test.each([
  ['disk', (root: string) => diskLake(root)],
  ['memory', () => memoryLake()],
] as const)('%s', async (_name, open) => {
  const root = mkdtempSync(join(tmpdir(), 'sluice-unhashed-'))
  const { storage, zones } = open(root)
  const bytes = Buffer.alloc(300_000, 'sluice')
  const uri = `${zones.tables}/t/data/a.parquet`
  await storage.put(uri, bytes)
  const staged = await storage.stage(uri, join(root, 'work'), { unhashed: true })
  expect(staged).toMatchObject({ bytes: 300_000, sha256: '' })
  expect(readFileSync(staged.path).equals(bytes)).toBe(true)
  const missing = storage.stage(`${uri}x`, join(root, 'work'), { unhashed: true })
  await expect(missing).rejects.toMatchObject({ kind: 'not-found' })
  const old = storage.stage(uri, join(root, 'work'), { unhashed: true, version: 'v0' })
  await expect(old).rejects.toMatchObject({ kind: 'not-found' })
  const both = storage.stage(uri, join(root, 'other'), { unhashed: true, sha256: 'ab'.repeat(32) })
  await expect(both).rejects.toMatchObject({ kind: 'checksum' })
  rmSync(root, { recursive: true, force: true })
})
