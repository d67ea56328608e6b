import type { CaseEvent } from './cdc-case.ts'

type Batches = readonly (readonly CaseEvent[])[]

const SEEDS = 20

export const singles = (events: readonly CaseEvent[]): Batches => events.map(event => [event])

/** The events in other orders and other cuts, the same ones for the same seed. */
export function permutations(events: readonly CaseEvent[]): readonly (readonly [string, Batches])[] {
  return Array.from({ length: SEEDS }, (_none, seed) => {
    const random = randomOf(seed + 1)
    return [`permuted by seed ${seed + 1}`, cut(shuffled(events, random), random)]
  })
}

function shuffled<T>(list: readonly T[], random: () => number): readonly T[] {
  const result = [...list]
  for (let at = result.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    ;[result[at], result[other]] = [result[other] as T, result[at] as T]
  }
  return result
}

function cut(events: readonly CaseEvent[], random: () => number): Batches {
  const batches: CaseEvent[][] = [[]]
  for (const event of events) {
    if ((batches.at(-1) as CaseEvent[]).length > 0 && random() < 0.5) batches.push([])
    batches.at(-1)?.push(event)
  }
  return batches
}

/** Mulberry32: a seed gives the same numbers everywhere. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
