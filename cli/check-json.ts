import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { headOf } from './check-head.ts'
import type { FilePlace } from './data-source.ts'
import { refusal } from './refusal.ts'

export interface JsonRows {
  readonly select: Sql
  readonly names: readonly string[]
}

/**
 * A JSON file, one array of objects or objects line by line, as a SELECT. Numbers have the narrowest type that takes all of
 * them, text stays text, and a field of several kinds is text. A file without a value has no columns.
 */
export async function jsonRows(session: Session, place: FilePlace, path: string): Promise<JsonRows> {
  const head = (await headOf(place)).replace(/^\ufeff/, '').trimStart()
  if (/^(\[\s*\])?\s*$/.test(head)) return { select: sql`SELECT 1 WHERE FALSE`, names: [] }
  const read = (columns: readonly Column[] | undefined): Sql => readJson({ place, path, head, columns })
  const inferred = await columnsOf(session, read(undefined))
  const isRenamed = inferred.some(({ name }) => /_\d+$/.test(name))
  // Identifiers in upper case would read in lower case as UUID; a column that DuckDB has renamed is not found by its name.
  const stays = inferred.every(({ type }) => withoutUuid(type) === type) || isRenamed
  const columns = stays ? undefined : inferred.map(({ name, type }) => ({ name, type: withoutUuid(type) }))
  const fields = inferred.map(({ name, type }) => sql`${asText(ident(name), type)} AS ${ident(name)}`)
  return { select: sql`SELECT ${join(fields, ', ')} FROM ${read(columns)}`, names: inferred.map(({ name }) => name) }
}

interface Column {
  readonly name: string
  readonly type: string
}

async function columnsOf(session: Session, from: Sql): Promise<readonly Column[]> {
  const rows = await session.rows(sql`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${from})`)
  return rows.map(row => ({ name: String(row['column_name']), type: String(row['column_type']) }))
}

function readJson({
  place,
  path,
  head,
  columns,
}: {
  readonly place: FilePlace
  readonly path: string
  readonly head: string
  readonly columns: readonly Column[] | undefined
}): Sql {
  // Left to itself, DuckDB takes an array behind a byte order mark for one value.
  const format = !head.startsWith('[') ? 'auto' : place.format === 'ndjson' ? 'newline_delimited' : 'array'
  const types = columns?.map(({ name, type }) => sql`${name}: ${type}`)
  const shape =
    types === undefined
      ? sql`sample_size = -1, maximum_depth = -1, field_appearance_threshold = 0, map_inference_threshold = -1, dateformat = ${NEVER}, timestampformat = ${NEVER}`
      : sql`columns = {${join(types, ', ')}}`
  return sql`read_json(${path}, format = ${format}, compression = ${place.compression}, ${shape})`
}

/** A format that no text has: dates in JSON are text, and how they are written is what rules may be about. */
const NEVER = '%Y no date %Y'

/** A type in its place, not a field or a quoted name that reads the same. */
const UUID = /"(?:[^"]|"")*"|\bUUID(?=[,)[]|$)/g

function withoutUuid(type: string): string {
  return type.replace(UUID, found => (found.startsWith('"') ? found : 'VARCHAR'))
}

/** Values of several kinds are JSON to DuckDB, with quotes around text. */
const asText = (field: Sql, type: string): Sql => (type === 'JSON' ? sql`(${field} ->> '$')` : field)

export function jsonFault(message: string, place: FilePlace): Error {
  const what = (message.split('\n')[0] as string)
    .replace(/^[\w ]+ Error: /, '')
    .replace(/ in file "[^"]*"/, '')
    // DuckDB 1.5 counts one too many, from the first line on.
    .replace(/ in (line|record\/value) (\d+)/, (_text, what, place) => ` in ${what} ${Number(place) - 1}`)
    .replace(/\. *$/, '')
  const next = /maximum_object_size/.test(message)
    ? 'write one object a line (NDJSON): one value of 16 MB is too much'
    : 'correct the file: an array of objects, or one object a line'
  return refusal('file-unreadable', `${place.name}: ${what}`, next)
}
