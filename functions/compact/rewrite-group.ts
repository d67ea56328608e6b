import { LakeError } from '#lake/errors.ts'
import { openTable, type Table } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'
import { bytesOf } from './candidates.ts'
import { type GroupRef, type GroupResult, readFiles, readPlan, readResult, writeResult } from './documents.ts'
import { type RewriteTask, rewriteFiles } from './rewrite.ts'

/** What the workflow sees of a group that was rewritten. */
export interface GroupReport {
  readonly table: string
  readonly run: string
  readonly group: number
  readonly files: number
  readonly bytes: number
  readonly rows: number
}

/** Rewrites one group of a plan; a repetition finds the result. Nothing of it is in the table before it is committed. */
export async function rewriteGroup(
  lake: Lake,
  { table: name, run, group }: GroupRef,
  options: Pick<RewriteTask, 'onProgress'> = {},
): Promise<GroupReport> {
  const ref = { table: name, run, group }
  const done = await readResult(lake, ref)
  if (done !== undefined) return reportOf(ref, done)
  const plan = await readPlan(lake, name, run)
  const entry = plan.groups[group]
  if (entry === undefined) throw new LakeError('not-found', `compaction ${run} has no group ${group}`, { ...ref })
  if (entry.route !== 'function')
    throw new LakeError('unsupported', `group ${group} has a file that only Athena can rewrite`, { ...ref })
  const files = await readFiles(lake, entry)
  const table = await openTable(lake, name)
  checkIdentity(table, plan.tableUuid)
  const { kind } = entry
  const { added, checksum } = await rewriteFiles(lake, {
    ...{ table, group, files, kind, settings: plan.settings },
    ...options,
  })
  const result = { group, added, rows: checksum.rows, checksum: String(checksum.sum) }
  return reportOf(ref, await writeResult(lake, ref, result))
}

export function checkIdentity(table: Table, uuid: string): void {
  if (table.metadata['table-uuid'] === uuid) return
  throw new LakeError(
    'contract-broken',
    `${table.name} was dropped and created anew after the compaction was planned`,
    {
      table: table.name,
    },
  )
}

function reportOf(ref: GroupRef, { added, rows }: GroupResult): GroupReport {
  return { ...ref, files: added.length, bytes: bytesOf(added), rows: Number(rows) }
}
