import { landedUri, writeDocumentOnce } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { lakeReconciled } from '#lake/events.ts'
import type { Lake } from '#lake/lake.ts'
import { objectCreated } from '#lake/object-created.ts'
import { mapParallel } from '#lake/parallel.ts'
import type { ListedObject } from '#lake/replay-documents.ts'
import { claimObjects } from './claims.ts'
import { compareLanding, type LandedVersion, type LandingAccount } from './landing.ts'
import { type Ledger, makeStandings, type Standing, withLedger } from './ledger.ts'
import { isLongKey, rawObject } from './raw-objects.ts'
import { type Repairs, repairsOf, takeUp } from './repair.ts'
import { GRACE_MINUTES } from './request.ts'

export interface ReconcileRequest {
  readonly datasets: readonly Dataset[]
  /** Landing objects are compared as well; left out when only datasets are asked for. */
  readonly landing: boolean
  /** What came or began so recently is left to whoever is at it. */
  readonly graceMinutes?: number | undefined
  /** Without it the differences are only told. */
  readonly repair: boolean
  /** Of the AWS account, in whose name landing objects are told of again. */
  readonly account?: string | undefined
}

/** A number of objects, the first of them by name. */
export interface Found {
  readonly count: number
  readonly named: readonly string[]
}

export interface DatasetAccount {
  readonly dataset: string
  readonly objects: number
  readonly committed: number
  /** The same bytes under the same key as another. */
  readonly duplicates: number
  readonly underWay: number
  /** A verdict stopped them, and somebody has to decide. */
  readonly halted: number
  /** In raw, and in no batch. */
  readonly unbatched: Found
  /** In a batch that was never committed, or was committed to a table that is gone. */
  readonly unrefined: Found
  /** Committed, and no longer in raw: what is true of the table can no longer be proven. */
  readonly vanished: Found
  /** Of those in no batch: what landing still has as well, and `ingest` has never recorded. One loss, which both ends show. */
  readonly inLanding: number
  /** Of those in no batch or not refined: what one repair after the other has failed on. Nobody tries it again but people. */
  readonly givenUp: number
  /** The last repair that failed: it says why. */
  readonly failed?: string
  /** The replay that takes up what is missing. */
  readonly replay?: string
}

export interface ReconcileReport {
  readonly startedMs: number
  readonly repaired: boolean
  readonly landing?: LandingAccount & { readonly named: readonly string[]; readonly told: number }
  readonly datasets: readonly DatasetAccount[]
  /** Objects that nothing accounts for, in landing and in raw: more than none is an alarm. */
  readonly unaccounted: number
}

const NAMED_MAX = 20

/**
 * Compares what is in landing and in raw with what `ingest`, batches, verdicts and commits say of it; a time never decides. With `repair`
 * landing objects are told to `ingest` again, and raw objects go into a replay of what is missing: both may be repeated.
 */
export async function reconcile(lake: Lake, request: ReconcileRequest): Promise<ReconcileReport> {
  const startedMs = lake.clock.nowMs()
  const graceMinutes = request.graceMinutes ?? GRACE_MINUTES
  // All is compared before anything is repaired: what a repair has under way is no difference.
  const lost = request.landing ? await lostInLanding(lake, graceMinutes) : undefined
  const found: Accounted[] = []
  for (const dataset of request.datasets)
    found.push(await withLedger(lake, ledger => accountOf(lake, ledger, { dataset, graceMinutes })))
  const landing = lost && { ...lost.account, told: request.repair ? await tellAgain(lake, lost.objects, request) : 0 }
  const accounts: DatasetAccount[] = []
  for (const [at, { account, repairs }] of found.entries()) {
    const dataset = request.datasets[at] as Dataset
    const taking = repairs && request.repair ? { ...repairs, graceMinutes, startedMs } : undefined
    const replay = taking && (await takeUp(lake, dataset, taking))
    accounts.push(replay === undefined ? account : { ...account, replay })
  }
  const unaccounted = accounts.reduce(
    (sum, each) => sum + amissIn(each) - (landing === undefined ? 0 : each.inLanding),
    landing?.missing ?? 0,
  )
  const report: ReconcileReport = {
    ...{ startedMs, repaired: request.repair, datasets: accounts, unaccounted },
    ...(landing === undefined ? {} : { landing }),
  }
  if (request.repair) await tell(lake, report)
  return report
}

