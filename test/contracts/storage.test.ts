// Contract: memory and disk keep every promise of the Storage port (storage.contract.ts).
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { diskStorage } from '#lake/disk/disk-storage.ts'
import { memoryStorage } from '#lake/disk/memory-storage.ts'
import { purgeContract } from './purge.contract.ts'
import { type StorageUnderTest, storageContract } from './storage.contract.ts'

const inMemory = async (): Promise<StorageUnderTest> => ({
  storage: memoryStorage({ clock: { nowMs: () => 1_700_000_000_000 } }),
  base: 's3://bucket/base',
  objectBelowObject: true,
  dispose: async () => undefined,
})

storageContract('memory', inMemory)
purgeContract('memory', inMemory)

async function onDisk(zone: 'landing' | 'raw'): Promise<StorageUnderTest> {
  const root = await mkdtemp(join(tmpdir(), 'sluice-disk-'))
  return {
    storage: diskStorage(root),
    base: `file://${root}/${zone}/base`,
    objectBelowObject: false,
    dispose: () => rm(root, { recursive: true, force: true }),
  }
}

for (const zone of ['landing', 'raw'] as const) storageContract(`disk, ${zone}`, () => onDisk(zone))
purgeContract('disk', () => onDisk('raw'))
