import type { ObjectOutcome, QualityVerdict, Verdict } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { countOrdinals } from '#lake/quarantine/selection.ts'
import type { DecodedRaw } from './decode-batch.ts'
import type { Newest } from './newest.ts'
import type { FailingRows } from './split.ts'

/** What became of the records of one object: `read = applied + quarantined + superseded + suppressed + skipped + elsewhere`, always. */
export function outcomeOf(
  each: DecodedRaw,
  { newest, failing }: { readonly newest: Newest; readonly failing: FailingRows | undefined },
): ObjectOutcome {
  const rawObject = each.object.id
  if (each.failure)
    return { rawObject, read: 1, applied: 0, quarantined: 1, superseded: 0, reasons: { [each.failure.reason]: 1 } }
  const { applied: fitting, reasons: misfits } = each.decoded ?? { applied: 0, reasons: {} }
  const superseded = newest.superseded.get(rawObject) ?? 0
  const failed = failing?.byObject.get(rawObject)
  const { skipped = 0, elsewhere = 0 } = each.decoded ?? {}
  const suppressed = countOrdinals(each.suppressed ?? [])
  const refused = Object.values(misfits).reduce((sum, count) => sum + count, 0)
  return {
    rawObject,
    read: fitting + refused + suppressed + skipped + elsewhere,
    applied: fitting - superseded - (failed?.rows ?? 0),
    quarantined: refused + (failed?.rows ?? 0),
    superseded,
    ...(suppressed === 0 ? {} : { suppressed }),
    ...(skipped === 0 ? {} : { skipped }),
    ...(elsewhere === 0 ? {} : { elsewhere }),
    reasons: { ...misfits, ...failed?.reasons },
  }
}

/** What the workflow sees of a verdict. */
export interface QualityReport {
  readonly dataset: string
  readonly batch: string
  readonly status: Verdict['status']
  readonly reason?: string
  readonly mode: Dataset['publish']['mode']
  readonly read: number
  readonly quarantined: number
  /** Of datasets that have rules: how many passed, and their share of all. */
  readonly rules?: { readonly passed: number; readonly failed: number; readonly score: number }
}

export function reportOf(dataset: Dataset, verdict: Verdict): QualityReport {
  const total = (of: 'read' | 'quarantined'): number => verdict.objects.reduce((sum, each) => sum + each[of], 0)
  return {
    dataset: dataset.name,
    batch: verdict.batch,
    status: verdict.status,
    ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
    mode: dataset.publish.mode,
    read: total('read'),
    quarantined: total('quarantined'),
    ...(verdict.quality === undefined ? {} : { rules: countsOf(verdict.quality) }),
  }
}

function countsOf({ rules, score }: QualityVerdict): NonNullable<QualityReport['rules']> {
  const passed = rules.filter(each => each.outcome === 'Passed').length
  return { passed, failed: rules.length - passed, score }
}
