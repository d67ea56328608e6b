import { hashText, readDocument, writeDocumentOnce } from '#lake/batch.ts'
import type { MergeStep } from '#lake/batch-request.ts'
import { handOverTableName } from '#lake/dataset.ts'
import type { Sql } from '#lake/duckdb/sql.ts'
import { LakeError } from '#lake/errors.ts'
import { appliedCommits } from '#lake/iceberg/applied-commits.ts'
import { type CommitResult, commit } from '#lake/iceberg/commit.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { stageOverwrite } from '#lake/iceberg/operations/overwrite.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { loadTable, openTable, type Table } from '#lake/iceberg/table.ts'
import type { Schema } from '#lake/iceberg/types.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import { type Counts, summaryOf } from './counts.ts'
import { forgetOld } from './forget.ts'
import { type HandedRows, handedRows, writeKeys, writeMoves } from './hand-over-rows.ts'
import { locateSql, mergeSql, type Statement } from './hand-over-sql.ts'
import { ensureHandOver, rowsOfRuns } from './hand-over-table.ts'
import { type Job, summaryOfJob, withTask } from './job.ts'
import { stageLate } from './late.ts'
import { begin, mergeKeys, newestEvent } from './merge.ts'
import type { Stamp } from './stamp.ts'
import type { MergeTask } from './task.ts'
import { writeTombstones } from './tombstones.ts'
import { newestTruncate } from './truncates.ts'

/** What Athena is to run before `step` is taken. */
export interface HandOver {
  readonly batch: string
  readonly dataset: string
  readonly step: MergeStep
  readonly statement: string
  /** The same for the same statement. */
  readonly statementId: string
}

/** A table whose rows are others each time that they are merged has too many writers at once. */
const ROUNDS_MAX = 12
/** A state puts out 256 KB at most, and so long is a statement of Athena (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html). */
const ANSWER_BYTES_MAX = 250_000

/** Written before the rows are located. */
interface Plan {
  readonly run: string
  readonly schemaId: number
  readonly truncate?: Stamp | undefined
}

/** Written before they are merged: what the batch comes to, should that succeed. */
interface Judged {
  readonly run: string
  readonly counts: Counts
}

const folderOf = (lake: Lake, dataset: string, batch: string): Uri =>
  `${lake.zones.staging}/${dataset}/${batch}/handover/`
const uriOf = (lake: Lake, { dataset, batch }: Job, name: string): Uri =>
  `${folderOf(lake, dataset.name, batch)}${name}.json`
const planUri = (lake: Lake, job: Job, run: string): Uri => uriOf(lake, job, `${run}-plan`)
const judgedUri = (lake: Lake, job: Job, run: string): Uri => uriOf(lake, job, `${run}-judged`)

/** Whether some execution has begun to hand the batch over. It may have merged it already, so that the batch goes on this way. */
export async function isHandedOver(lake: Lake, { dataset, batch }: Job): Promise<boolean> {
  return (await runsOf(lake, dataset.name, batch)).length > 0
}

async function runsOf(lake: Lake, dataset: string, batch: string): Promise<readonly string[]> {
  const folder = folderOf(lake, dataset, batch)
  const runs: string[] = []
  for await (const { uri } of lake.storage.list(folder)) {
    const run = /^(.*)-plan[.]json$/.exec(uri.slice(folder.length))?.[1]
    if (run !== undefined) runs.push(run)
  }
  return runs
}

/**
 * One step of a merge that Athena does. Its rows are located, which is Athena's first statement; folded here, by the rule that holds for all
 * merges; and merged, which is Athena's second statement and does nothing unless the table still has exactly the rows that were folded. Then
 * they are located once more: the batch is closed when folding it changes nothing any more. Any step may be taken twice or by two at once.
 */
export async function continueHandOver(
  lake: Lake,
  job: Job,
  step: MergeStep | undefined,
): Promise<CommitResult | HandOver> {
  const table = await openTable(lake, job.dataset.name)
  const snapshot = await appliedCommits(lake).find(table, job.commitId)
  if (snapshot !== undefined) return { table, snapshot, alreadyCommitted: true, attempts: 0 }
  const round = (step?.round ?? 0) + 1
  return withTask(lake, job, async task => {
    const plan = step && (await readDocument<Plan>(lake, planUri(lake, job, step.run)))
    if (plan === undefined) return locate(task, job, { table, round })
    return (await judge(task, job, { plan, table, round })) ?? locate(task, job, { table, round })
  })
}

interface Round {
  readonly table: Table
  /** So many times rows have been located when they are the next time. */
  readonly round: number
}

async function locate(task: MergeTask, job: Job, { table, round }: Round): Promise<HandOver> {
  const { lake, dataset, publish } = task
  if (round > ROUNDS_MAX)
    throw new LakeError('conflict', `${table.name}: other writers changed the rows of the batch ${ROUNDS_MAX} times`, {
      ...{ table: table.name, batch: job.batch },
      next: 'replay the batch in a quieter moment, or let fewer batches of the dataset run at once: nothing is lost',
    })
  const schema = currentSchema(table.metadata)
  const truncate = await newestTruncate(task)
  if (truncate !== undefined && publish.mode === 'history')
    throw new LakeError(
      'unsupported',
      `${dataset.name}: a truncate ends the rows of every key, and there are too many`,
      {
        ...{ table: dataset.name, batch: job.batch },
        next: 'raise publish.mergeBytesMax as far as the disk and the time of the function allow (stacks/plan.ts), and replay the batch',
      },
    )
  const plan = { run: lake.ids.uuid(), schemaId: schema['schema-id'], truncate }
  const { run } = plan
  // First, so that whoever clears up knows of every run that may have left rows.
  await writeDocumentOnce<Plan>(lake, planUri(lake, job, run), plan)
  await writeKeys(task, { handOver: await ensureHandOver(lake, dataset, schema), schema, run })
  return handOver(job, { run, round }, ['locate', locateSql(statementOf(job, schema, plan))])
}

