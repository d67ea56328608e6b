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
  /** It is reported as unknown and arrives that many calls of the catalog later, before the last of them is answered. */
  | `late by ${number}`
  /** The catalog is busy: nothing happens. */
  | 'throttled'

export interface LosingCatalog extends Catalog {
  readonly swaps: () => number
  /** Whatever is still on its way arrives now. */
  readonly arrive: () => Promise<void>
}

/** A catalog whose swaps meet the given fates in turn, and succeed or fail honestly afterwards. */
export function losingCatalog(catalog: Catalog, fates: readonly Fate[]): LosingCatalog {
  let swaps = 0
  let late: { calls: number; readonly apply: () => Promise<void> }[] = []
  const unknown = (): LakeError => new LakeError('commit-unknown', 'the answer was lost')
  /** A swap that was on its way compares like any other, and may find that the table moved on. */
  const arrive = async (isDue: (calls: number) => boolean): Promise<void> => {
    const due = late.filter(each => isDue(each.calls))
    late = late.filter(each => !due.includes(each))
    for (const each of due) await each.apply().catch(() => undefined)
  }
  const tick = async (): Promise<void> => {
    for (const each of late) each.calls--
    await arrive(calls => calls <= 0)
  }
  return {
    ...catalog,
    swaps: () => swaps,
    arrive: () => arrive(() => true),
    load: async name => {
      await tick()
      return catalog.load(name)
    },
    swap: async (name, expected, entry) => {
      await tick()
      const fate = fates[swaps++] ?? 'ok'
      const apply = (): Promise<void> => catalog.swap(name, expected, entry)
      const afterThis = late.filter(each => each.calls === Number.POSITIVE_INFINITY)
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
          late.push({ calls: Number.POSITIVE_INFINITY, apply })
          throw unknown()
        case 'throttled':
          throw new LakeError('throttled', 'slow down')
        default:
          late.push({ calls: Number(fate.replace('late by ', '')), apply })
          throw unknown()
      }
      for (const each of afterThis) each.calls = 0
      await arrive(calls => calls <= 0)
    },
  }
}

export function withCatalog(lake: Lake, catalog: Catalog): Lake {
  return { ...lake, catalog }
}
