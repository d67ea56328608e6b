import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type BatchManifest,
  datasetInto,
  manifestUri,
  type QualityVerdict,
  readDocument,
  type StagedTable,
  type Verdict,
  verdictUri,
  writeDocumentOnce,
} from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { type ErasedObject, erasedObjects } from '#lake/erasure.ts'
import { LakeError } from '#lake/errors.ts'
import type { Lake } from '#lake/lake.ts'
import { isStreamErrorUri } from '#lake/stream-error.ts'
import { hasAfterImages, stageChanges } from './changes/stage-changes.ts'
import { decodeChosen } from './chosen.ts'
import { rulesOfRows } from './consequence.ts'
import { hasRefused } from './decode/typed-copy.ts'
import type { DecodedBatch } from './decode-batch.ts'
import { type Gated, gate } from './gate.ts'
import { accountsOf, dropVerdict, judgedOf } from './judged.ts'
import { type Newest, newestOf } from './newest.ts'
import { outcomeOf, type QualityReport, reportOf } from './outcome.ts'
import { placesOf } from './places.ts'
import { type RefusedObject, writeQuarantine } from './quarantine.ts'
import { stageResults } from './results.ts'
import { type FailingRows, withoutFailing } from './split.ts'
import { stageRows } from './stage.ts'
import { type OpenTable, openTables, type Tables } from './tables.ts'

export interface BatchInput {
  readonly batch: string
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
    const held = new Set(manifest.objects.map(object => object.id))
    const erased = await erasedObjects(lake, dataset.name, rawObject => held.has(rawObject))
    const verdict = await judge(lake, { dataset, manifest, folder, erased })
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
  /** Objects of the batch that records were erased from. */
  readonly erased: ReadonlyMap<string, ErasedObject>
}

async function judge(lake: Lake, task: BatchTask): Promise<Verdict> {
  const tables = await openTables(lake, datasetInto(task.dataset, task.manifest))
  if (task.manifest.selection?.action === 'drop') return dropVerdict(task, nothing(tables.target))
  const decoded = await decodeChosen(lake, task, tables)
  try {
    const table = decoded.target
    const newest = await newestOf(decoded.session, task.dataset, { objects: decoded.objects, table })
    const gated = await gateOf(lake, task, { newest, decoded })
    const objects = decoded.objects.map(each => outcomeOf(each, { newest, failing: gated?.failing }))
    const about = { batch: task.manifest.id, dataset: task.dataset.name, objects }
    // The history is of batches as they came; a few records of one that are judged again say nothing about what is usual.
    const told = gated &&
      task.manifest.selection === undefined &&
      !isRefused(lake, task) && { quality: await resultsOf(lake, task, { gated, tables, decoded }) }
    if (gated?.halt !== undefined)
      return { ...about, ...told, status: 'halt', reason: gated.halt, target: nothing(table), quarantine: undefined }
    const only = onlyPassing(newest, gated?.failing)
    const rows = { ...task, rows: newest.rows, ...only, table }
    const staged =
      task.dataset.source.changes === undefined
        ? { target: await stageRows(lake, decoded.session, { ...rows, label: 'data' }) }
        : { target: nothing(table), changes: await stageChanges(lake, decoded.session, rows) }
    const quarantine = await quarantineOf(lake, task, { tables, decoded, failing: gated?.failing })
    const judged = await judgedOf(decoded.session, task, { decoded, newest, failing: gated?.failing })
    return { ...about, ...told, ...judged, status: 'pass', ...staged, quarantine }
  } finally {
    await decoded.session.close()
  }
}

/**
 * A dataset without rules has no gate, and pays nothing for it. Nor has a batch of nothing but records that a stream could not process: there are
 * no rows that rules could be about, and halting it would keep them out of quarantine; nor has a batch of changes without a whole row, such as
 * one of nothing but deletes.
 */
async function gateOf(
  lake: Lake,
  task: BatchTask,
  { newest, decoded }: { readonly newest: Newest; readonly decoded: DecodedBatch },
): Promise<Gated | undefined> {
  const { quality: rules } = task.dataset
  const isPart = task.manifest.selection !== undefined || isRefused(lake, task)
  const settings = rules && isPart ? rulesOfRows(rules) : rules
  if (isRefused(lake, task) && task.manifest.selection === undefined && newest.rows.length === 0) return undefined
  if (settings === undefined) return undefined
  const rows = { ...task, ...newest, table: decoded.target }
  if (task.dataset.source.changes !== undefined && !(await hasAfterImages(decoded.session, rows))) return undefined
  return gate(lake, decoded.session, { ...rows, settings })
}

/** Records that a stream could not process, and nothing else: rows are only those that were released before. */
function isRefused({ zones }: Lake, { manifest }: BatchTask): boolean {
  return manifest.objects.every(object => isStreamErrorUri(zones.landing, object.sourceUri))
}

async function resultsOf(
  lake: Lake,
  task: BatchTask,
  { gated, tables, decoded }: { readonly gated: Gated; readonly tables: Tables; readonly decoded: DecodedBatch },
): Promise<QualityVerdict> {
  const { quality, halt } = gated
  const table = await tables.results()
  const status = halt === undefined ? 'pass' : 'halt'
  return { ...quality, results: await stageResults(lake, decoded.session, { ...task, table, status, quality }) }
}

function onlyPassing({ only }: Newest, failing: FailingRows | undefined): Pick<Newest, 'only'> {
  if (failing === undefined) return only === undefined ? {} : { only }
  return { only: rows => withoutFailing(only === undefined ? rows : only(rows), failing) }
}

const nothing = (table: OpenTable): StagedTable => ({
  table: table.name,
  tableUuid: table.uuid,
  schemaId: table.schema['schema-id'],
  specId: table.spec['spec-id'],
  files: [],
})

interface Decided {
  readonly tables: Tables
  readonly decoded: DecodedBatch
  readonly failing: FailingRows | undefined
}

async function quarantineOf(
  lake: Lake,
  task: BatchTask,
  { tables, decoded, failing }: Decided,
): Promise<Verdict['quarantine']> {
  const undecoded = decoded.objects.flatMap(({ object, failure, decoded: rows }): readonly RefusedObject[] => {
    if (failure) return [{ object, file: failure }]
    return rows && hasRefused(rows) ? [{ object, records: { files: rows.refused, plain: rows.plain } }] : []
  })
  const refused = [...undecoded, ...(failing ? await placesOf(lake, task, { decoded, failing }) : [])]
  if (refused.length === 0) return undefined
  const table = await tables.quarantine()
  const copied = await writeQuarantine(decoded.session, refused, {
    batchOf: accountsOf(task.manifest),
    contractVersion: task.dataset.contract.version,
    schema: table.schema,
    base: join(task.folder, 'batch'),
  })
  return copied && stageRows(lake, decoded.session, { ...task, table, rows: [copied], label: 'quarantine' })
}
