import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type BatchManifest,
  manifestUri,
  type ObjectOutcome,
  readDocument,
  type Verdict,
  verdictUri,
  writeDocumentOnce,
} from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { LakeError } from '#lake/errors.ts'
import type { Lake } from '#lake/lake.ts'
import { hasRefused } from './decode/typed-copy.ts'
import { type DecodedBatch, type DecodedRaw, decodeBatch } from './decode-batch.ts'
import { newestOf } from './newest.ts'
import { QUARANTINE_COLUMNS, type RefusedObject, writeQuarantine } from './quarantine.ts'
import { stageRows } from './stage.ts'
import { openTables, type Tables } from './tables.ts'

export interface BatchInput {
  readonly batch: string
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
}

/**
 * Decodes a batch by its contract into files of the table's final form, puts aside what does not fit, and says what became of
 * every record. Nothing is published here. A batch has one verdict: the first that is written stays, whoever comes second.
 */
export async function quality(lake: Lake, dataset: Dataset, input: BatchInput): Promise<QualityReport> {
  const manifest = await readDocument<BatchManifest>(lake, manifestUri(lake, dataset.name, input.batch))
  if (manifest === undefined)
    throw new LakeError('not-found', `batch ${input.batch} has no manifest`, {
      dataset: dataset.name,
      batch: input.batch,
    })
  const known = await readDocument<Verdict>(lake, verdictUri(lake, dataset.name, input.batch))
  if (known !== undefined) return reportOf(dataset, known)
  const folder = join(lake.limits.scratch, `quality-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  try {
    const verdict = await judge(lake, { dataset, manifest, folder })
    return reportOf(dataset, await writeDocumentOnce(lake, verdictUri(lake, dataset.name, input.batch), verdict))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export interface BatchTask {
  readonly dataset: Dataset
  readonly manifest: BatchManifest
  /** A scratch folder of this run's own. */
  readonly folder: string
}

async function judge(lake: Lake, task: BatchTask): Promise<Verdict> {
  const tables = await openTables(lake, task.dataset)
  const decoded = await decodeBatch(lake, task, tables)
  try {
    const table = decoded.target
    const { superseded, ...newest } = await newestOf(decoded.session, task.dataset, { objects: decoded.objects, table })
    const target = await stageRows(lake, decoded.session, { ...task, ...newest, table, label: 'data' })
    const quarantine = await quarantineOf(lake, task, { tables, decoded })
    return {
      batch: task.manifest.id,
      dataset: task.dataset.name,
      status: 'pass',
      target,
      quarantine,
      objects: decoded.objects.map(each => outcomeOf(each, superseded.get(each.object.id) ?? 0)),
    }
  } finally {
    await decoded.session.close()
  }
}

async function quarantineOf(
  lake: Lake,
  task: BatchTask,
  { tables, decoded }: { readonly tables: Tables; readonly decoded: DecodedBatch },
): Promise<Verdict['quarantine']> {
  const refused = decoded.objects.flatMap(({ object, failure, decoded: rows }): readonly RefusedObject[] => {
    if (failure) return [{ object, file: failure }]
    return rows && hasRefused(rows) ? [{ object, records: { files: rows.refused, plain: rows.plain } }] : []
  })
  if (refused.length === 0) return undefined
  const table = await tables.quarantine(QUARANTINE_COLUMNS)
  const copied = await writeQuarantine(decoded.session, refused, {
    batch: task.manifest.id,
    contractVersion: task.dataset.contract.version,
    schema: table.schema,
    base: join(task.folder, 'batch'),
  })
  return copied && stageRows(lake, decoded.session, { ...task, table, rows: [copied], label: 'quarantine' })
}

function outcomeOf(each: DecodedRaw, superseded: number): ObjectOutcome {
  const rawObject = each.object.id
  if (each.failure)
    return { rawObject, read: 1, applied: 0, quarantined: 1, superseded: 0, reasons: { [each.failure.reason]: 1 } }
  const { applied, reasons } = each.decoded ?? { applied: 0, reasons: {} }
  const quarantined = Object.values(reasons).reduce((sum, count) => sum + count, 0)
  return { rawObject, read: applied + quarantined, applied: applied - superseded, quarantined, superseded, reasons }
}

function reportOf(dataset: Dataset, verdict: Verdict): QualityReport {
  const total = (of: 'read' | 'quarantined'): number => verdict.objects.reduce((sum, each) => sum + each[of], 0)
  return {
    dataset: dataset.name,
    batch: verdict.batch,
    status: verdict.status,
    ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
    mode: dataset.publish.mode,
    read: total('read'),
    quarantined: total('quarantined'),
  }
}
