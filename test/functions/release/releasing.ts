import { release } from '#functions/release/release.ts'
import type { CommitReport } from '#lake/batch.ts'
import { commitUri, type ObjectOutcome, readDocument } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import type { Lake } from '#lake/lake.ts'
import { accountOf, settlementsOf } from '#lake/quarantine/account.ts'
import type { QuarantineFilter } from '#lake/quarantine/filter.ts'
import { refine } from '../publish/refining.ts'
import { rawId, tableRows } from '../quality/batches.ts'

export interface Wish {
  readonly action?: 'release' | 'drop'
  readonly filter?: QuarantineFilter
  readonly limit?: number
}

/** Selects records and announces them; what the workflow does with the batches is up to the test. */
export async function select(lake: Lake, dataset: Dataset, { action = 'release', filter = {}, limit }: Wish = {}) {
  return release(lake, dataset, { action, filter, limit, reason: 'because', dryRun: false })
}

/** Selects records and takes them all the way. */
export async function settled(lake: Lake, dataset: Dataset, wish: Wish = {}) {
  const report = await select(lake, dataset, wish)
  for (const batch of report.batches) await refine(lake, dataset, batch)
  return report
}

/** `id v @object.row` of every row. */
export async function placedRows(lake: Lake): Promise<readonly string[]> {
  const rows = await tableRows(lake, 'orders', sql`concat_ws(' ', id, v) AS text, _raw_object, _raw_row`)
  return rows.map(row => `${row['text']} @${orderOf(row['_raw_object'])}.${row['_raw_row']}`)
}

/** `reason @object.record of batch` of every quarantined record. */
export async function held(lake: Lake): Promise<readonly string[]> {
  const rows = await tableRows(lake, 'orders__quarantine', sql`reason, _raw_object, record, batch`)
  return rows.map(row => `${row['reason']} @${orderOf(row['_raw_object'])}.${row['record']} of ${row['batch']}`)
}

const ORDERS = new Map(Array.from({ length: 100 }, (_none, order) => [rawId(order), order]))
const orderOf = (id: unknown): number => ORDERS.get(String(id)) as number

/** `read = applied + quarantined + superseded + suppressed` of an object, in the account of a batch. */
export async function account(lake: Lake, batch: string, order: number): Promise<string> {
  const report = await readDocument<CommitReport>(lake, commitUri(lake, 'orders', batch))
  const outcome = report?.objects.find(each => each.rawObject === rawId(order)) as ObjectOutcome
  const settlements = (await settlementsOf(lake, 'orders', batch)).flatMap(each => each.objects)
  const { read, applied, quarantined, superseded, suppressed = 0 } = accountOf(outcome, settlements)
  return `${read} = ${applied} + ${quarantined} + ${superseded} + ${suppressed}`
}
