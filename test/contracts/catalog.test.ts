// Contract: memory and disk keep every promise of the Catalog port (catalog.contract.ts).
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileCatalog } from '#lake/disk/file-catalog.ts'
import { memoryCatalog } from '#lake/disk/memory-catalog.ts'
import { catalogContract } from './catalog.contract.ts'

catalogContract('memory', async () => ({
  catalog: memoryCatalog(),
  dispose: async () => undefined,
}))

catalogContract('disk', async () => {
  const root = await mkdtemp(join(tmpdir(), 'sluice-catalog-'))
  return {
    catalog: fileCatalog(root),
    dispose: () => rm(root, { recursive: true, force: true }),
  }
})