type Named = readonly [kind: 'locate' | 'merge', statement: Sql]

function handOver({ owner, batch }: Job, step: MergeStep, [kind, { text: statement }]: Named): HandOver {
  const answer = { batch, dataset: owner, step, statement, statementId: `${step.run}-${kind}` }
  if (Buffer.byteLength(JSON.stringify(answer)) <= ANSWER_BYTES_MAX) return answer
  throw new LakeError('unsupported', 'the table has more columns than fit a statement of Athena', {
    ...{ dataset: owner, batch },
    next: 'raise publish.mergeBytesMax, or nest columns that belong together',
  })
}

function statementOf({ dataset, publish }: Job, schema: Schema, { run, truncate }: Plan): Statement {
  const columns = schema.fields.map(({ name }) => name)
  const state = STATE.filter(name => columns.includes(name))
  return { table: dataset.name, handOver: handOverTableName(dataset), run, key: publish.key, state, columns, truncate }
}

/** With the key they tell every state of a row from every other. */
const STATE = ['_version', '_place', '_authors', '_deleted', '_valid_from', '_valid_to', '_is_current'] as const

// --- Located rows --------------------------------------------------------------------------------------------------

/** undefined: what was located is of no use any more, and has to be located anew. */
async function judge(
  task: MergeTask,
  job: Job,
  { plan, table, round }: Round & { readonly plan: Plan },
): Promise<CommitResult | HandOver | undefined> {
  const { lake } = task
  const schema = currentSchema(table.metadata)
  if (schema['schema-id'] !== plan.schemaId) return undefined
  const { state } = statementOf(job, schema, plan)
  const base = await openTable(lake, handOverTableName(job.dataset))
  const attempt = await begin(task, { base, schema, where: rowsOfRuns([plan.run], 'row') })
  const handed = await handedRows(attempt, { run: plan.run, state })
  // It was merged, or somebody died on the way to it: only the table as it is now tells.
  if (handed.isMoved) return undefined
  const known = await countsOfEarlier(lake, job, handed)
  const { counts, added, truncates } = await mergeKeys(attempt, rows => handed.write(rows, 'put'))
  const moves = await writeMoves(attempt, { handed, added })
  // Of a batch that was merged they are there already, with the places of rows that the table has no more.
  if (known === undefined) {
    await stageLate(attempt)
    await writeTombstones(attempt)
  }
  if (moves.length === 0) return close(task, job, known ?? counts)
  const commitId = hashText('hand-over', base.name, plan.run).slice(0, 40)
  await commit(lake, base.name, { commitId }, () => stageAppend(moves))
  await writeDocumentOnce<Judged>(lake, judgedUri(lake, job, plan.run), { run: plan.run, counts })
  const merge = mergeSql(statementOf(job, schema, { ...plan, truncate: truncates.winner?.stamp }))
  return handOver(job, { run: plan.run, round: round - 1 }, ['merge', merge])
}

/**
 * What the batch was counted as when it was merged, if it was. A merge takes effect as a whole or not at all, so one of which all can be seen
 * was; it is written down, because later batches may hide it. One of which a part can be seen may have been, and others went over it since.
 */
async function countsOfEarlier(lake: Lake, job: Job, handed: HandedRows): Promise<Counts | undefined> {
  const uri = uriOf(lake, job, 'counts')
  const settled = await readDocument<Counts>(lake, uri)
  if (settled !== undefined) return settled
  let best: { readonly counts: Counts; readonly seen: number } | undefined
  for (const run of await runsOf(lake, job.dataset.name, job.batch)) {
    const judged = await readDocument<Judged>(lake, judgedUri(lake, job, run))
    if (judged === undefined) continue
    const { all, seen } = await handed.movesSeen(run)
    if (all > 0 && seen === all) return writeDocumentOnce(lake, uri, judged.counts)
    if (seen > (best?.seen ?? 0)) best = { counts: judged.counts, seen }
  }
  return best?.counts
}

/** A commit without rows, by which every repetition finds that the batch is in the table, and what it was counted as. */
async function close(task: MergeTask, job: Job, counts: Counts): Promise<CommitResult> {
  const { lake, dataset, publish } = task
  const summary = { ...summaryOfJob(job), ...summaryOf(counts), ...(await newestEvent(task)) }
  const result = await commit(lake, dataset.name, { commitId: job.commitId, summary }, () => stageAppend([]))
  await forgetOld(lake, dataset, publish)
  return result
}

/** Takes out of the hand-over table what the batch has there; the documents stay for as long as the staging zone keeps them. */
export async function clearHandOver(lake: Lake, dataset: string, batch: string): Promise<void> {
  const runs = await runsOf(lake, dataset, batch)
  const name = handOverTableName({ name: dataset })
  const table = runs.length === 0 ? undefined : await loadTable(lake, name)
  const filesOf = (base: Table) => liveFiles(lake, base, { where: rowsOfRuns(runs) })
  if (table === undefined || (await filesOf(table)).length === 0) return
  const commitId = hashText('hand-over-done', name, ...runs.toSorted()).slice(0, 40)
  await commit(lake, name, { commitId }, async base => stageOverwrite({ added: [], removed: await filesOf(base) }))
}