const amissIn = ({ unbatched, unrefined, vanished }: DatasetAccount): number =>
  unbatched.count + unrefined.count + vanished.count

/** What was found, for those who were not there: a document, and an event when something is amiss. */
async function tell(lake: Lake, report: ReconcileReport): Promise<void> {
  const uri = `${lake.zones.ops}/reconciliations/${new Date(report.startedMs).toISOString()}-${lake.ids.uuid().slice(0, 8)}.json`
  await writeDocumentOnce(lake, uri, report)
  if (report.unaccounted === 0) return
  await lake.bus.publish([
    lakeReconciled({
      unaccounted: report.unaccounted,
      landing: report.landing?.missing ?? 0,
      datasets: report.datasets
        .filter(account => amissIn(account) > 0)
        .map(({ dataset, unbatched, unrefined, vanished, givenUp, replay }) => ({
          ...{ dataset, unbatched: unbatched.count, unrefined: unrefined.count, vanished: vanished.count, givenUp },
          ...(replay === undefined ? {} : { replay }),
        })),
      report: uri,
    }),
  ])
}

// --- Landing -------------------------------------------------------------------------------------------------------

/** The next run goes on with the rest. */
const TOLD_MAX = 10_000

async function lostInLanding(
  lake: Lake,
  graceMinutes: number,
): Promise<{
  readonly account: Omit<NonNullable<ReconcileReport['landing']>, 'told'>
  readonly objects: readonly LandedVersion[]
}> {
  return withLedger(lake, async ledger => {
    const { rows, ...counts } = await compareLanding(lake, ledger, { graceMinutes })
    const objects: LandedVersion[] = []
    let missing = 0
    for await (const object of rows) {
      missing++
      if (objects.length < TOLD_MAX) objects.push(object)
    }
    const named = objects.slice(0, NAMED_MAX).map(({ uri }) => uri.slice(lake.zones.landing.length + 1))
    return { account: { ...counts, recorded: counts.recorded + counts.missing - missing, missing, named }, objects }
  })
}

async function tellAgain(
  lake: Lake,
  objects: readonly LandedVersion[],
  { account }: Pick<ReconcileRequest, 'account'>,
): Promise<number> {
  for (const object of objects) {
    const event = objectCreated(lake, object, account === undefined ? {} : { account })
    await lake.deadLetters.send('ingest', JSON.stringify(event))
  }
  return objects.length
}

// --- Raw -----------------------------------------------------------------------------------------------------------

interface Accounting {
  readonly dataset: Dataset
  readonly graceMinutes: number
}

interface Accounted {
  readonly account: DatasetAccount
  /** undefined when nothing is missing. */
  readonly repairs: Repairs | undefined
}

