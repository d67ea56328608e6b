import { LakeError } from '#lake/errors.ts'
import type { Catalog, Lake } from '#lake/lake.ts'

/** What happens to one swap. */
export type Fate =
  | 'ok'
  /** Somebody else was faster: nothing happens. */
  | 'conflict'
  /** It happens, and the answer is lost. */
  | 'lost'
  /** It does not happen, and nobody says so. */
  | 'vanished'
  /** It happens, the answer is lost, the client sends it again, and that answer is a conflict. */
  | 'sdk-retry'
  /** It is reported as unknown and arrives at the catalog after the next swap was decided. */
  | 'late'
  /** The catalog is busy: nothing happens. */
  | 'throttled'

/** A catalog whose swaps meet the given fates in turn, and succeed or fail honestly afterwards. */
export function losingCatalog(catalog: Catalog, fates: readonly Fate[]): Catalog & { readonly swaps: () => number } {
  let swaps = 0
  let late: (() => Promise<void>) | undefined
  const unknown = (): LakeError => new LakeError('commit-unknown', 'the answer was lost')
  return {
    ...catalog,
    swaps: () => swaps,
    swap: async (name, expected, entry) => {
      const fate = fates[swaps++] ?? 'ok'
      const apply = (): Promise<void> => catalog.swap(name, expected, entry)
      const arrives = late
      late = undefined
      switch (fate) {
        case 'ok':
          await apply()
          break
        case 'conflict':
          throw new LakeError('conflict', 'the table moved on')
        case 'lost':
          await apply()
          throw unknown()
        case 'vanished':
          throw unknown()
        case 'sdk-retry':
          await apply()
          throw new LakeError('conflict', 'ConcurrentModificationException')
        case 'late':
          late = apply
          throw unknown()
        case 'throttled':
          throw new LakeError('throttled', 'slow down')
      }
      // A swap that was on its way arrives now; it compares like any other and finds the table moved on.
      await arrives?.().catch(() => undefined)
    },
  }
}

export function withCatalog(lake: Lake, catalog: Catalog): Lake {
  return { ...lake, catalog }
}
