import { ingest } from '#functions/ingest/ingest.ts'
import { publish } from '#functions/publish/publish.ts'
import { quality } from '#functions/quality/quality.ts'
import { control, type PlanOptions, planReplay, type ReplayPlan, replayRequest } from '#functions/replay/replay.ts'
import type { Dataset } from '#lake/dataset.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { systemClock } from '#lake/system.ts'
import { runReplay, type World } from '#local/executions.ts'
import { created } from '../ingest/landing.ts'
import { tableRows } from '../quality/batches.ts'

/** What the tests of replay land, run and look at. */

/** A lake in memory whose time stands still, but in which waiting for something takes real time: state machines race their timeouts. */
export function replayLake(seed?: string): MemoryLake {
  const lake = memoryLake(seed === undefined ? {} : { seed })
  return { ...lake, clock: { ...lake.clock, sleep: systemClock.sleep } }
}

/** Lands a file a second after the one before it, and refines what `ingest` announces unless it is to be left there. */
export async function landed(
  lake: MemoryLake,
  datasets: readonly Dataset[],
  file: { readonly key: string; readonly text: string; readonly refined?: boolean },
): Promise<readonly string[]> {
  lake.clock.advance(1_000)
  await lake.storage.put(`${lake.zones.landing}/${file.key}`, Buffer.from(file.text))
  const { batches } = await ingest(lake, datasets, created(lake, file.key))
  if (file.refined !== false) for (const batch of batches) await refined(lake, datasets, batch)
  return batches.map(({ batch }) => batch)
}

export async function refined(
  lake: MemoryLake,
  datasets: readonly Dataset[],
  { dataset: name, batch }: { readonly dataset: string; readonly batch: string },
): Promise<void> {
  const dataset = datasets.find(each => each.name === name) as Dataset
  const { status } = await quality(lake, dataset, { batch })
  if (status === 'pass') await publish(lake, dataset, { batch })
}

export const planned = (
  lake: MemoryLake,
  datasets: readonly Dataset[],
  given: Readonly<Record<string, unknown>>,
  { id = 'r1', ...options }: PlanOptions & { readonly id?: string } = {},
): Promise<ReplayPlan> => planReplay(lake, id, replayRequest(datasets, { grace: 0, ...given }), options)

/** Plans a replay and runs it to its end, as the command line does. */
export async function replayed(
  lake: MemoryLake,
  datasets: readonly Dataset[],
  given: Readonly<Record<string, unknown>>,
  options: PlanOptions & { readonly id?: string } = {},
) {
  const plan = await planned(lake, datasets, given, options)
  if (plan.items === 0) return { plan, execution: undefined }
  await control(lake, plan.id, 'start')
  return { plan, execution: await executed(lake, datasets, plan.id, 1) }
}

export const world = (lake: MemoryLake, datasets: readonly Dataset[]): World => ({
  lake,
  datasets,
  step: () => undefined,
})

export const executed = (lake: MemoryLake, datasets: readonly Dataset[], replay: string, generation: number) =>
  runReplay(world(lake, datasets), { name: `${replay}-${generation}`, input: { replay, generation } })

/** Ids of all rows in order, `id` alone or with the amount. */
export async function ids(lake: MemoryLake, table = 'orders'): Promise<readonly number[]> {
  const rows = await tableRows(lake, table, sql`id::INTEGER AS id, _raw_object, _raw_row`)
  return rows.map(row => Number(row['id'])).toSorted((left, right) => left - right)
}

export async function refusedReasons(lake: MemoryLake, table = 'orders__quarantine'): Promise<readonly string[]> {
  const rows = await tableRows(lake, table, sql`reason, decode(raw) AS raw, _raw_object, _raw_row`)
  return rows.map(row => `${row['reason']} ${row['raw'] ?? 'whole'}`)
}
