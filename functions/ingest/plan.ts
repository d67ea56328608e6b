import type { BatchManifest, RawObject } from '#lake/batch.ts'
import { batchId } from './name.ts'

export interface BatchLimits {
  readonly objectsMax: number
  readonly bytesMax: number
}

/** One batch is one refine execution: its Lambdas must finish within their 15 minutes and their disk. */
export const BATCH_LIMITS: BatchLimits = { objectsMax: 1_000, bytesMax: 2_000_000_000 }

/** Packs objects in order of their ids, which is the order they landed in; one that is larger than a batch goes alone. */
export function planBatches(
  dataset: string,
  objects: readonly RawObject[],
  limits: BatchLimits = BATCH_LIMITS,
): readonly BatchManifest[] {
  const groups: RawObject[][] = []
  let room = { objects: 0, bytes: 0 }
  for (const object of objects.toSorted(byId)) {
    if (room.objects < 1 || room.bytes < object.bytes) {
      groups.push([])
      room = { objects: limits.objectsMax, bytes: limits.bytesMax }
    }
    groups.at(-1)?.push(object)
    room = { objects: room.objects - 1, bytes: room.bytes - object.bytes }
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
