import type { BatchManifest, RawObject } from '#lake/batch.ts'
import { BATCH_LIMITS, type BatchLimits, batchCuts } from '#lake/batch-limits.ts'
import { batchId } from '#lake/raw-id.ts'

/** Packs objects in order of their ids, which is the order they landed in; one that is larger than a batch goes alone. */
export function planBatches(
  dataset: string,
  objects: readonly RawObject[],
  limits: BatchLimits = BATCH_LIMITS,
): readonly BatchManifest[] {
  const groups: RawObject[][] = []
  const begins = batchCuts(limits)
  for (const object of objects.toSorted(byId)) {
    if (begins(object.bytes)) groups.push([])
    groups.at(-1)?.push(object)
  }
  return groups.map(group => ({
    id: batchId(
      dataset,
      group[0]?.landedMs ?? 0,
      group.map(object => object.id),
    ),
    dataset,
    objects: group,
  }))
}

function byId(a: RawObject, b: RawObject): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
