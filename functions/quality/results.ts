import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { QualityVerdict, StagedTable, Verdict } from '#lake/batch.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { copyToParquet } from '#lake/iceberg/data-file.ts'
import type { Lake } from '#lake/lake.ts'
import type { BatchTask } from './quality.ts'
import { stageRows } from './stage.ts'
import type { OpenTable } from './tables.ts'

export interface ResultsTask extends BatchTask {
  readonly table: OpenTable
  readonly status: Verdict['status']
  readonly quality: Omit<QualityVerdict, 'results'>
}

const COLUMNS = sql`{dataset: 'VARCHAR', batch: 'VARCHAR', status: 'VARCHAR', rule: 'VARCHAR', evaluated_rule: 'VARCHAR', outcome: 'VARCHAR', reason: 'VARCHAR', consequence: 'VARCHAR', metrics: 'MAP(VARCHAR, DOUBLE)', labels: 'MAP(VARCHAR, VARCHAR)', rows_passed: 'BIGINT', rows_failed: 'BIGINT', rows_skipped: 'BIGINT', score: 'DOUBLE', contract_version: 'INTEGER', evaluated_us: 'BIGINT', _raw_object: 'VARCHAR', _raw_row: 'BIGINT', landed_us: 'BIGINT'}`

/** Stages what the rules said as rows of the results table. They are committed with the batch, or alone when it is halted. */
export async function stageResults(lake: Lake, session: Session, task: ResultsTask): Promise<StagedTable> {
  const lines = join(task.folder, 'results.ndjson')
  await writeFile(
    lines,
    rowsOf(task)
      .map(row => `${JSON.stringify(row)}\n`)
      .join(''),
  )
  const rows = sql`SELECT * EXCLUDE (evaluated_us, landed_us), make_timestamp(evaluated_us) AS evaluated_at, make_timestamp(landed_us) AS _ingested_at FROM read_json(${lines}, format = 'newline_delimited', columns = ${COLUMNS}, maximum_object_size = 16777216)`
  const path = join(task.folder, 'results.parquet')
  const copied = await copyToParquet(session, { source: rows, schema: task.table.schema, path })
  return stageRows(lake, session, { ...task, rows: [copied], label: 'results' })
}

function rowsOf({ dataset, manifest, status, quality }: ResultsTask): readonly Readonly<Record<string, unknown>>[] {
  const newest = manifest.objects.toSorted((left, right) => (left.id < right.id ? -1 : 1)).at(-1)
  return quality.rules.map((each, at) => ({
    dataset: dataset.name,
    batch: manifest.id,
    status,
    rule: each.rule,
    evaluated_rule: each.evaluatedRule,
    outcome: each.outcome,
    reason: each.reason ?? null,
    consequence: each.consequence,
    // JSON has no NaN; a measure without a number is one without a value.
    metrics: each.metrics,
    labels: each.labels,
    rows_passed: each.rows?.passed ?? null,
    rows_failed: each.rows?.failed ?? null,
    rows_skipped: each.rows?.skipped ?? null,
    score: quality.score,
    contract_version: dataset.contract.version,
    evaluated_us: quality.evaluatedMs * 1_000,
    _raw_object: newest?.id ?? null,
    _raw_row: at + 1,
    landed_us: (newest?.landedMs ?? 0) * 1_000,
  }))
}
