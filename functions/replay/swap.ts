import { readDocument, writeDocumentOnce } from '#lake/batch.ts'
import { type Dataset, quarantineTableName } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { LakeError } from '#lake/errors.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { loadTable, openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import type { Lake, TableName } from '#lake/lake.ts'
import { quarantineDefinition } from '#lake/quarantine-table.ts'
import { digits, readSideTable, sideTableFolder } from '#lake/replay-documents.ts'
import { type ExchangeOutcome, exchange, type Pair } from './exchange.ts'
import { makeStandings, withLedger } from './ledger.ts'

/** A table as its files count it. */
export interface TableCounts {
  readonly table: TableName
  readonly rows: number
  readonly files: number
  readonly quarantined: number
  /** Raw objects that commits account for. */
  readonly objects: number
}

export interface Comparison {
  readonly dataset: string
  readonly live: TableCounts
  readonly side: TableCounts
  /** Raw objects that the live table has and the other one has not: they landed since, or failed there. */
  readonly lacking: { readonly count: number; readonly named: readonly string[] }
}

export interface SwapReport extends Comparison {
  readonly swapped: boolean
}

interface Intent {
  readonly pairs: readonly Pair[]
}

/** A table that is committed to more often than this while it is swapped needs a quieter moment. */
const ATTEMPTS_MAX = 5

/**
 * Compares a table that a replay has built with the one of its dataset and, when asked to, exchanges their names. Refuses while the new
 * one lacks an object that the other has. The comparison holds at the swap: it names the metadata that was compared, so a commit in between fails it.
 */
export async function swapTables(
  lake: Lake,
  {
    datasets,
    table,
    dryRun,
  }: { readonly datasets: readonly Dataset[]; readonly table: TableName; readonly dryRun: boolean },
): Promise<SwapReport> {
  const dataset = await datasetOf(lake, datasets, table)
  // Whoever asks again after a death asks for the swap that was under way, and not for another one back.
  if (!dryRun && (await finishOpen(lake, table)) === 'swapped')
    return { ...(await compared(lake, dataset, table)), swapped: true }
  for (let attempt = 1; ; attempt++) {
    if (!dryRun) await ensureTable(lake, quarantineDefinition(dataset))
    const pairs = await pairsOf(lake, dataset.name, table)
    const comparison = await compared(lake, dataset, table)
    if (dryRun) return { ...comparison, swapped: false }
    refuseLacking(comparison)
    if ((await carriedOut(lake, table, { pairs })) === 'swapped') return { ...comparison, swapped: true }
    if (attempt < ATTEMPTS_MAX) continue
    throw new LakeError('conflict', `${dataset.name} was committed to at each of ${attempt} attempts to swap it`, {
      table: dataset.name,
      next: 'try again in a quieter moment: nothing has changed',
    })
  }
}

async function datasetOf(lake: Lake, datasets: readonly Dataset[], table: TableName): Promise<Dataset> {
  const side = await readSideTable(lake, table)
  const dataset = datasets.find(({ name }) => name === side?.dataset)
  if (dataset !== undefined) return dataset
  throw new LakeError('not-found', `${table} is no table that a replay has built`, {
    table,
    next: `build one first: sluice replay --dataset NAME --mode all --into ${table}`,
  })
}

function refuseLacking({ dataset, live, side, lacking }: Comparison): void {
  if (lacking.count === 0) return
  throw new LakeError(
    'conflict',
    `${side.table} lacks ${lacking.count === 1 ? 'a raw object' : `${lacking.count} raw objects`} that ${live.table} has, such as ${lacking.named[0]}`,
    { table: side.table, next: `bring it up to date: sluice replay --dataset ${dataset} --into ${side.table}` },
  )
}

// --- Carrying it out -----------------------------------------------------------------------------------------------

const intentUri = (lake: Lake, table: TableName, number: number) =>
  `${sideTableFolder(lake, table)}/swap-${digits(number)}.json`
const outcomeUri = (lake: Lake, table: TableName, number: number) =>
  `${sideTableFolder(lake, table)}/swap-${digits(number)}-outcome.json`

async function carriedOut(lake: Lake, table: TableName, intent: Intent): Promise<ExchangeOutcome> {
  let number = 0
  while ((await lake.storage.head(intentUri(lake, table, number))) !== undefined) number++
  const decided = await writeDocumentOnce(lake, intentUri(lake, table, number), intent)
  return finish(lake, table, { number, intent: decided })
}

