import { publish } from '#functions/publish/publish.ts'
import type { QualityReport } from '#functions/quality/outcome.ts'
import { quality } from '#functions/quality/quality.ts'
import { readDocument, type Verdict, verdictUri } from '#lake/batch.ts'
import { type Dataset, type DatasetSpec, defineDataset } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import type { Lake, LakeEvent } from '#lake/lake.ts'
import { QUALITY_RESULTS } from '#lake/quality-results.ts'
import { type Landing, landBatch, stagedRows, tableRows } from './batches.ts'

/** What the tests of the gate do with batches and ask of a lake. */

/** Films, small and easily wrong. */
export const films = (
  gate: DatasetSpec<'id' | 'title' | 'year'>['quality'],
  spec: Partial<DatasetSpec<'id' | 'title' | 'year'>> = {},
): Dataset =>
  defineDataset({
    name: 'films',
    source: { system: 's', format: 'ndjson', match: '*' },
    columns: { id: 'long', title: 'string', year: 'int' },
    ...spec,
    ...(gate === undefined ? {} : { quality: gate }),
  })

export type Objects = Readonly<Record<number, Landing['bytes']>>

/** Objects by their number in the order of landing. */
export async function landed(lake: Lake, dataset: Dataset, batch: string, objects: Objects): Promise<void> {
  const landings = Object.entries(objects).map(([order, bytes]) => ({ order: Number(order), bytes }))
  await landBatch(lake, dataset, { id: batch, objects: landings })
}

/** Lands a batch and does what the workflow does with it: a halted one is recorded by `publish` as well. */
export async function through(lake: Lake, dataset: Dataset, batch: string, objects: Objects): Promise<QualityReport> {
  await landed(lake, dataset, batch, objects)
  const report = await quality(lake, dataset, { batch })
  await publish(lake, dataset, { batch })
  return report
}

export async function verdictOf(lake: Lake, batch: string, dataset = 'films'): Promise<Verdict> {
  const verdict = await readDocument<Verdict>(lake, verdictUri(lake, dataset, batch))
  if (verdict === undefined) throw new Error(`batch ${batch} has no verdict`)
  return verdict
}

/** `read = applied + quarantined + superseded` of each object. */
export async function accounts(lake: Lake, batch: string): Promise<readonly string[]> {
  const { objects } = await verdictOf(lake, batch)
  return objects.map(each => `${each.read} = ${each.applied} + ${each.quarantined} + ${each.superseded}`)
}

/** `id` of every row of the table. */
export async function ids(lake: Lake, table = 'films'): Promise<readonly string[]> {
  return (await tableRows(lake, table, sql`id`)).map(row => String(row['id']))
}

/** `record: raw bytes | reason` of every quarantined row of a batch. */
export async function putAside(lake: Lake, batch: string): Promise<readonly string[]> {
  const { quarantine } = await verdictOf(lake, batch)
  if (quarantine === undefined) return []
  const rows = await stagedRows(lake, quarantine, sql`concat(record, ': ', decode(raw), ' | ', reason) AS line`)
  return rows.map(row => String(row['line']))
}

/** `rule: outcome, consequence` of every rule of a batch. */
export async function consequences(lake: Lake, batch: string): Promise<readonly string[]> {
  const { quality: said } = await verdictOf(lake, batch)
  return (said?.rules ?? []).map(each => `${each.rule}: ${each.outcome}, ${each.consequence}`)
}

/** `batch: rule: outcome` of every row of the results table. */
export async function results(lake: Lake): Promise<readonly string[]> {
  const rows = await tableRows(lake, QUALITY_RESULTS, sql`concat(batch, ': ', rule, ': ', outcome) AS line`)
  return rows.map(row => String(row['line']))
}

/** The lake with all that its bus was told. */
export function listening<L extends Lake>(lake: L): { readonly lake: L; readonly events: LakeEvent[] } {
  const events: LakeEvent[] = []
  const publishing: Lake['bus']['publish'] = async told => {
    events.push(...told)
    await lake.bus.publish(told)
  }
  return { lake: { ...lake, bus: { ...lake.bus, publish: publishing } }, events }
}
