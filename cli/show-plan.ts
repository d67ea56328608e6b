import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { currentSnapshot, snapshotSchema } from '#lake/iceberg/metadata.ts'
import type { Predicate } from '#lake/iceberg/predicate.ts'
import { planScan, type ScanPlan } from '#lake/iceberg/scan.ts'
import { columnByName } from '#lake/iceberg/schema.ts'
import { columnBytes } from '#lake/iceberg/stage-columns.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { Schema, Snapshot } from '#lake/iceberg/types.ts'
import { parseWhere } from '#lake/iceberg/where.ts'
import { closest } from './closest.ts'
import type { Call } from './command.ts'
import { usage } from './refusal.ts'
import { deletesText, fileSection, printSection } from './show-section.ts'
import { readAt, snapshotsFor } from './snapshot-choice.ts'
import { styleOf } from './style.ts'
import { type DescribedDeletes, type DescribedFile, describeDeletes, describeFile } from './table-description.ts'
import { printTable, type TableRow } from './table-printer.ts'
import { printable } from './text-width.ts'
import { formatBytes, formatCount, formatTime } from './units.ts'

/** What a query with a condition reads, as `sluice show --plan --json` prints it. */
export interface PlanDescription {
  readonly table: string
  readonly where: string
  /** null for a table that was never written to. */
  readonly snapshot: { readonly id: string; readonly time: string } | null
  readonly total: ManifestsAndFiles
  readonly prunedByPartition: ManifestsAndFiles
  readonly prunedByBounds: Files
  readonly kept: ManifestsAndFiles
  /** Bytes of the columns in the kept files, with those of the condition; null without --columns. */
  readonly columns: { readonly names: readonly string[]; readonly bytes: number } | null
  readonly deletes: DescribedDeletes
  readonly files: readonly DescribedFile[]
}

interface Files {
  readonly files: number
  readonly bytes: number
}

interface ManifestsAndFiles extends Files {
  readonly manifests: number
}

/** `sluice show --plan`: what partitions and statistics leave of a table. */
export async function showPlan(call: Call, table: Table, where: string): Promise<void> {
  const at = call.options.value('at')
  const snapshot = at === undefined ? currentSnapshot(table.metadata) : snapshotsFor([table], readAt(at))[0]
  const schema = snapshotSchema(table.metadata, at === undefined ? undefined : snapshot)
  const predicates = parseWhere(where, schema)
  const names = chosenColumns(call.options.value('columns'), schema)
  const description = await describePlan(call, { table, snapshot, schema, where, predicates, names })
  if (call.options.has('json')) await call.terminal.out.write(`${JSON.stringify(description, null, 2)}\n`)
  else await print(call, description)
}

function chosenColumns(text: string | undefined, schema: Schema): readonly string[] | undefined {
  return text
    ?.split(',')
    .map(name => name.trim())
    .filter(name => name !== '')
    .map(name => {
      const known = schema.fields.map(field => field.name)
      const found = known.find(each => each === name) ?? known.find(each => each.toLowerCase() === name.toLowerCase())
      if (found !== undefined) return found
      const near = closest(name, known)
      const next = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `the columns are ${known.join(', ')}`
      throw usage(`--columns: there is no column ${name}`, next)
    })
}

interface Planned {
  readonly table: Table
  readonly snapshot: Snapshot | undefined
  readonly schema: Schema
  readonly where: string
  readonly predicates: readonly Predicate[]
  readonly names: readonly string[] | undefined
}

async function describePlan(call: Call, planned: Planned): Promise<PlanDescription> {
  const { table, snapshot, predicates, names } = planned
  // What is in manifests that the plan does not read can only be told by reading them.
  const all = await planScan(call.lake, table, { snapshot })
  const plan = await planScan(call.lake, table, { snapshot, where: predicates })
  const [total, kept] = [sizesOf(all.kept), sizesOf(plan.kept)]
  const byBounds = { files: plan.skipped.byBounds.files, bytes: Number(plan.skipped.byBounds.bytes) }
  return {
    table: table.name,
    where: planned.where.replace(/^\s*where\s+/i, '').trim(),
    snapshot: snapshot
      ? { id: String(snapshot['snapshot-id']), time: new Date(snapshot['timestamp-ms']).toISOString() }
      : null,
    total,
    prunedByPartition: {
      manifests: total.manifests - kept.manifests,
      files: total.files - kept.files - byBounds.files,
      bytes: total.bytes - kept.bytes - byBounds.bytes,
    },
    prunedByBounds: byBounds,
    kept,
    columns: names === undefined ? null : { names, bytes: await bytesOfColumns(call, plan, planned) },
    deletes: describeDeletes(plan),
    files: plan.files.map(live => describeFile(table, live)).toSorted((a, b) => (a.path < b.path ? -1 : 1)),
  }
}

const sizesOf = ({ manifests, files, bytes }: ScanPlan['kept']): ManifestsAndFiles => ({
  manifests,
  files,
  bytes: Number(bytes),
})

/** A query reads the columns of its condition, too. */
async function bytesOfColumns(
  { lake }: Call,
  { files }: ScanPlan,
  { schema, predicates, names = [] }: Planned,
): Promise<number> {
  const read = new Set([...names, ...predicates.map(predicate => predicate.column)])
  const columns = [...read].map(name => columnByName(schema, name).id)
  const folder = join(lake.limits.scratch, `plan-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  try {
    return Number(await columnBytes(lake, files, { folder, columns }))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

// --- The screen ----------------------------------------------------------------------------------------------------

async function print(call: Call, plan: PlanDescription): Promise<void> {
  const { out } = call.terminal
  const style = styleOf(out)
  const { snapshot } = plan
  await out.write(`${style.bold(plan.table)} where ${printable(plan.where)}\n`)
  if (snapshot !== null)
    await out.write(`${style.dim(`snapshot ${snapshot.id} of ${formatTime(Date.parse(snapshot.time))}`)}\n`)
  await out.write('\n')
  const columns = [
    { name: '', whole: true },
    ...['manifests', 'files', 'size', 'share'].map(name => ({ name, numeric: true })),
  ]
  await printTable(out, { columns, rows: planRows(plan) }, { full: call.options.has('full'), indent: 2 })
  const deletes = deletesText(plan.deletes)
  if (deletes !== undefined) await out.write(`\n${style.bold('Deletes that apply')}  ${deletes}\n`)
  await printSection(call, fileSection(plan.files))
}

function planRows(plan: PlanDescription): readonly TableRow[] {
  const row = (name: string, part: Files & Partial<ManifestsAndFiles>): TableRow => [
    name,
    part.manifests === undefined ? '–' : formatCount(part.manifests),
    formatCount(part.files),
    formatBytes(part.bytes),
    shareText(part.bytes, plan.total.bytes),
  ]
  const { columns, kept } = plan
  return [
    row('the table', plan.total),
    row('left out by partition', plan.prunedByPartition),
    row('left out by min and max', plan.prunedByBounds),
    row('to read', kept),
    ...(columns === null ? [] : [row('of it these columns', { files: kept.files, bytes: columns.bytes })]),
  ]
}

/** `2.7 %`; what is not nothing does not look like it. */
function shareText(bytes: number, total: number): string {
  if (total === 0) return '–'
  const share = (100 * bytes) / total
  return share > 0 && share < 0.05 ? '< 0.1 %' : `${share.toFixed(1)} %`
}
