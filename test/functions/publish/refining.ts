import { publish } from '#functions/publish/publish.ts'
import { quality } from '#functions/quality/quality.ts'
import { type CommitReport, commitUri, type ObjectOutcome, readDocument } from '#lake/batch.ts'
import { type Dataset, type DatasetSpec, defineDataset } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { openTable } from '#lake/iceberg/table.ts'
import type { Snapshot } from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'
import { type Landing, landBatch, tableRows } from '../quality/batches.ts'

export const orders = (spec: Partial<DatasetSpec<'id' | 'v' | 'day'>> = {}): Dataset =>
  defineDataset({
    name: 'orders',
    source: { system: 's', format: 'ndjson', match: '*' },
    columns: { id: 'long', v: 'string', day: 'date' },
    ...spec,
  })

/** A batch of objects, each given by its number in the order of landing and its lines. */
export async function land(
  lake: Lake,
  dataset: Dataset,
  id: string,
  objects: Readonly<Record<number, Landing['bytes']>>,
): Promise<void> {
  const landings = Object.entries(objects).map(([order, bytes]) => ({ order: Number(order), bytes }))
  await landBatch(lake, dataset, { id, objects: landings })
}

/** What the workflow does with a batch. */
export async function refine(lake: Lake, dataset: Dataset, batch: string) {
  await quality(lake, dataset, { batch })
  return publish(lake, dataset, { batch })
}

export async function applied(
  lake: Lake,
  dataset: Dataset,
  id: string,
  objects: Readonly<Record<number, Landing['bytes']>>,
) {
  await land(lake, dataset, id, objects)
  return refine(lake, dataset, id)
}

/** `id v` of every row, in order of raw object and row. */
export async function rows(lake: Lake, table = 'orders'): Promise<readonly string[]> {
  return (await tableRows(lake, table, sql`concat_ws(' ', id, v) AS text`)).map(row => String(row['text']))
}

/** Number of quarantined records by raw object. */
export async function quarantined(lake: Lake): Promise<readonly string[]> {
  return (await tableRows(lake, 'orders__quarantine', sql`concat_ws(' ', reason, decode(raw)) AS text`)).map(row =>
    String(row['text']),
  )
}

export async function commitReport(lake: Lake, batch: string): Promise<CommitReport> {
  const report = await readDocument<CommitReport>(lake, commitUri(lake, 'orders', batch))
  if (report === undefined) throw new Error(`batch ${batch} has no commit report`)
  return report
}

export const counts = ({ read, applied, quarantined, superseded }: ObjectOutcome): string =>
  `${read} = ${applied} + ${quarantined} + ${superseded}`

export async function snapshots(lake: Lake, table = 'orders'): Promise<readonly Snapshot[]> {
  return (await openTable(lake, table)).metadata.snapshots
}
