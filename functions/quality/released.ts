import { writeFile } from 'node:fs/promises'
import type { Session } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { copyToParquet } from '#lake/iceberg/data-file.ts'
import { readSql } from '#lake/iceberg/read-sql.ts'
import { type Ordinals, ordinalLines, ordinalsSql } from '#lake/quarantine/selection.ts'
import { decode, type PlainTask } from './decode/decode.ts'
import type { ScannedObject } from './decode/scanned.ts'
import { decodeStreamErrors, streamErrorsAsLines } from './decode/stream-errors.ts'
import { reasonsOf } from './decode/typed-copy.ts'

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
  const columns = sql`{ordinal: 'BIGINT', "offset": 'BIGINT', length: 'BIGINT', reason: 'VARCHAR', message: 'VARCHAR'}`
  await session.run(
    sql`COPY (SELECT * FROM read_json(${whole.refused}, format = 'newline_delimited', columns = ${columns}) WHERE ordinal NOT IN (SELECT _raw_row FROM (${readSql(task.schema, [path])}))) TO ${left} (FORMAT json)`,
  )
  const { unknown } = fitting
  const reasons = await reasonsOf(session, left)
  return { ...whole, rows, applied: rows.rows, refused: [left], reasons, ...(unknown && { unknown }) }
}
