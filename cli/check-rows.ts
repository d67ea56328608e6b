import { copyFile, realpath, rename, rm } from 'node:fs/promises'
import { dirname, join as joinPath, resolve } from 'node:path'
import type { Evaluation } from '#lake/dqdl/evaluate.ts'
import type { RelationColumn } from '#lake/dqdl/relation.ts'
import { packRows } from '#lake/dqdl/row.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import type { OpenData } from './check-data.ts'
import { type Compression, type FileFormat, formatOf, isFolder, type Place } from './data-source.ts'
import { refusal, usage } from './refusal.ts'

/** Where row-level results go, and as what. */
export interface RowsTarget {
  readonly name: string
  readonly path: string
  readonly format: FileFormat
  readonly compression: Compression
}

/** Errors: `usage`, before anything is computed. */
export async function rowsTarget(name: string, cwd: string): Promise<RowsTarget> {
  const known = formatOf(name)
  if (known === undefined || (known.format === 'parquet' && known.compression !== 'uncompressed'))
    throw usage(
      `--rows ${name} does not say what to write`,
      'let it end in .csv, .tsv, .json, .ndjson or .parquet; the first four also in .gz or .zst behind that',
    )
  const path = resolve(cwd, name)
  if (!(await isFolder(dirname(path)))) throw usage(`there is no folder for --rows ${name}`, 'make the folder first')
  return { name, path, ...known }
}

/** Nobody wants what was checked to be gone. Errors: `usage`. */
export async function refuseOverwriting({ name, path }: RowsTarget, places: readonly Place[]): Promise<void> {
  const real = await realpath(path).catch(() => path)
  if (places.some(place => place.kind === 'file' && place.realPath === real))
    throw usage(`--rows ${name} would write over the data`, 'name another file')
}

/**
 * The rows with what rules say of each, in the columns that Glue adds: DataQualityRulesPass, …Fail and …Skip hold the texts of
 * rules, DataQualityEvaluationResult is Failed when any rule failed. Rows of files keep their order.
 */
export async function writeRows(
  { session, folder, primary }: OpenData,
  evaluation: Evaluation,
  target: RowsTarget,
): Promise<void> {
  const select = rowsSql(primary, evaluation, target.format)
  const path = joinPath(folder, 'rows')
  await session.run(sql`COPY (${select}) TO ${path} (${copyOptions(target)})`)
  // Whoever looks at the target sees the old file or the whole new one.
  const partial = `${target.path}.partial`
  try {
    await copyFile(path, partial)
    await rename(partial, target.path)
  } catch (error) {
    await rm(partial, { force: true })
    const why = error instanceof Error ? error.message : String(error)
    throw refusal('access-denied', `${target.name} cannot be written: ${why}`, 'check the permissions of its folder')
  }
}

function copyOptions({ format, compression }: RowsTarget): Sql {
  switch (format) {
    case 'csv':
      return sql`FORMAT csv, HEADER TRUE, COMPRESSION ${compression}`
    case 'tsv':
      return sql`FORMAT csv, HEADER TRUE, DELIMITER ${'\t'}, COMPRESSION ${compression}`
    case 'json':
      return sql`FORMAT json, ARRAY TRUE, COMPRESSION ${compression}`
    case 'ndjson':
      return sql`FORMAT json, COMPRESSION ${compression}`
    case 'parquet':
      return sql`FORMAT parquet, COMPRESSION zstd`
  }
}

const RESULTS = [
  'DataQualityRulesPass',
  'DataQualityRulesFail',
  'DataQualityRulesSkip',
  'DataQualityEvaluationResult',
] as const

function rowsSql({ relation, ordinal }: OpenData['primary'], { rules, rowTests }: Evaluation, format: FileFormat): Sql {
  const texts = rules.map(({ text }, at) => ({ text, outcome: rowTests[at] }))
  const { select, passedRules, failedRules, skippedRules, isFailed } = packRows(relation, texts, false)
  const lists = [passedRules, failedRules, skippedRules]
  const results = [
    ...lists.map(list => (isText(format) ? sql`CAST(to_json(${list}) AS VARCHAR)` : list)),
    sql`CASE WHEN ${isFailed} THEN 'Failed' ELSE 'Passed' END`,
  ]
  // Results of an earlier check give way.
  const taken = new Set<string>(RESULTS.map(name => name.toLowerCase()))
  const columns = [
    ...relation.columns
      .filter(({ name }) => !taken.has(name.toLowerCase()))
      .map(column => sql`${written(column, format)} AS ${ident(column.name)}`),
    ...results.map((result, at) => sql`${result} AS ${ident(RESULTS[at] as string)}`),
  ]
  // Sorted while the outcomes are bits: as lists of texts they would be most of what the sort has to hold.
  const order = ordinal === undefined ? sql`` : sql` ORDER BY ${ordinal}`
  return sql`SELECT ${join(columns, ', ')} FROM (${select}${order}) AS judged`
}

const isText = (format: FileFormat): boolean => format === 'csv' || format === 'tsv'

/** A value as the format can hold it without loss. */
function written({ name, type }: RelationColumn, format: FileFormat): Sql {
  const field = ident(name)
  const isNested = /^(STRUCT|MAP|UNION)\(|\]$/.test(type)
  if (isText(format)) return isNested ? sql`CAST(to_json(${field}) AS VARCHAR)` : field
  // Parquet has no integers of 128 bits, and DuckDB would round them.
  if (format === 'parquet') return /^U?HUGEINT$|^BIGNUM$/.test(type) ? sql`CAST(${field} AS VARCHAR)` : field
  // JSON has no NaN and no infinity; they are text, as in `sluice sql --json`.
  return type === 'DOUBLE' || type === 'FLOAT'
    ? sql`CASE WHEN isfinite(${field}) THEN to_json(${field}) WHEN ${field} IS NOT NULL THEN to_json(CAST(${field} AS VARCHAR)) END`
    : field
}
