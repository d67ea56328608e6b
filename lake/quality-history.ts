import {
  type BatchManifest,
  hashText,
  type QualityVerdict,
  readDocument,
  type Verdict,
  writeDocumentOnce,
} from './batch.ts'
import type { Lake, Uri } from './lake.ts'
import { mapParallel } from './parallel.ts'
import { ulid, ulidMs } from './ulid.ts'

/**
 * One evaluation of a dataset's rules: `ops/quality-history/<dataset>/<newest raw object>-<inputs>-<batch>-<status>.json`. The name sorts
 * by the time of landing, and says which evaluations were of the same objects and what became of the batch.
 */
export interface QualityRun {
  readonly dataset: string
  readonly batch: string
  readonly status: Verdict['status']
  /** When the newest object of the batch landed: what makes one run earlier than another. */
  readonly landedMs: number
  readonly evaluatedMs: number
  readonly score: number
  readonly rules: readonly Pick<QualityVerdict['rules'][number], 'rule' | 'outcome'>[]
  readonly metrics: QualityVerdict['metrics']
}

/** Written once: the first verdict of a batch is its only one. */
export async function recordRun(lake: Lake, verdict: Verdict): Promise<void> {
  const { quality, dataset, batch, status } = verdict
  if (quality === undefined) return
  const place = placeOf(verdict.objects.map(each => each.rawObject))
  const { evaluatedMs, score, metrics } = quality
  const rules = quality.rules.map(({ rule, outcome }) => ({ rule, outcome }))
  const run: QualityRun = { dataset, batch, status, landedMs: ulidMs(place.newest), evaluatedMs, score, rules, metrics }
  await writeDocumentOnce(
    lake,
    `${prefixOf(lake, dataset)}${place.newest}-${place.inputs}-${batch}-${status}.json`,
    run,
  )
}

export interface RunsOptions {
  /** Only runs of objects that landed before all of this batch's newest: what a replay of it sees is what it saw at first. */
  readonly before?: Pick<BatchManifest, 'objects'>
  /** Only runs of batches that went this way. */
  readonly status?: Verdict['status']
  readonly count: number
}

/** Runs of a dataset, the most recent landing first. Of runs of the same objects only the last counts: a replay doubles nothing. */
export async function qualityRuns(lake: Lake, dataset: string, options: RunsOptions): Promise<readonly QualityRun[]> {
  const end = options.before && placeOf(options.before.objects.map(object => object.id)).newest
  const names = await lastNames(lake, dataset, { ...options, end })
  const runs = await mapParallel(names, READS_AT_ONCE, name =>
    readDocument<QualityRun>(lake, `${prefixOf(lake, dataset)}${name}`),
  )
  return runs.filter(run => run !== undefined)
}

export interface MetricPoint {
  readonly value: number
  readonly timeMs: number
}

/** Values of a metric in the order of the runs. */
export function metricHistory(runs: readonly QualityRun[]): (metric: string) => readonly MetricPoint[] {
  return metric =>
    runs.flatMap(({ metrics, landedMs }) => {
      const value = metrics[metric]
      return value === undefined || !Number.isFinite(value) ? [] : [{ value, timeMs: landedMs }]
    })
}

// --- Names ---------------------------------------------------------------------------------------------------------

const READS_AT_ONCE = 8
const DAY_MS = 86_400_000
/** A listing only goes forward, so it begins a while back, and further back as long as that is not enough. */
const WINDOWS_MS = [2 * DAY_MS, 30 * DAY_MS, 400 * DAY_MS, Number.POSITIVE_INFINITY]
const NO_ENTROPY = new Uint8Array(10)

const prefixOf = (lake: Lake, dataset: string): Uri => `${lake.zones.ops}/quality-history/${dataset}/`

function placeOf(rawObjects: readonly string[]): { readonly newest: string; readonly inputs: string } {
  const sorted = rawObjects.toSorted()
  return { newest: sorted.at(-1) ?? ulid(0, NO_ENTROPY), inputs: hashText(...sorted).slice(0, 16) }
}

/** Names of the last runs, the most recent first. */
async function lastNames(
  lake: Lake,
  dataset: string,
  { count, status, end }: RunsOptions & { readonly end: string | undefined },
): Promise<readonly string[]> {
  const endMs = end === undefined ? lake.clock.nowMs() : ulidMs(end)
  for (const window of WINDOWS_MS) {
    const start = window === Number.POSITIVE_INFINITY ? undefined : ulid(Math.max(0, endMs - window), NO_ENTROPY)
    const found = await namesBetween(lake, dataset, { start, end, status })
    if (found.length >= count || start === undefined) return found.slice(-count).toReversed()
  }
  return []
}

interface Range {
  readonly start: string | undefined
  readonly end: string | undefined
  readonly status: Verdict['status'] | undefined
}

async function namesBetween(lake: Lake, dataset: string, { start, end, status }: Range): Promise<readonly string[]> {
  const prefix = prefixOf(lake, dataset)
  const byInputs = new Map<string, string>()
  const options = start === undefined ? {} : { startAfter: `${prefix}${start}` }
  for await (const { uri } of lake.storage.list(prefix, options)) {
    const name = uri.slice(prefix.length)
    const [newest = '', inputs = ''] = name.split('-')
    if (end !== undefined && newest >= end) break
    if (status === undefined || name.endsWith(`-${status}.json`)) byInputs.set(`${newest}-${inputs}`, name)
  }
  return [...byInputs.values()]
}
