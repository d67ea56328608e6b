// Contract: a writer that is killed at any moment leaves each object as it was or as it should be, with the metadata of the
// same write; nothing half-written is ever visible.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { diskStorage } from '#lake/disk/disk-storage.ts'

const KILLS = 20

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-kill-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

test('no torn object after any of many kills', { timeout: 120_000 }, async () => {
  const storage = diskStorage(root)
  let seen = 0
  for (let kill = 1; kill <= KILLS; kill++) {
    await writeAndKill(kill)
    for (const zone of ['ops', 'raw', 'tables'])
      for await (const found of storage.list(`file://${root}/${zone}/`)) {
        const head = await storage.head(found.uri)
        const bytes = Buffer.from(await storage.get(found.uri))
        expect(head?.metadata).toEqual({ fill: String(bytes[0]), bytes: String(bytes.length) })
        expect(bytes.equals(Buffer.alloc(bytes.length, bytes[0]))).toBe(true)
        seen += 1
        // What has been looked at is not looked at again, or the test grows with its square.
        if (zone === 'raw') await storage.delete(found.uri)
      }
  }
  expect(seen).toBeGreaterThan(3 * KILLS)
})

async function writeAndKill(kill: number): Promise<void> {
  const script = new URL('./writer.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, root, String(kill)], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  // Another moment each time; the writer is in the middle of something at all of them.
  await setTimeout(5 + ((kill * 13) % 40))
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(child.signalCode).toBe('SIGKILL')
}
