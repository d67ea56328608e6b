import type { Outcome } from './fold.ts'

/** What became of the records of a batch. */
export interface Counts {
  readonly applied: number
  readonly superseded: number
  readonly stale: number
  readonly duplicate: number
  readonly skipped: number
  /** Changes of forgotten keys, put aside. */
  readonly late: number
  readonly patched: number
  readonly unresolved: number
  readonly resurrectionsPrevented: number
}

export const NOTHING: Counts = {
  applied: 0,
  superseded: 0,
  stale: 0,
  duplicate: 0,
  skipped: 0,
  late: 0,
  patched: 0,
  unresolved: 0,
  resurrectionsPrevented: 0,
}

const NAMES = Object.keys(NOTHING) as readonly (keyof Counts)[]

export const sum = (left: Counts, right: Partial<Counts>): Counts =>
  Object.fromEntries(NAMES.map(name => [name, left[name] + (right[name] ?? 0)])) as unknown as Counts

export function tally(outcomes: readonly Outcome[]): Partial<Counts> {
  const of = (outcome: Outcome): number => outcomes.filter(each => each === outcome).length
  return {
    applied: of('applied'),
    superseded: of('superseded'),
    stale: of('stale'),
    duplicate: of('duplicate'),
    skipped: of('skipped'),
    late: of('late_beyond_retention'),
  }
}

/** In the snapshot summary, where a repetition finds them. */
export const summaryOf = (counts: Counts): Readonly<Record<string, string>> =>
  Object.fromEntries(NAMES.map(name => [`sluice.changes-${dashed(name)}`, String(counts[name])]))

export const countsIn = (summary: Readonly<Record<string, string>>): Counts =>
  Object.fromEntries(
    NAMES.map(name => [name, Number(summary[`sluice.changes-${dashed(name)}`] ?? 0)]),
  ) as unknown as Counts

const dashed = (name: string): string => name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
