import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type BatchManifest,
  type CommitReport,
  commitUri,
  manifestUri,
  readDocument,
  type Verdict,
  verdictUri,
} from '#lake/batch.ts'
import { type BatchFolder, batchFolders, firstIdAt } from '#lake/batch-folders.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { Spool } from '#lake/duckdb/spool.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { loadTable } from '#lake/iceberg/table.ts'
import type { Lake, TableName } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import { type DateRange, rawObjects } from './raw-objects.ts'

/** Where listings are compared: on disk, by DuckDB, so that memory does not follow their length. */
export interface Ledger {
  readonly session: Session
  /** Removed with the session. */
  readonly folder: string
}

/** Half of the memory is DuckDB's: the rest holds Node and pages of listings. */
const ENGINE_SHARE = 0.5

export async function withLedger<T>(lake: Lake, work: (ledger: Ledger) => Promise<T>): Promise<T> {
  const folder = join(lake.limits.scratch, `ledger-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  const session = await lake.engine.open({
    threads: lake.limits.threads,
    memoryBytes: Math.floor(lake.limits.memoryBytes * ENGINE_SHARE),
    folders: [folder],
    scratch: folder,
  })
  try {
    return await work({ session, folder })
  } finally {
    await session.close()
    await rm(folder, { recursive: true, force: true })
  }
}

// --- What is in raw ------------------------------------------------------------------------------------------------

const RAW = { id: 'VARCHAR', uri: 'VARCHAR', bytes: 'BIGINT' } as const
type RawSpool = Spool<typeof RAW>

async function spoolRaw(lake: Lake, ledger: Ledger, dataset: string, range: DateRange): Promise<RawSpool> {
  const spool = await Spool.create(join(ledger.folder, `raw-${dataset}.ndjson`), RAW)
  for await (const { id, uri, bytes } of rawObjects(lake, dataset, range)) await spool.write({ id, uri, bytes })
  await spool.close()
  return spool
}

// --- What batches say of it ----------------------------------------------------------------------------------------

/** Of one batch: `open` has neither a commit nor the verdict that halted it; while it is young, somebody may be at it. */
export type BatchState = 'committed' | 'halted' | 'open' | 'under-way'

const HELD = {
  object: 'VARCHAR',
  batch: 'VARCHAR',
  state: 'VARCHAR',
  /** The name of the table that the batch is for, and what it was when it was committed. */
  target: 'VARCHAR',
  uuid: 'VARCHAR',
  committed_ms: 'BIGINT',
  read: 'BIGINT',
  applied: 'BIGINT',
  quarantined: 'BIGINT',
  superseded: 'BIGINT',
} as const
/** A record for each raw object of each batch. */
export type HeldSpool = Spool<typeof HELD>

const BATCHES_AT_ONCE = 16

async function spoolBatches(
  lake: Lake,
  ledger: Ledger,
  { dataset, graceMinutes }: { readonly dataset: string; readonly graceMinutes: number },
): Promise<HeldSpool> {
  const spool = await Spool.create(join(ledger.folder, `held-${dataset}.ndjson`), HELD)
  const youngMs = lake.clock.nowMs() - graceMinutes * 60_000
  let page: BatchFolder[] = []
  const take = async (): Promise<void> => {
    const held = await mapParallel(page, BATCHES_AT_ONCE, folder => heldBy(lake, dataset, { folder, youngMs }))
    for (const record of held.flat()) await spool.write(record)
    page = []
  }
  for await (const folder of batchFolders(lake, dataset)) {
    page.push(folder)
    if (page.length >= BATCHES_AT_ONCE * 4) await take()
  }
  await take()
  await spool.close()
  return spool
}

interface Looking {
  readonly folder: BatchFolder
  readonly youngMs: number
}

type Held = Parameters<HeldSpool['write']>[0]

async function heldBy(lake: Lake, dataset: string, { folder, youngMs }: Looking): Promise<readonly Held[]> {
  const { batch, documents } = folder
  const report = documents.has('commit.json')
    ? await readDocument<CommitReport>(lake, commitUri(lake, dataset, batch))
    : undefined
  // Released records are of objects that other batches hold.
  if (report?.settled !== undefined) return []
  if (report !== undefined)
    return report.objects.map(({ rawObject, read, applied, quarantined, superseded }) => ({
      ...{ object: rawObject, batch, state: 'committed', target: report.table, uuid: report.tableUuid },
      ...{ committed_ms: report.committedMs, read, applied, quarantined, superseded },
    }))
  const manifest = await readDocument<BatchManifest>(lake, manifestUri(lake, dataset, batch))
  if (manifest === undefined || manifest.selection !== undefined) return []
  const verdict = await readDocument<Pick<Verdict, 'status'>>(lake, verdictUri(lake, dataset, batch))
  const isYoung = (documents.get('manifest.json') ?? 0) > youngMs
  const state: BatchState = verdict?.status === 'halt' ? 'halted' : isYoung ? 'under-way' : 'open'
  const none = { uuid: null, committed_ms: null, read: null, applied: null, quarantined: null, superseded: null }
  return manifest.objects.map(({ id }) => ({ object: id, batch, state, target: manifest.into ?? dataset, ...none }))
}

// --- What of raw is accounted for ----------------------------------------------------------------------------------

/**
 * Of a raw object, for one table: `committed` there; `halted`, `under-way` or `open` as the best of its batches is; `elsewhere` when its
 * batches were all for other tables, one of the same name that is gone included; `unbatched`, when no batch has it.
 */
export type Standing = 'committed' | 'halted' | 'under-way' | 'open' | 'elsewhere' | 'unbatched'

export interface StandingsOf extends DateRange {
  readonly dataset: string
  readonly table: TableName
  readonly graceMinutes: number
}

/**
 * Makes the table `standings` (id, uri, bytes, batched, standing) of all raw objects in the range. A table that was dropped, or that is only
 * being built, accounts for nothing: commits are told by the table's own id. Gives what batches hold, and that id.
 */
export async function makeStandings(
  lake: Lake,
  ledger: Ledger,
  of: StandingsOf,
): Promise<{ readonly held: HeldSpool; readonly uuid: string }> {
  const { dataset, table, graceMinutes } = of
  // Raw first: whatever is in a batch by then is seen there.
  const raw = await spoolRaw(lake, ledger, dataset, of)
  const held = await spoolBatches(lake, ledger, { dataset, graceMinutes })
  const uuid = (await loadTable(lake, table))?.metadata['table-uuid'] ?? ''
  // An object that landed a moment ago may be about to get its batch.
  const young = graceMinutes === 0 ? '~' : firstIdAt(lake.clock.nowMs() - graceMinutes * 60_000)
  const states = sql`SELECT object, TRUE AS batched, bool_or(uuid IS NOT NULL AND uuid = ${uuid}) AS committed, bool_or(target = ${table} AND state = 'halted') AS halted, bool_or(target = ${table} AND state = 'under-way') AS under_way, bool_or(target = ${table} AND state = 'open') AS is_open FROM (${held.rows}) GROUP BY object`
  await ledger.session.run(
    sql`CREATE OR REPLACE TEMP TABLE standings AS SELECT id, uri, bytes::BIGINT AS bytes, coalesce(batched, FALSE) AS batched, CASE WHEN batched IS NULL AND id >= ${young} THEN 'under-way' WHEN batched IS NULL THEN 'unbatched' WHEN committed THEN 'committed' WHEN halted THEN 'halted' WHEN under_way THEN 'under-way' WHEN is_open THEN 'open' ELSE 'elsewhere' END AS standing FROM (${raw.rows}) LEFT JOIN (${states}) ON object = id`,
  )
  return { held, uuid }
}
