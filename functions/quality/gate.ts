import { join } from 'node:path'
import type { QualityVerdict, RuleVerdict } from '#lake/batch.ts'
import type { QualitySettings } from '#lake/dataset.ts'
import type { CheckContext } from '#lake/dqdl/check.ts'
import { type Evaluation, evaluate } from '#lake/dqdl/evaluate.ts'
import type { Relation } from '#lake/dqdl/relation.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import type { Sql } from '#lake/duckdb/sql.ts'
import { readSql } from '#lake/iceberg/read-sql.ts'
import type { Lake } from '#lake/lake.ts'
import { metricHistory, qualityRuns } from '#lake/quality-history.ts'
import { batchFiles } from './batch-files.ts'
import { afterImages } from './changes/stage-changes.ts'
import { type Consequence, consequenceOf, consequenceOfRows, forBatch } from './consequence.ts'
import { historyLength } from './history-length.ts'
import type { Newest } from './newest.ts'
import type { BatchTask } from './quality.ts'
import { referencedTables, relationOf } from './sources.ts'
import { type FailingRows, type RowRule, splitRows } from './split.ts'
import type { OpenTable } from './tables.ts'

export interface GateTask extends BatchTask, Pick<Newest, 'rows' | 'only'> {
  readonly settings: QualitySettings
  readonly table: OpenTable
}

/** What the gate says of a batch. */
export interface Gated {
  readonly quality: Omit<QualityVerdict, 'results'>
  /** Why nothing of the batch may be published. */
  readonly halt: string | undefined
  /** Rows that are not to be published; a halted batch has none, because it is not published at all. */
  readonly failing: FailingRows | undefined
}

/**
 * Judges the rows of a batch that would go into the table; what a newer extract of the same batch replaces is left out. Rules are judged
 * on all of these rows, so that a score tells what arrived; rows that are put aside change no rule's outcome.
 */
export async function gate(lake: Lake, session: Session, task: GateTask): Promise<Gated> {
  const { dataset, manifest, settings } = task
  for (const reason of settings.warnings)
    lake.log.warn('the rules say something doubtful', { dataset: dataset.name, batch: manifest.id, reason })
  const nowMs = lake.clock.nowMs()
  const relation = await relationOf(session, rowsToPublish(task))
  const context = await contextOf(lake, session, { task, relation, nowMs })
  const evaluation = await evaluate(session, settings.ruleset, context)
  const judged = evaluation.rules.map((_result, at) => firstConsequence(task, evaluation, at))
  const { consequences, failing } = await putAside(session, task, { relation, evaluation, judged })
  const isHalted = consequences.includes('halt')
  return {
    quality: {
      evaluatedMs: nowMs,
      score: evaluation.score,
      rules: consequences.map((each, at) => verdictOf(evaluation, at, each)),
      metrics: evaluation.metrics,
    },
    halt: isHalted ? haltReason(evaluation, consequences) : undefined,
    failing: isHalted ? undefined : failing,
  }
}

function rowsToPublish(task: GateTask): Sql {
  const { table, rows, only } = task
  if (task.dataset.source.changes !== undefined) return afterImages(task)
  const paths = rows.map(each => each.path)
  const all = readSql(table.schema, paths, { rows: rows.reduce((sum, each) => sum + BigInt(each.rows), 0n) })
  return only === undefined ? all : only(all)
}

interface Judging {
  readonly task: GateTask
  readonly relation: Relation
  readonly nowMs: number
}

async function contextOf(lake: Lake, session: Session, { task, relation, nowMs }: Judging): Promise<CheckContext> {
  const { ruleset } = task.settings
  const count = historyLength(ruleset)
  // What was halted was never published and is not what is usual: bad data must not become the norm by coming often.
  const earlier = { count, before: task.manifest, status: 'pass' } as const
  const runs = count === 0 ? [] : await qualityRuns(lake, task.dataset.name, earlier)
  return {
    relation,
    sources: await referencedTables(lake, session, { ruleset, folder: task.folder }),
    files: await batchFiles(lake, task, ruleset),
    history: metricHistory(runs),
    nowMs,
    thresholds: 'documented',
  }
}

function firstConsequence({ settings, manifest }: GateTask, { rules }: Evaluation, at: number): Consequence {
  const [rule, result] = [settings.ruleset.rules[at], rules[at]]
  if (rule === undefined || result === undefined) return forBatch(settings)
  if (manifest.selection !== undefined) return consequenceOfRows(result, settings)
  return consequenceOf(rule, result, settings)
}

// --- Rows that are put aside ---------------------------------------------------------------------------------------

interface Judged {
  readonly relation: Relation
  readonly evaluation: Evaluation
  readonly judged: readonly Consequence[]
}

interface PutAside {
  readonly consequences: readonly Consequence[]
  readonly failing?: FailingRows
}

async function putAside(session: Session, task: GateTask, { relation, evaluation, judged }: Judged): Promise<PutAside> {
  const numbers = [...judged.keys()].filter(at => judged[at] === 'quarantine')
  if (numbers.length === 0 || judged.includes('halt')) return { consequences: judged }
  const rules = numbers.map(at => rowRule(task.settings, evaluation, at))
  const failing = await splitRows(session, relation, { rules, path: join(task.folder, 'failing.parquet') })
  const consequences = judged.map((each, at) => {
    const mends = each !== 'quarantine' || (failing.byRule[numbers.indexOf(at)] ?? 0) > 0
    return mends ? each : withoutRows(task, at)
  })
  return { consequences, failing }
}

function rowRule({ ruleset }: QualitySettings, { rules, rowTests }: Evaluation, at: number): RowRule {
  return {
    rule: ruleset.rules[at] as RowRule['rule'],
    text: rules[at]?.text as string,
    passes: rowTests[at] as Sql,
  }
}

/**
 * A rule fails and no row does: `A or B` of two rules, neither of which holds for the whole. Putting rows aside mends nothing then, so
 * the batch is at fault. A rule about every row has nothing to say of a batch without rows, or of one in which its where finds none.
 */
function withoutRows({ rows, settings, manifest }: GateTask, at: number): Consequence {
  const rule = settings.ruleset.rules[at]
  const hasNothing =
    rows.length === 0 || manifest.selection !== undefined || (rule?.kind === 'rule' && rule.where !== undefined)
  return hasNothing ? 'none' : forBatch(settings)
}

// --- Verdict -------------------------------------------------------------------------------------------------------

function verdictOf({ rules }: Evaluation, at: number, consequence: Consequence): RuleVerdict {
  const { text, evaluatedRule, outcome, reason, labels, metrics, counts } = rules[at] as Evaluation['rules'][number]
  return {
    rule: text,
    evaluatedRule,
    outcome,
    ...(reason === undefined ? {} : { reason }),
    consequence,
    labels,
    metrics,
    ...(counts === undefined ? {} : { rows: counts }),
  }
}

const REASON_LENGTH_MAX = 1_000

function haltReason({ rules }: Evaluation, consequences: readonly Consequence[]): string {
  const halting = rules.filter((_rule, at) => consequences[at] === 'halt')
  const reasons = halting.map(({ text, reason, outcome }) => `${text}: ${reason ?? outcome}`)
  return `${halting.length} of ${rules.length} rules: ${reasons.join('; ')}`.slice(0, REASON_LENGTH_MAX)
}
