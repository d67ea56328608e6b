import { formatDocument, readDocument } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { isLakeError } from '#lake/errors.ts'
import { type DatasetStatus, datasetStatusChanged } from '#lake/events.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import { type Finding, judge, judgeLanding } from './judge.ts'
import { type LandingBacklog, landingBacklog } from './landing.ts'
import { type Measure, type MeasureWindow, measureDataset } from './measure.ts'

export { age, type Finding, minutesSince } from './judge.ts'
export type { LandingBacklog } from './landing.ts'
export type { Measure, MeasureWindow } from './measure.ts'

export interface DatasetWatch {
  readonly dataset: string
  readonly status: DatasetStatus
  readonly findings: readonly Finding[]
  /** undefined when the dataset could not be measured; a finding says why. */
  readonly measure: Measure | undefined
}

export interface WatchReport {
  readonly status: DatasetStatus
  /** undefined where nobody can tell. */
  readonly landing: LandingBacklog | undefined
  /** Of the lake as a whole. */
  readonly findings: readonly Finding[]
  readonly datasets: readonly DatasetWatch[]
}

const HOUR_MS = 3_600_000
/** Each run of the schedule counts the rows of so many hours, and looks for batches of a week that were not committed. */
const COUNT_HOURS = 6
const BACKLOG_HOURS = 7 * 24
const DATASETS_AT_ONCE = 2

/** What the schedule runs: measures every dataset, and tells on the bus of those whose status is another than last time. */
export async function watch(lake: Lake, datasets: readonly Dataset[]): Promise<WatchReport> {
  const nowMs = lake.clock.nowMs()
  const report = await statusOf(lake, datasets, {
    countFromMs: nowMs - COUNT_HOURS * HOUR_MS,
    backlogFromMs: nowMs - BACKLOG_HOURS * HOUR_MS,
  })
  for (const each of report.datasets) await tell(lake, each)
  lake.log.info('watched', {
    datasets: report.datasets.length,
    alarms: report.datasets.filter(each => each.status === 'alarm').map(each => each.dataset),
  })
  return report
}

/** How the datasets are. One that cannot be measured does not keep the others from being seen. */
export async function statusOf(
  lake: Lake,
  datasets: readonly Dataset[],
  window: MeasureWindow = {},
): Promise<WatchReport> {
  const all = await mapParallel(datasets, DATASETS_AT_ONCE, dataset => watchDataset(lake, dataset, window))
  const landing = await landingBacklog(lake)
  const findings = judgeLanding(landing, lake.clock.nowMs())
  const status = worst([...all.map(each => each.status), ...findings.map(each => each.level)])
  return { status, landing, findings, datasets: all }
}

async function watchDataset(lake: Lake, dataset: Dataset, window: MeasureWindow): Promise<DatasetWatch> {
  try {
    const measure = await measureDataset(lake, dataset, window)
    const findings = judge(measure)
    return { dataset: dataset.name, status: worst(findings.map(each => each.level)), findings, measure }
  } catch (error) {
    if (!isLakeError(error) || error.retryable) throw error
    lake.log.error('a dataset cannot be measured', { dataset: dataset.name, kind: error.kind })
    const finding = {
      level: 'alarm',
      code: 'unmeasured',
      message: `it cannot be measured: ${error.message}`,
      next: `sluice show ${dataset.name} --debug`,
    } as const
    return { dataset: dataset.name, status: 'alarm', findings: [finding], measure: undefined }
  }
}

function worst(levels: readonly DatasetStatus[]): DatasetStatus {
  return levels.includes('alarm') ? 'alarm' : levels.includes('warning') ? 'warning' : 'ok'
}

// --- What was told last --------------------------------------------------------------------------------------------

interface Told {
  readonly status: DatasetStatus
  readonly codes: readonly string[]
}

const toldUri = (lake: Lake, dataset: string): Uri => `${lake.zones.ops}/watch/${dataset}.json`

/** The event first: dying before the document is written tells it once more, which is better than never. */
async function tell(lake: Lake, { dataset, status, findings }: DatasetWatch): Promise<void> {
  const uri = toldUri(lake, dataset)
  const before = await readDocument<Told>(lake, uri)
  const told: Told = { status, codes: findings.map(each => each.code).toSorted() }
  const isNews = before?.status !== status || before.codes.join() !== told.codes.join()
  if (!isNews || (before === undefined && status === 'ok')) return
  const was = before?.status ?? 'ok'
  await lake.bus.publish([datasetStatusChanged({ dataset, status, was, findings })])
  await lake.storage.put(uri, Buffer.from(formatDocument(told)), { contentType: 'application/json' })
}
