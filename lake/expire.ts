import { LakeError } from './errors.ts'
import { APPLIED_COMMITS, rememberCommits } from './iceberg/applied-commits.ts'
import { COMMIT_ID, updateTable } from './iceberg/commit.ts'
import { appliedSnapshots, setProperties } from './iceberg/metadata.ts'
import { removeSnapshots } from './iceberg/operations/expire.ts'
import { openTable, type Table } from './iceberg/table.ts'
import { checkCollectable } from './iceberg/table-properties.ts'
import type { Snapshot, TableMetadata } from './iceberg/types.ts'
import { checkIntact } from './intact.ts'
import type { Lake, TableName } from './lake.ts'
import { type Expiry, planExpiry } from './retention.ts'

export interface ExpireReport {
  readonly table: TableName
  readonly dryRun: boolean
  readonly snapshots: { readonly before: number; readonly after: number }
  /** The oldest first, and not all of them when there are very many. */
  readonly expired: readonly ExpiredSnapshot[]
  readonly refsExpired: readonly string[]
  /** undefined when the table has no snapshots. */
  readonly oldestKeptMs: number | undefined
}

export interface ExpiredSnapshot {
  /** Decimal text of the 64-bit id. */
  readonly id: string
  readonly committedMs: number
  readonly operation: string
}

/** The answer of a Lambda to Step Functions has 256 KB at most. */
const LISTED_MAX = 1_000
const ROUNDS_MAX = 5

/**
 * Takes old snapshots and refs out of the table, by its own settings, and deletes no file: what only they needed is an orphan now. What is
 * expired is decided anew on whatever the table has become. Fails with `unsupported` when the table says gc.enabled=false, and with
 * `table-corrupt` when what would be kept cannot be read whole.
 */
export async function expireSnapshots(
  lake: Lake,
  request: { readonly table: TableName; readonly dryRun?: boolean; readonly allOld?: boolean },
): Promise<ExpireReport> {
  const nowMs = lake.clock.nowMs()
  // Of an erasure: no snapshot is too young, and none but the current is kept for its number.
  const plan = (metadata: TableMetadata): Expiry =>
    request.allOld ? planExpiry(setProperties(metadata, AT_ONCE), after(metadata, nowMs)) : planExpiry(metadata, nowMs)
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const base = await openTable(lake, request.table)
    checkCollectable(base, 'its snapshots are not to be expired')
    const expiry = plan(base.metadata)
    if (!isEmpty(expiry)) await checkIntact(lake, withoutExpired(base, expiry))
    const isDone = isEmpty(expiry) || request.dryRun === true || (await expire(lake, base, { expiry, plan }))
    if (isDone) return reportOf(base, expiry, request.dryRun === true)
    lake.log.warn('the table changed while its snapshots were expired', { table: request.table, round })
  }
  throw new LakeError('conflict', `${request.table}: others expire its snapshots at the same time`, {
    table: request.table,
  })
}

const AT_ONCE = {
  'history.expire.max-snapshot-age-ms': '0',
  'history.expire.min-snapshots-to-keep': '1',
} as const

/** Snapshots of this millisecond are old as well, and a clock that was set back makes none young. */
const after = ({ snapshots }: TableMetadata, nowMs: number): number =>
  1 + snapshots.reduce((latest, each) => Math.max(latest, each['timestamp-ms']), nowMs)

const withoutExpired = (table: Table, expiry: Expiry): Table => ({
  ...table,
  metadata: removeSnapshots(table.metadata, expiry),
})

const isEmpty = (expiry: Expiry): boolean => expiry.snapshots.size === 0 && expiry.refs.length === 0

/**
 * First remembers which commits the snapshots were, so that none is applied a second time once its snapshot is gone. False when somebody else
 * expired or rolled back meanwhile, so that what was remembered does not fit any more.
 */
async function expire(
  lake: Lake,
  base: Table,
  { expiry, plan }: { readonly expiry: Expiry; readonly plan: (metadata: TableMetadata) => Expiry },
): Promise<boolean> {
  const forgotten = appliedOf(base.metadata, expiry)
  const memory = forgotten.length === 0 ? undefined : await rememberCommits(lake, base, forgotten)
  const remembered = new Set(forgotten.map(snapshot => snapshot['snapshot-id']))
  const change = (metadata: TableMetadata): TableMetadata => {
    if (metadata.properties[APPLIED_COMMITS] !== base.metadata.properties[APPLIED_COMMITS]) return metadata
    const now = both(expiry, plan(metadata))
    const applied = new Set(appliedOf(metadata, now).map(snapshot => snapshot['snapshot-id']))
    const fits = [...now.snapshots].every(id => applied.has(id) === remembered.has(id))
    if (!fits || isEmpty(now)) return metadata
    const remembering = memory === undefined ? metadata : setProperties(metadata, { [APPLIED_COMMITS]: memory })
    return removeSnapshots(remembering, now)
  }
  const { metadata } = await updateTable(lake, base.name, change)
  return isEmpty(both(expiry, plan(metadata)))
}

/** The expired snapshots that the state of the table was built from. One that was rolled back is not: its work may be done again. */
function appliedOf(metadata: TableMetadata, { snapshots }: Pick<Expiry, 'snapshots'>): readonly Snapshot[] {
  return appliedSnapshots(metadata).filter(
    snapshot => snapshots.has(snapshot['snapshot-id']) && snapshot.summary[COMMIT_ID] !== undefined,
  )
}

/** What was to go and still may. */
function both(planned: Expiry, now: Expiry): Expiry {
  return {
    expired: planned.expired.filter(snapshot => now.snapshots.has(snapshot['snapshot-id'])),
    snapshots: planned.snapshots.intersection(now.snapshots),
    refs: planned.refs.filter(name => now.refs.includes(name)),
  }
}

function reportOf({ name, metadata }: Table, expiry: Expiry, dryRun: boolean): ExpireReport {
  const kept = metadata.snapshots.filter(snapshot => !expiry.snapshots.has(snapshot['snapshot-id']))
  return {
    table: name,
    dryRun,
    snapshots: { before: metadata.snapshots.length, after: kept.length },
    expired: expiry.expired.slice(0, LISTED_MAX).map(snapshot => ({
      id: String(snapshot['snapshot-id']),
      committedMs: snapshot['timestamp-ms'],
      operation: snapshot.summary['operation'] ?? 'unknown',
    })),
    refsExpired: expiry.refs,
    oldestKeptMs: kept.length === 0 ? undefined : Math.min(...kept.map(snapshot => snapshot['timestamp-ms'])),
  }
}
