// Contract: dead letters as documents, in memory and on disk, keep every promise of the port (dead-letters.contract.ts).
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { diskStorage } from '#lake/disk/disk-storage.ts'
import { memoryStorage } from '#lake/disk/memory-storage.ts'
import { storedDeadLetters } from '#lake/disk/stored-dead-letters.ts'
import { seededIds, virtualClock } from '#lake/disk/virtual-time.ts'
import type { Storage } from '#lake/lake.ts'
import { type DeadLettersUnderTest, deadLettersContract } from './dead-letters.contract.ts'

function over(storage: Storage, ops: string, dispose: () => void): DeadLettersUnderTest {
  const clock = virtualClock(Date.UTC(2026, 0, 1))
  const ids = seededIds('letters')
  const deadLetters = storedDeadLetters({ storage, ops, clock, ids })
  const sent: string[] = []
  deadLetters.attach('work', body => sent.push(body))
  return {
    deadLetters,
    lose: async bodies => {
      for (const body of bodies)
        await deadLetters.keep({ id: ids.uuid(), queue: 'work', body, cause: 'c', message: 'm', sentMs: clock.nowMs() })
    },
    sent: async () => sent,
    pass: async seconds => clock.advance(seconds * 1_000),
    dispose: async () => dispose(),
  }
}

deadLettersContract('in memory', async () =>
  over(memoryStorage({ clock: virtualClock(0) }), 's3://ops', () => undefined),
)

deadLettersContract('on disk', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-letters-'))
  return over(diskStorage(folder), `file://${folder}/ops`, () => rmSync(folder, { recursive: true, force: true }))
})
