import type { ObjectOutcome } from '#lake/batch.ts'
import type { Applied } from './cdc-apply.ts'
import type { CaseStats } from './cdc-case.ts'

/** Reasons of records of which nobody can say whose table they are: with several tables on one stream each of them puts them aside. */
const OF_NO_TABLE: ReadonlySet<string> = new Set([
  'malformed_json',
  'not_an_object',
  'not_an_envelope',
  'unknown_connector',
  'bad_frame',
  'too_long',
])

/** The outcomes of all batches: each record of a stream once, in however many tables it was looked at. */
export function statsOf(batches: readonly (readonly Applied[])[]): CaseStats {
  return batches.flat().length === 0 ? NONE : batches.map(statsOfBatch).reduce(plus)
}

export function reasonsOf(batches: readonly (readonly Applied[])[]): Readonly<Record<string, number>> {
  const reasons = new Map<string, number>()
  for (const targets of batches)
    for (const [at, { verdict, counts }] of targets.entries()) {
      const refused = refusedOf(verdict.objects, at)
      for (const [reason, count] of refused) reasons.set(reason, (reasons.get(reason) ?? 0) + count)
      const late = counts.deadLetters - total(verdict.objects, each => each.quarantined)
      if (late > 0) reasons.set('late_beyond_retention', (reasons.get('late_beyond_retention') ?? 0) + late)
    }
  return Object.fromEntries(reasons)
}

const NONE: CaseStats = {
  received: 0,
  applied: 0,
  superseded: 0,
  stale: 0,
  duplicate: 0,
  skipped: 0,
  dead_letter: 0,
  patched: 0,
}

const plus = (left: CaseStats, right: CaseStats): CaseStats =>
  Object.fromEntries(
    Object.entries(left).map(([name, count]) => [name, count + right[name as keyof CaseStats]]),
  ) as unknown as CaseStats

function statsOfBatch(targets: readonly Applied[]): CaseStats {
  const [lead] = targets
  if (lead === undefined) return NONE
  const received = total(lead.verdict.objects, each => each.read)
  const sums = targets.map(({ counts, verdict }, at) => {
    const refused = total(verdict.objects, each => each.quarantined)
    const ours = refusedOf(verdict.objects, at).reduce((sum, [, count]) => sum + count, 0)
    const { applied, superseded, stale, duplicate, patched } = counts
    const folded = counts.skipped - total(verdict.objects, each => each.skipped ?? 0)
    return {
      ...NONE,
      applied,
      superseded,
      stale,
      duplicate,
      patched,
      skipped: folded,
      dead_letter: counts.deadLetters - refused + ours,
    }
  })
  const all = sums.reduce(plus, NONE)
  const told = all.applied + all.superseded + all.stale + all.duplicate + all.skipped + all.dead_letter
  // What no table took is no row of any: control records, and tables that nobody routes.
  return { ...all, received, skipped: all.skipped + received - told }
}

/** Of the first table all that was refused; of the others what is theirs for certain. */
function refusedOf(objects: readonly ObjectOutcome[], at: number): readonly (readonly [string, number])[] {
  const reasons = objects.flatMap(each => Object.entries(each.reasons))
  return at === 0 ? reasons : reasons.filter(([reason]) => !OF_NO_TABLE.has(reason))
}

const total = (objects: readonly ObjectOutcome[], of: (each: ObjectOutcome) => number): number =>
  objects.reduce((sum, each) => sum + of(each), 0)
