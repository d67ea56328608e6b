export interface BatchLimits {
  readonly objectsMax: number
  readonly bytesMax: number
}

/** One batch is one refine execution: its Lambdas must finish within their 15 minutes and their disk. */
export const BATCH_LIMITS: BatchLimits = { objectsMax: 1_000, bytesMax: 2_000_000_000 }

/** Asked of one object after the other: whether it begins a new batch. One that is larger than a batch goes alone. */
export function batchCuts(limits: BatchLimits = BATCH_LIMITS): (bytes: number) => boolean {
  let room = { objects: 0, bytes: 0 }
  return bytes => {
    const begins = room.objects < 1 || room.bytes < bytes
    const { objects, bytes: left } = begins ? { objects: limits.objectsMax, bytes: limits.bytesMax } : room
    room = { objects: objects - 1, bytes: left - bytes }
    return begins
  }
}
