import { writeFile } from 'node:fs/promises'
import type { Session } from '#lake/duckdb/engine.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { copyToParquet } from '#lake/iceberg/data-file.ts'
import { readSql } from '#lake/iceberg/read-sql.ts'
import { type Ordinals, ordinalLines, ordinalsSql } from '#lake/quarantine/selection.ts'
import { decode, type PlainTask } from './decode/decode.ts'
import type { ScannedObject } from './decode/scanned.ts'
import { decodeStreamErrors, streamErrorsAsLines } from './decode/stream-errors.ts'
import { hasRefused, reasonsOf } from './decode/typed-copy.ts'

/**
 * Records that a stream could not process, of which some were released: those are rows again where they still fit, and all others are refused as
 * they were. Each keeps its number, whichever way it is read.
 */
export async function decodeReleased(session: Session, task: PlainTask, released: Ordinals): Promise<ScannedObject> {
  const whole = await decodeStreamErrors(task)
  const fitting = await decode(session, await streamErrorsAsLines(task))
  if (fitting.rows === undefined) return whole
  const list = `${task.base}.released.ndjson`
  await writeFile(list, ordinalLines([{ rawObject: task.object.id, batch: '', records: released }]))
  const [path, left] = [`${task.base}.released.parquet`, `${task.base}.left.ndjson`]
  const rows = await copyToParquet(session, {
    source: sql`SELECT * FROM (${readSql(task.schema, [fitting.rows.path])}) WHERE _raw_row IN (SELECT ordinal FROM (${ordinalsSql(list)}))`,
    schema: task.schema,
    path,
  })
  if (rows.rows === 0) return whole
  await session.run(
    sql`COPY (SELECT * FROM ${refusedIn(whole)} WHERE ordinal NOT IN (SELECT _raw_row FROM (${readSql(task.schema, [path])}))) TO ${left} (FORMAT json)`,
  )
  const { unknown } = fitting
  const reasons = await reasonsOf(session, left)
  return { ...whole, rows, applied: rows.rows, refused: [left], reasons, ...(unknown && { unknown }) }
}

/**
 * Records that a stream could not process and somebody releases now: rows where they fit. What is refused once more keeps the bytes that were put,
 * which are not those of the line that it is read from: that has to be JSON.
 */
export async function decodeReleasing(session: Session, task: PlainTask): Promise<ScannedObject> {
  const whole = await decodeStreamErrors(task)
  const judged = await decode(session, await streamErrorsAsLines(task))
  if (!hasRefused(judged)) return judged
  const path = `${task.base}.again.ndjson`
  await session.run(
    sql`COPY (SELECT put.ordinal, put."offset", put.length, again.reason, again.message FROM ${refusedIn(judged)} AS again JOIN ${refusedIn(whole)} AS put USING (ordinal) ORDER BY put.ordinal) TO ${path} (FORMAT json)`,
  )
  return { ...judged, refused: [path], plain: whole.plain }
}

const refusedIn = ({ refused }: ScannedObject): Sql =>
  sql`read_json(${refused}, format = 'newline_delimited', columns = {ordinal: 'BIGINT', "offset": 'BIGINT', length: 'BIGINT', reason: 'VARCHAR', message: 'VARCHAR'})`
