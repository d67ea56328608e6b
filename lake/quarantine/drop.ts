import type { BatchManifest } from '../batch.ts'
import type { Lake } from '../lake.ts'
import { type Settling, settle } from './settle.ts'
import { writeSuppressed } from './suppressed.ts'

/**
 * Takes records out of quarantine for good. That they are out is written down before each attempt, so that a replay of their object leaves
 * them out from the moment in which they are gone.
 */
export async function settleDrop(
  lake: Lake,
  { id, dataset, selection }: Pick<BatchManifest, 'id' | 'dataset' | 'selection'>,
  settling: Settling,
): ReturnType<typeof settle> {
  return settle(lake, {
    ...settling,
    onSuppressed: async found => {
      const records = (selection?.objects ?? []).map(({ rawObject, batch }) => {
        const taken = found.find(each => each.rawObject === rawObject)?.records ?? []
        return { rawObject, batch, records: taken, taken, reason: selection?.reason, atMs: selection?.atMs ?? 0 }
      })
      await writeSuppressed(lake, { dataset, drop: id, records })
    },
  })
}
