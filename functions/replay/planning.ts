import { datasetInto, formatDocument, hashText, readDocument, writeDocumentOnce } from '#lake/batch.ts'
import type { BatchLimits } from '#lake/batch-limits.ts'
import type { Dataset } from '#lake/dataset.ts'
import { LakeError } from '#lake/errors.ts'
import { loadTable } from '#lake/iceberg/table.ts'
import { createTable, tableDefinition } from '#lake/iceberg/table-definition.ts'
import type { Lake, TableName } from '#lake/lake.ts'
import { quarantineDefinition } from '#lake/quarantine-table.ts'
import { batchId } from '#lake/raw-id.ts'
import {
  claimSideTable,
  type ItemObjects,
  itemsUri,
  objectsUri,
  planUri,
  type ReplayItem,
  type ReplayPlan,
  readSideTable,
} from '#lake/replay-documents.ts'
import { ulidMs } from '#lake/ulid.ts'
import { withLedger } from './ledger.ts'
import { estimate, planItems } from './plan.ts'
import type { ReplayRequest } from './request.ts'
import { selectObjects } from './selection.ts'

export interface PlanOptions {
  /** Says what would be done, and writes nothing. */
  readonly dryRun?: boolean
  /** Of each batch; those of `ingest` when absent. */
  readonly limits?: BatchLimits
}

/** The list of batches is read by the state machine as one document, and more would be months of work: narrow the dates. */
const ITEMS_MAX = 100_000

/**
 * Decides which raw objects are refined again, in which batches. Repeated under the same id it gives the plan that was made first. The
 * plan is written last: a planning that dies leaves documents that nothing names.
 */
export async function planReplay(
  lake: Lake,
  id: string,
  request: ReplayRequest,
  options: PlanOptions = {},
): Promise<ReplayPlan> {
  checkId(id)
  const known = await readDocument<ReplayPlan>(lake, planUri(lake, id))
  if (known !== undefined) return known
  await checkInto(lake, request)
  checkBegun(lake.clock.nowMs(), request)
  const { dryRun = false } = options
  const work: Planning = {
    id,
    request,
    dryRun,
    limits: options.limits,
    nowMs: lake.clock.nowMs(),
    attempt: lake.ids.uuid(),
  }
  const plan = await withLedger(lake, async ledger => {
    const selection = await selectObjects(lake, ledger, { ...request, dryRun })
    return collect(lake, work, selection)
  })
  if (dryRun || plan.items === 0) return plan
  if (request.into !== undefined) await makeSideTable(lake, request.dataset, request.into)
  return writeDocumentOnce(lake, planUri(lake, id), plan)
}

interface Planning {
  readonly id: string
  readonly request: ReplayRequest
  readonly dryRun: boolean
  readonly limits: BatchLimits | undefined
  readonly nowMs: number
  readonly attempt: string
}

async function collect(
  lake: Lake,
  work: Planning,
  selection: Awaited<ReturnType<typeof selectObjects>>,
): Promise<ReplayPlan> {
  const { id, request, nowMs, attempt } = work
  const dataset = request.dataset.name
  const items: ReplayItem[] = []
  for await (const { objects, bytes } of planItems(selection.objects, work.limits)) {
    const item = items.length
    if (item >= ITEMS_MAX) throw tooMany(dataset)
    const ids = objects.map(object => object.id)
    // Part of the id is the replay, so that its batches are work of their own and get a verdict by the contract of today.
    const batch = batchId(dataset, ulidMs(ids[0] as string), [id, attempt, ...ids])
    items.push({ detail: { dataset, batch }, replay: id, item, objects: objects.length, bytes })
    const document: ItemObjects = { objects }
    if (!work.dryRun) await writeDocumentOnce(lake, objectsUri(lake, { id, attempt }, item), document)
  }
  if (!work.dryRun && items.length > 0)
    await lake.storage.put(itemsUri(lake, { id, attempt }), Buffer.from(formatDocument(items)), {
      ifNoneMatch: true,
      contentType: 'application/json',
    })
  const amount = {
    objects: items.reduce((sum, item) => sum + item.objects, 0),
    bytes: items.reduce((sum, item) => sum + item.bytes, 0),
    items: items.length,
  }
  const { mode, from, to, key, into, concurrency } = request
  return {
    ...{ id, dataset, table: into ?? dataset, mode, plannedMs: nowMs, attempt, concurrency },
    ...Object.fromEntries(Object.entries({ from, to, key, into }).filter(([, value]) => value !== undefined)),
    ...amount,
    left: selection.left,
    estimate: estimate(amount),
  }
}

/** Nothing has come on a day that has not begun: a slip of the year, which would otherwise look like a lake without gaps. */
function checkBegun(nowMs: number, { from }: ReplayRequest): void {
  const today = new Date(nowMs).toISOString().slice(0, 10)
  if (from === undefined || from <= today) return
  throw new LakeError('usage', `--from ${from} is in the future: today is ${today} in UTC`, {
    next: 'days are those of ingest: give one that has begun, or leave --from out',
  })
}

const tooMany = (dataset: string): LakeError =>
  new LakeError('usage', `more than ${ITEMS_MAX} batches of ${dataset}`, {
    dataset,
    next: 'replay a part at a time: --from DATE --to DATE',
  })

/** It becomes part of keys and the name of an execution. */
function checkId(id: string): void {
  if (/^[\w-]{1,80}$/.test(id)) return
  throw new LakeError('usage', `${id.slice(0, 100)} is not the id of a replay`, {
    next: '`sluice replay status` lists them',
  })
}

// --- The table beside ----------------------------------------------------------------------------------------------

/** A table that is there already must be one that a replay made, for the same dataset. */
async function checkInto(lake: Lake, { dataset, into }: ReplayRequest): Promise<void> {
  if (into === undefined) return
  const side = await readSideTable(lake, into)
  if (side !== undefined && side.dataset !== dataset.name)
    throw new LakeError('conflict', `${into} was built for ${side.dataset}, not for ${dataset.name}`, {
      table: into,
      next: 'choose another name for --into',
    })
  const found = (await lake.catalog.load(into)) ?? (await lake.catalog.hiveTable(into))
  if (side === undefined && found !== undefined)
    throw new LakeError('conflict', `there is a table ${into} already, and no replay has made it`, {
      table: into,
      next: 'choose another name for --into: the rows of that table are not touched',
    })
}

/**
 * Makes the table and its quarantine, which both a swap needs. Where they are is never the folder of a name: after a swap the table of
 * another name is there, and two tables must never share a place.
 */
async function makeSideTable(lake: Lake, dataset: Dataset, into: TableName): Promise<void> {
  await claimSideTable(lake, { table: into, dataset: dataset.name, createdMs: lake.clock.nowMs() })
  const side = datasetInto(dataset, { into })
  for (const definition of [quarantineDefinition(side), tableDefinition(side)]) {
    if ((await loadTable(lake, definition.name)) !== undefined) continue
    const suffix = hashText(definition.name, lake.ids.uuid()).slice(0, 8)
    await createTable(lake, { ...definition, location: `${lake.zones.tables}/${definition.name}-${suffix}` })
  }
}