/** A swap that died half way is finished, or taken back, before anything else is done with the table. */
async function finishOpen(lake: Lake, table: TableName): Promise<ExchangeOutcome | undefined> {
  let outcome: ExchangeOutcome | undefined
  for (let number = 0; ; number++) {
    const intent = await readDocument<Intent>(lake, intentUri(lake, table, number))
    if (intent === undefined) return outcome
    if ((await lake.storage.head(outcomeUri(lake, table, number))) === undefined)
      outcome = await finish(lake, table, { number, intent })
  }
}

async function finish(
  lake: Lake,
  table: TableName,
  { number, intent }: { readonly number: number; readonly intent: Intent },
): Promise<ExchangeOutcome> {
  const outcome = await exchange(lake, intent.pairs)
  await writeDocumentOnce(lake, outcomeUri(lake, table, number), { outcome, atMs: lake.clock.nowMs() })
  return outcome
}

/** The table itself comes last. What a stream of changes remembers beside a table belongs to it. */
async function pairsOf(lake: Lake, live: TableName, side: TableName): Promise<readonly Pair[]> {
  const pairs: Pair[] = []
  for (const suffix of ['__tombstones', '__quarantine', '']) {
    const [mine, other] = [await loadTable(lake, `${live}${suffix}`), await loadTable(lake, `${side}${suffix}`)]
    if (mine === undefined && other === undefined) continue
    if (mine === undefined || other === undefined)
      throw new LakeError(
        'unsupported',
        `${live}${suffix} and ${side}${suffix} cannot be exchanged: one is not there`,
        {
          table: `${live}${suffix}`,
          next: 'replay into a new table, which then has all that the old one has',
        },
      )
    pairs.push({
      ...{ live: mine.name, side: other.name, liveLocation: mine.entry.metadataLocation },
      ...{ sideLocation: other.entry.metadataLocation, sideUuid: other.metadata['table-uuid'] },
    })
  }
  return pairs
}

// --- Comparing -----------------------------------------------------------------------------------------------------

const NAMED_MAX = 20

async function compared(lake: Lake, dataset: Dataset, table: TableName): Promise<Comparison> {
  const [live, side] = [await openTable(lake, dataset.name), await openTable(lake, table)]
  const [own, other] = [live.metadata['table-uuid'], side.metadata['table-uuid']]
  return withLedger(lake, async ledger => {
    const { held } = await makeStandings(lake, ledger, { dataset: dataset.name, table, graceMinutes: 0 })
    await ledger.session.run(
      sql`CREATE OR REPLACE TEMP TABLE in_tables AS SELECT object, coalesce(bool_or(uuid = ${own}), FALSE) AS live, coalesce(bool_or(uuid = ${other}), FALSE) AS side FROM (${held.rows}) GROUP BY object`,
    )
    const [row] = await ledger.session.rows(
      sql`SELECT count(*) FILTER (live)::BIGINT AS live, count(*) FILTER (side)::BIGINT AS side, count(*) FILTER (live AND NOT side)::BIGINT AS lacking FROM in_tables`,
    )
    const lacking = await ledger.session.rows(
      sql`SELECT object FROM in_tables WHERE live AND NOT side ORDER BY object LIMIT ${NAMED_MAX}`,
    )
    return {
      dataset: dataset.name,
      live: await countsOf(lake, dataset.name, Number(row?.['live'])),
      side: await countsOf(lake, table, Number(row?.['side'])),
      lacking: { count: Number(row?.['lacking']), named: lacking.map(each => String(each['object'])) },
    }
  })
}

async function countsOf(lake: Lake, table: TableName, objects: number): Promise<TableCounts> {
  const own = await sizeOf(lake, table)
  const { rows: quarantined } = await sizeOf(lake, quarantineTableName({ name: table }))
  return { table, ...own, quarantined, objects }
}

/** Without the rows that deletes hide, which are counted when they are read. */
async function sizeOf(lake: Lake, name: TableName): Promise<{ readonly rows: number; readonly files: number }> {
  const table = await loadTable(lake, name)
  const files = table === undefined ? [] : await liveFiles(lake, table)
  return { rows: files.reduce((sum, { file }) => sum + Number(file.record_count), 0), files: files.length }
}
