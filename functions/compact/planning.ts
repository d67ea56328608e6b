import { readDocument, writeDocumentOnce } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { LakeError } from '#lake/errors.ts'
import { currentSchema, currentSnapshot, defaultSpec } from '#lake/iceberg/metadata.ts'
import { partitionFolder } from '#lake/iceberg/partition.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { columnsOf, openTable, type Table } from '#lake/iceberg/table.ts'
import type { ScanFile, Snapshot } from '#lake/iceberg/types.ts'
import { parseWhere } from '#lake/iceberg/where.ts'
import type { Lake } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import { SMALL_SHARE } from '#lake/small-files.ts'
import { filesUri, type GroupEntry, type PlanDocument, planUri, type Size } from './documents.ts'
import { checkStrategy, orderTest } from './order.ts'
import { partitionWhere } from './partition-where.ts'
import { type PlannedGroup, planGroups } from './plan.ts'
import { type CompactionRequest, checkRun } from './request.ts'
import { type Bounds, type CompactionSettings, estimateGbSeconds, settingsOf } from './settings.ts'
import { hasTurn } from './turn.ts'

export interface PlanOptions {
  /** Where the settings of their tables come from. */
  readonly datasets?: readonly Dataset[] | undefined
  /** Where the groups will be rewritten. */
  readonly bounds?: Bounds | undefined
}

/** What the workflow and the command line see of a plan. */
export interface CompactionPlanned {
  readonly table: string
  readonly run: string
  /** Decimal text; empty when the table has no snapshot. */
  readonly snapshotId: string
  readonly groups: readonly Omit<GroupEntry, 'input' | 'kind'>[]
  /** Of the files that are rewritten; those after it are expected. */
  readonly before: Size
  readonly after: Size
  readonly gbSeconds: number
  /** Why there is nothing to do. */
  readonly reason?: string
}

/**
 * Plans the compaction of a table and keeps the plan in `ops/`, unless it is a dry run or there is nothing to do. Planning the same
 * run again gives the plan that was kept. Fails with `usage` for the tables of raw objects, which are never rewritten.
 */
export async function planCompaction(
  lake: Lake,
  request: CompactionRequest,
  options: PlanOptions = {},
): Promise<CompactionPlanned> {
  const run = request.run ?? lake.ids.uuid()
  checkRun(run)
  const known = await readDocument<PlanDocument>(lake, planUri(lake, request.table, run))
  if (known !== undefined) return plannedOf(known)
  checkTable(request.table)
  const needless = await needlessness(lake, request, run)
  if (needless !== undefined) return nothing({ table: request.table, run, reason: needless })
  const table = await openTable(lake, request.table)
  const settings = settingsOf(table, { ...options, strategy: request.strategy })
  checkStrategy(table, currentSchema(table.metadata), settings.strategy)
  const snapshot = currentSnapshot(table.metadata)
  const groups = (await groupsOf(lake, table, { request, settings })).slice(0, request.groupsMax)
  if (snapshot === undefined || groups.length === 0)
    return nothing({ table: table.name, run, snapshot, reason: wellAsItIs(settings, request.where) })
  const plan = planDocument(lake, table, { run, request, settings, snapshot, groups })
  return plannedOf(request.dryRun ? plan : await keep(lake, plan, groups))
}

/** Raw objects are the record of what came in: the one copy of them stays as it is. */
function checkTable(name: string): void {
  if (name.endsWith('__raw'))
    throw new LakeError('usage', `${name} is the table of raw objects, which are never rewritten`, { table: name })
}

async function groupsOf(
  lake: Lake,
  table: Table,
  { request, settings }: { readonly request: CompactionRequest; readonly settings: CompactionSettings },
): Promise<readonly PlannedGroup[]> {
  const { metadata } = table
  const where = request.where === undefined ? [] : parseWhere(request.where, currentSchema(metadata))
  const { files } = await planScan(lake, table, { where })
  const columns = columnsOf(metadata)
  return planGroups(files, settings, {
    specId: defaultSpec(metadata)['spec-id'],
    isOrdered: orderTest({ table, settings }),
    whereOf: file => partitionWhere(columns, file.partition),
  })
}

