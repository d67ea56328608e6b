import type { Change, Outcome } from './fold.ts'
import type { Timed } from './line.ts'
import type { Loaded } from './load.ts'
import type { Spill } from './spill.ts'
import type { Ref } from './task.ts'

/** Some of the keys of a batch, to be folded at once. */
export interface ChunkTask {
  readonly loaded: Loaded
  /** The truncate of the batch that counts. */
  readonly truncate: Change<Ref> | undefined
  /** Those of earlier batches too. */
  readonly truncates: readonly Timed[]
  readonly spill: Spill
}

/** Changes of keys that are forgotten. */
export function putAside(outcomes: readonly Outcome[], { changes }: Loaded, spill: Spill): void {
  for (const [at, change] of changes.entries()) if (outcomes[at] === 'late_beyond_retention') spill.late(change.source)
}