async function accountOf(lake: Lake, ledger: Ledger, { dataset, graceMinutes }: Accounting): Promise<Accounted> {
  const { name } = dataset
  const { held, uuid } = await makeStandings(lake, ledger, { dataset: name, table: name, graceMinutes })
  await ledger.session.run(
    sql`CREATE OR REPLACE TEMP TABLE vanished AS SELECT DISTINCT object AS id FROM (${held.rows}) AS h WHERE uuid = ${uuid} AND NOT EXISTS (SELECT 1 FROM standings AS s WHERE s.id = h.object)`,
  )
  const counts = new Map<string, number>()
  for (const row of await ledger.session.rows(
    sql`SELECT standing, count(*)::BIGINT AS objects FROM standings GROUP BY standing`,
  ))
    counts.set(String(row['standing']), Number(row['objects']))
  const count = (standing: Standing): number => counts.get(standing) ?? 0
  const { duplicates, unbatched, inLanding } = await sortUnbatched(lake, ledger, dataset)
  const isWell = unbatched.count + count('open') + count('elsewhere') === 0
  const repairs = isWell ? undefined : await repairsOf(lake, dataset)
  const givenUp = repairs === undefined ? 0 : await missingOf(ledger, [...repairs.givenUp])
  const account: DatasetAccount = {
    dataset: name,
    objects: [...counts.values()].reduce((sum, each) => sum + each, 0),
    ...{ committed: count('committed'), underWay: count('under-way'), halted: count('halted') },
    ...{ duplicates, unbatched, inLanding, givenUp },
    ...(givenUp > 0 && repairs?.lastFailed !== undefined ? { failed: repairs.lastFailed } : {}),
    unrefined: {
      count: count('open') + count('elsewhere'),
      named: await names(ledger, sql`standings WHERE standing IN ('open', 'elsewhere')`),
    },
    vanished: await foundIn(ledger),
  }
  return { account, repairs }
}

async function missingOf({ session }: Ledger, ids: readonly string[]): Promise<number> {
  if (ids.length === 0) return 0
  const [row] = await session.rows(
    sql`SELECT count(*)::DOUBLE AS objects FROM standings WHERE standing IN ('open', 'elsewhere', 'unbatched') AND id IN (SELECT unnest(${ids}))`,
  )
  return Number(row?.['objects'])
}

async function foundIn(ledger: Ledger): Promise<Found> {
  const [row] = await ledger.session.rows(sql`SELECT count(*)::BIGINT AS objects FROM vanished`)
  return { count: Number(row?.['objects']), named: await names(ledger, sql`vanished`) }
}

async function names({ session }: Ledger, from: ReturnType<typeof sql>): Promise<readonly string[]> {
  const rows = await session.rows(sql`SELECT id FROM ${from} ORDER BY id LIMIT ${NAMED_MAX}`)
  return rows.map(row => String(row['id']))
}

const PAGE = 256

/** What no batch has is a repetition, or was lost between raw and its batch. */
async function sortUnbatched(
  lake: Lake,
  { session }: Ledger,
  dataset: Dataset,
): Promise<Pick<DatasetAccount, 'duplicates' | 'unbatched' | 'inLanding'>> {
  const { chunks } = await session.read(
    sql`SELECT id, uri, bytes::DOUBLE AS bytes FROM standings WHERE standing = 'unbatched' ORDER BY id`,
  )
  const named: string[] = []
  let [duplicates, count, inLanding] = [0, 0, 0]
  for await (const chunk of chunks)
    for (let start = 0; start < chunk.length; start += PAGE) {
      const objects = chunk
        .slice(start, start + PAGE)
        .map(([id, uri, bytes]): ListedObject => ({ id: String(id), uri: String(uri), bytes: Number(bytes) }))
      const repeated = await claimObjects(lake, dataset, { objects, dryRun: true })
      duplicates += repeated.size
      count += objects.length - repeated.size
      const lost = objects.filter(({ id }) => !repeated.has(id))
      named.push(...lost.slice(0, NAMED_MAX - named.length).map(({ id }) => id))
      const shown = await mapParallel(lost, HEADS_AT_ONCE, object => isInLanding(lake, object))
      inLanding += shown.filter(Boolean).length
    }
  return { duplicates, unbatched: { count, named }, inLanding }
}

const HEADS_AT_ONCE = 32

/** Whether the version that the object was copied from still stands in landing, and `ingest` has no record of it: landing shows it then. */
async function isInLanding(lake: Lake, listed: ListedObject): Promise<boolean> {
  const { sourceUri, sourceVersion, id } = await rawObject(lake, listed)
  if (isLongKey(sourceUri.slice(lake.zones.landing.length + 1))) return false
  if ((await lake.storage.head(landedUri(lake, sourceUri, id))) !== undefined) return false
  return (await lake.storage.head(sourceUri, { version: sourceVersion })) !== undefined
}