interface Planned {
  readonly run: string
  readonly request: CompactionRequest
  readonly settings: CompactionSettings
  readonly snapshot: Snapshot
  readonly groups: readonly PlannedGroup[]
}

function planDocument(lake: Lake, table: Table, planned: Planned): PlanDocument {
  const { run, request, settings, snapshot, groups } = planned
  const attempt = lake.ids.uuid()
  const entries = groups.map((group, at): GroupEntry => {
    const { files, ...counts } = group
    const partition = group.kind === 'regroup' ? 'older specs' : partitionText(table, files)
    const input = filesUri(lake, { table: table.name, run, group: at }, attempt)
    return { group: at, ...counts, partition, files: files.length, input }
  })
  const sum = (of: 'files' | 'bytes' | 'outputs' | 'outputBytes'): number =>
    entries.reduce((all, entry) => all + entry[of], 0)
  return {
    table: table.name,
    run,
    tableUuid: table.metadata['table-uuid'],
    plannedMs: lake.clock.nowMs(),
    snapshotId: snapshot['snapshot-id'],
    startSequence: snapshot['sequence-number'],
    settings: { strategy: settings.strategy, targetFileBytes: settings.targetFileBytes, codec: settings.codec },
    partialProgress: request.partialProgress ?? false,
    groups: entries,
    before: { files: sum('files'), bytes: sum('bytes') },
    after: { files: sum('outputs'), bytes: sum('outputBytes') },
    gbSeconds: estimateGbSeconds(entries.filter(entry => entry.route === 'function')),
  }
}

function partitionText({ metadata }: Table, files: readonly ScanFile[]): string {
  const first = files[0]?.file
  return first === undefined ? '' : partitionFolder(columnsOf(metadata, first.spec_id), first.partition)
}

const WRITES_AT_ONCE = 8

/** The plan comes last: whoever finds it finds everything that it points at. */
async function keep(lake: Lake, plan: PlanDocument, groups: readonly PlannedGroup[]): Promise<PlanDocument> {
  await mapParallel(plan.groups, WRITES_AT_ONCE, async (entry, at) =>
    writeDocumentOnce(lake, entry.input, { files: groups[at]?.files ?? [] }),
  )
  return writeDocumentOnce(lake, planUri(lake, plan.table, plan.run), plan)
}

function plannedOf(plan: PlanDocument): CompactionPlanned {
  return {
    table: plan.table,
    run: plan.run,
    snapshotId: String(plan.snapshotId),
    groups: plan.groups.map(({ input: _input, kind: _kind, ...entry }) => entry),
    before: plan.before,
    after: plan.after,
    gbSeconds: plan.gbSeconds,
  }
}

const NONE: Size = { files: 0, bytes: 0 }

function nothing({
  snapshot,
  ...about
}: Pick<CompactionPlanned, 'table' | 'run'> & {
  readonly snapshot?: Snapshot | undefined
  readonly reason: string
}): CompactionPlanned {
  const snapshotId = snapshot === undefined ? '' : String(snapshot['snapshot-id'])
  return { ...about, snapshotId, groups: [], before: NONE, after: NONE, gbSeconds: 0 }
}

function wellAsItIs(settings: CompactionSettings, where: string | undefined): string {
  const which = where === undefined ? '' : `of the files that may hold such rows, `
  if (settings.strategy !== 'binpack')
    return `${which}all are in the order that ${settings.strategy} gives, and large enough`
  const small = Math.round((settings.targetFileBytes * SMALL_SHARE) / 1e6)
  return `${which}no partition has ${settings.minFiles} files below ${small} MB, or one too large or with too many deletes`
}

/** Why nobody needs to look at the table. */
async function needlessness(
  lake: Lake,
  { table, ifExists, windowMinutes }: CompactionRequest,
  run: string,
): Promise<string | undefined> {
  if (ifExists && (await lake.catalog.load(table)) === undefined) return 'there is no such table yet'
  if (windowMinutes === undefined || (await hasTurn(lake, { table, run, windowMinutes }))) return undefined
  return `another compaction of it began within the same ${windowMinutes} minutes`
}
