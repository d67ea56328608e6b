import { LakeError } from '#lake/errors.ts'
import { LiveFiles } from '#lake/iceberg/live-files.ts'
import { removeSnapshots } from '#lake/iceberg/operations/expire.ts'
import { openTable, type Table } from '#lake/iceberg/table.ts'
import { checkCollectable } from '#lake/iceberg/table-properties.ts'
import type { Lake, TableName, Uri } from '#lake/lake.ts'
import { deleteOrphans } from './delete-orphans.ts'
import { type Amount, amountOf, type Orphan, type OrphanKind, sortOut } from './sort-out.ts'
import { territoryOf } from './territory.ts'

export type { Amount } from './sort-out.ts'
export { type StagingReport, sweepStaging } from './staging.ts'

export interface SweepRequest {
  readonly table: TableName
  /** Tells what would go and deletes nothing. */
  readonly dryRun?: boolean
  /** Hours that a file of no snapshot is left alone, for a commit that is under way may be about to name it. */
  readonly graceHours?: number
  /** Ids of snapshots that a dry run takes for expired, because running for good they would be. */
  readonly without?: readonly string[]
}

export interface SweepOptions {
  /** The least grace that is taken; less than a day only where nobody writes for that long, as on a laptop. */
  readonly graceHoursMin?: number
  readonly orphansMax?: number
  readonly onProgress?: (progress: SweepProgress) => void
}

export interface SweepProgress {
  readonly doing: 'list' | 'delete'
  readonly files: number
}

export interface SweepReport {
  readonly table: TableName
  readonly dryRun: boolean
  readonly graceHours: number
  readonly listed: Amount
  readonly live: Amount
  /** Reached by no snapshot, but younger than the grace. */
  readonly young: Amount
  /** Files that no writer of Iceberg tables makes: left alone. */
  readonly foreign: Amount
  /** What may go. */
  readonly orphans: Readonly<Record<OrphanKind, Amount>>
  /** What of it is gone; in a dry run nothing. */
  readonly deleted: Amount
  /** Looked like orphans and were left: a commit took them up meanwhile, or files that the table needs are missing. */
  readonly spared: Amount
  readonly failed: { readonly files: number; readonly reasons: readonly string[] }
  /** Files that the table needs and that are not there, some of them by name. */
  readonly missing: { readonly files: number; readonly named: readonly Uri[] }
  /** There was more to delete than one run takes. */
  readonly more: boolean
}

/** As Iceberg's DeleteOrphanFiles: three days. */
const GRACE_HOURS = 72
/** Nothing of Sluice takes longer than a day between uploading a file and committing it. */
const GRACE_HOURS_MIN = 24
const HOUR_MS = 3_600_000
/** About 40 MB of memory, and what a function deletes in a few minutes; the next run goes on. */
const ORPHANS_MAX = 200_000
const NAMED_MAX = 20

/**
 * Deletes the files in a table's place that no snapshot is read through, and nothing else: old ones, of kinds that writers of tables make,
 * after asking the catalog again. It never writes the catalog. Dying in the middle of it is safe, and so is doing it twice. Fails with
 * `unsupported` where it must not delete at all, and with `table-corrupt` when nobody can tell what is reachable.
 */
export async function sweep(lake: Lake, request: SweepRequest, options: SweepOptions = {}): Promise<SweepReport> {
  const graceHours = graceOf(request, options)
  const beforeMs = lake.clock.nowMs() - graceHours * HOUR_MS
  const dryRun = request.dryRun === true
  const opened = await openTable(lake, request.table)
  checkCollectable(opened, 'its files may be used by other tables')
  const table = dryRun ? withoutSnapshots(opened, request.without ?? []) : opened
  const places = await territoryOf(lake, table)
  const live = await LiveFiles.of(lake, table, places)
  const { orphans, more, ...seen } = await sortOut(lake, places, {
    live,
    beforeMs,
    orphansMax: options.orphansMax ?? ORPHANS_MAX,
    onListed: files => options.onProgress?.({ doing: 'list', files }),
  })
  const missing = await live.missing(lake)
  if (missing.length > 0)
    lake.log.error('files that a table needs are missing', {
      table: table.name,
      files: missing.length,
      file: missing[0],
    })
  // What is lost here may have its rows in a file that only an expired snapshot needed: nothing goes before somebody has looked.
  const doomed = missing.length === 0 ? orphans : []
  const onDeleted = (files: number): void => options.onProgress?.({ doing: 'delete', files })
  const done = await deleteOrphans(lake, dryRun ? [] : doomed, { live, onDeleted })
  const [all, rest] = [amountOf(orphans), amountOf(doomed)]
  return {
    ...{ table: table.name, dryRun, graceHours, ...seen },
    orphans: byKind(doomed),
    deleted: done.deleted,
    spared: {
      files: done.spared.files + all.files - rest.files,
      bytes: done.spared.bytes + all.bytes - rest.bytes,
    },
    failed: done.failed,
    missing: { files: missing.length, named: missing.slice(0, NAMED_MAX) },
    more: more || done.stopped,
  }
}

function graceOf(
  { graceHours = GRACE_HOURS }: SweepRequest,
  { graceHoursMin = GRACE_HOURS_MIN }: SweepOptions,
): number {
  if (graceHours >= graceHoursMin) return graceHours
  throw new LakeError(
    'usage',
    `files must be at least ${graceHoursMin} hours old before they may be deleted, not ${graceHours}: a commit under way may name them yet`,
    { graceHours },
  )
}

function withoutSnapshots(table: Table, ids: readonly string[]): Table {
  const removal = { snapshots: new Set(ids.map(BigInt)), refs: [] }
  return { ...table, metadata: removeSnapshots(table.metadata, removal) }
}

function byKind(orphans: readonly Orphan[]): SweepReport['orphans'] {
  const of = (kind: OrphanKind): Amount => amountOf(orphans.filter(orphan => orphan.kind === kind))
  return { data: of('data'), metadata: of('metadata'), 'old-metadata': of('old-metadata') }
}
