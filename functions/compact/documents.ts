import { readDocument, writeDocumentOnce } from '#lake/batch.ts'
import { LakeError } from '#lake/errors.ts'
import type { DataFile, ScanFile } from '#lake/iceberg/types.ts'
import type { Lake, TableName, Uri } from '#lake/lake.ts'
import type { CompactionSettings } from './settings.ts'

/** What a run of compaction keeps in `ops/compactions/<table>/<run>/`; each document is written once, and a repetition finds it. */
export interface PlanDocument {
  readonly table: TableName
  readonly run: string
  /** Of a table that was dropped and created anew, nothing that was planned is true. */
  readonly tableUuid: string
  readonly plannedMs: number
  readonly snapshotId: bigint
  /** Data sequence number of everything that the run writes, so that later deletes still apply to it. */
  readonly startSequence: bigint
  readonly settings: Pick<CompactionSettings, 'strategy' | 'targetFileBytes' | 'codec'>
  readonly partialProgress: boolean
  readonly groups: readonly GroupEntry[]
  readonly before: Size
  readonly after: Size
  readonly gbSeconds: number
}

export interface Size {
  readonly files: number
  readonly bytes: number
}

export interface GroupEntry {
  readonly group: number
  readonly route: 'function' | 'athena'
  readonly kind: 'partition' | 'regroup'
  /** For people: `day=2024-05-03`, empty without partitions. */
  readonly partition: string
  readonly files: number
  readonly bytes: number
  /** Expected of the rewrite. */
  readonly outputs: number
  readonly outputBytes: number
  /** Athena only: condition of its statement. */
  readonly where?: string
  /** A `GroupFiles`. */
  readonly input: Uri
}

/** The files of one group, apart from the plan: whoever rewrites a group reads no other. */
export interface GroupFiles {
  readonly files: readonly ScanFile[]
}

/** A group that was rewritten and proven; its files are in their place in the table, which does not know of them yet. */
export interface GroupResult {
  readonly group: number
  readonly added: readonly DataFile[]
  /** Rows of the inputs without the deleted, which are those of the outputs. */
  readonly rows: bigint
  /** Decimal text of the checksum that both gave. */
  readonly checksum: string
}

// --- Where they are ------------------------------------------------------------------------------------------------

const folderUri = (lake: Lake, table: TableName, run: string): Uri => `${lake.zones.ops}/compactions/${table}/${run}`

export const planUri = (lake: Lake, table: TableName, run: string): Uri => `${folderUri(lake, table, run)}/plan.json`

export const resultUri = (lake: Lake, { table, run, group }: GroupRef): Uri =>
  `${folderUri(lake, table, run)}/group-${group}.json`

/** `attempt` is of one planning alone: should two plan the same run, the groups of one must not name the files of the other. */
export const filesUri = (lake: Lake, { table, run, group }: GroupRef, attempt: string): Uri =>
  `${folderUri(lake, table, run)}/files-${attempt}-${group}.json`

export interface GroupRef {
  readonly table: TableName
  readonly run: string
  readonly group: number
}

/** Fails with `not-found`. */
export async function readPlan(lake: Lake, table: TableName, run: string): Promise<PlanDocument> {
  const plan = await readDocument<PlanDocument>(lake, planUri(lake, table, run))
  if (plan === undefined) throw new LakeError('not-found', `${table} has no compaction ${run}`, { table, run })
  return plan
}

export async function readFiles(lake: Lake, entry: GroupEntry): Promise<readonly ScanFile[]> {
  const document = await readDocument<GroupFiles>(lake, entry.input)
  if (document === undefined)
    throw new LakeError('not-found', `the files of group ${entry.group} are not there`, { uri: entry.input })
  return document.files
}

export const readResult = (lake: Lake, ref: GroupRef): Promise<GroupResult | undefined> =>
  readDocument<GroupResult>(lake, resultUri(lake, ref))

export const writeResult = (lake: Lake, ref: GroupRef, result: GroupResult): Promise<GroupResult> =>
  writeDocumentOnce(lake, resultUri(lake, ref), result)
