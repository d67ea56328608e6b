import { rm, writeFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import type { RawObject } from '#lake/batch.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { type CopiedFile, copyToParquet } from '#lake/iceberg/data-file.ts'
import { readSql } from '#lake/iceberg/read-sql.ts'
import type { Lake } from '#lake/lake.ts'
import { isWholeFile, type Ordinals, ordinalLines, ordinalsSql, readOrdinals } from '#lake/quarantine/selection.ts'
import { suppressedRecords } from '#lake/quarantine/suppressed.ts'
import type { ScannedObject } from './decode/scanned.ts'
import { reasonsOf } from './decode/typed-copy.ts'
import { type DecodedBatch, type DecodedRaw, decodeBatch } from './decode-batch.ts'
import type { BatchTask } from './quality.ts'
import type { Tables } from './tables.ts'

/**
 * The records that a batch is about: all of its objects', but for those that were dropped from quarantine; of a batch with a selection,
 * those that were selected. An object is decoded whole in any case; what is not meant goes no further.
 */
export async function decodeChosen(lake: Lake, task: BatchTask, tables: Tables): Promise<DecodedBatch> {
  const { manifest } = task
  const dropped = await suppressedRecords(
    lake,
    manifest.dataset,
    manifest.objects.map(object => object.id),
  )
  if (dropped.size === 0 && manifest.selection === undefined) return decodeBatch(lake, task, tables)
  const isDropped = ({ id }: RawObject): boolean => isWholeFile(dropped.get(id) ?? [])
  const objects = manifest.objects.filter(object => !isDropped(object))
  const decoded = await decodeBatch(lake, { ...task, manifest: { ...manifest, objects } }, tables)
  try {
    const choice = await choiceOf(decoded.session, task, dropped)
    const chosen: DecodedRaw[] = []
    for (const each of decoded.objects) chosen.push(await chooseFrom(decoded, task, { each, choice }))
    const out = manifest.objects.filter(isDropped).map((object): DecodedRaw => ({ object, suppressed: [[0, 0]] }))
    return { ...decoded, objects: [...chosen, ...out] }
  } catch (error) {
    await decoded.session.close()
    throw error
  }
}

interface Choice {
  /** Objects of which only some records are meant. */
  readonly selected: ReadonlySet<string>
  readonly dropped: ReadonlyMap<string, Ordinals>
}

const [WANTED, DROPPED] = [ident('sluice_wanted'), ident('sluice_dropped')]

async function choiceOf(
  session: Session,
  { manifest, folder }: BatchTask,
  dropped: ReadonlyMap<string, Ordinals>,
): Promise<Choice> {
  const selected = (manifest.selection?.objects ?? []).filter(each => !isWholeFile(each.records))
  const out = [...dropped].map(([rawObject, records]) => ({ rawObject, batch: '', records }))
  for (const [name, objects] of [
    ['wanted', selected],
    ['dropped', out],
  ] as const) {
    const path = joinPath(folder, `${name}.ndjson`)
    await writeFile(path, ordinalLines(objects))
    const table = name === 'wanted' ? WANTED : DROPPED
    await session.run(sql`CREATE TABLE ${table} AS SELECT "object", ordinal FROM (${ordinalsSql(path)})`)
  }
  return { selected: new Set(selected.map(each => each.rawObject)), dropped }
}

async function chooseFrom(batch: DecodedBatch, task: BatchTask, { each, choice }: Choosing): Promise<DecodedRaw> {
  const { session } = batch
  const { id } = each.object
  const { decoded } = each
  if (decoded === undefined || !(choice.selected.has(id) || choice.dropped.has(id))) return each
  const isSelected = choice.selected.has(id)
  const wanted = (ordinal: Sql): Sql =>
    isSelected ? sql`${ordinal} IN (SELECT ordinal FROM ${WANTED} WHERE "object" = ${id})` : sql`TRUE`
  const isOut = (ordinal: Sql): Sql => sql`${ordinal} IN (SELECT ordinal FROM ${DROPPED} WHERE "object" = ${id})`
  const rows = decoded.rows && rowsOf(task, batch, decoded.rows.path)
  const refused = refusedSql(decoded)
  const suppressed = choice.dropped.has(id)
    ? await ordinalsOut(session, { rows, refused, condition: ordinal => sql`${wanted(ordinal)} AND ${isOut(ordinal)}` })
    : []
  const condition = (ordinal: Sql): Sql => sql`${wanted(ordinal)} AND NOT ${isOut(ordinal)}`
  const kept = await keep(session, { decoded, rows, refused, condition })
  // What is no row of any table was never in quarantine, so it is not among what was selected.
  return { ...each, decoded: isSelected ? { ...kept, skipped: 0, elsewhere: 0 } : kept, suppressed }
}

interface Choosing {
  readonly each: DecodedRaw
  readonly choice: Choice
}

/** Decoded rows to select from, and how to write some of them as the decoder has written all. */
interface Rows {
  readonly select: Sql
  write(session: Session, source: Sql, path: string): Promise<CopiedFile>
}

function rowsOf({ dataset }: BatchTask, { target }: DecodedBatch, path: string): Rows {
  if (dataset.source.changes !== undefined)
    return { select: sql`SELECT * FROM read_parquet(${path}) WHERE _outcome = 'row'`, write: writeChanges }
  const write: Rows['write'] = (session, source, to) =>
    copyToParquet(session, { source, schema: target.schema, path: to })
  return { select: readSql(target.schema, [path]), write }
}

async function writeChanges(session: Session, source: Sql, path: string): Promise<CopiedFile> {
  const [stats] = await session.rows(sql`COPY (${source}) TO ${path} (FORMAT parquet, RETURN_STATS)`)
  return { path, rows: Number(stats?.['count']), bytes: 0, stats: {} }
}

const ROW = ident('_raw_row')
const ORDINAL = ident('ordinal')

function refusedSql({ refused, reasons }: ScannedObject): Sql | undefined {
  if (Object.keys(reasons).length === 0) return undefined
  const columns = sql`{ordinal: 'BIGINT', "offset": 'BIGINT', length: 'BIGINT', reason: 'VARCHAR', message: 'VARCHAR'}`
  return sql`SELECT * FROM read_json(${refused}, format = 'newline_delimited', columns = ${columns})`
}

interface Records {
  readonly rows: Rows | undefined
  readonly refused: Sql | undefined
  readonly condition: (ordinal: Sql) => Sql
}

async function ordinalsOut(session: Session, { rows, refused, condition }: Records): Promise<Ordinals> {
  const parts = [
    ...(rows ? [sql`SELECT ${ROW} AS ordinal FROM (${rows.select}) WHERE ${condition(ROW)}`] : []),
    ...(refused ? [sql`SELECT ordinal FROM (${refused}) WHERE ${condition(ORDINAL)}`] : []),
  ]
  if (parts.length === 0) return []
  const all = sql`SELECT '' AS "object", '' AS batch, ordinal FROM (${join(parts, ' UNION ALL ')})`
  return (await readOrdinals(session, all))[0]?.records ?? []
}

async function keep(session: Session, task: Records & { readonly decoded: ScannedObject }): Promise<ScannedObject> {
  const { decoded, rows, refused, condition } = task
  const source = rows && sql`SELECT * FROM (${rows.select}) WHERE ${condition(ROW)}`
  const copied =
    rows && decoded.rows && source && (await rows.write(session, source, `${decoded.rows.path}.chosen.parquet`))
  if (decoded.rows) await rm(decoded.rows.path, { force: true })
  const left = refused && `${decoded.refused[0]}.chosen.ndjson`
  if (refused && left)
    await session.run(sql`COPY (SELECT * FROM (${refused}) WHERE ${condition(ORDINAL)}) TO ${left} (FORMAT json)`)
  return {
    ...decoded,
    rows: copied && copied.rows > 0 ? copied : undefined,
    applied: copied?.rows ?? 0,
    refused: left ? [left] : [],
    reasons: left ? await reasonsOf(session, left) : {},
  }
}
