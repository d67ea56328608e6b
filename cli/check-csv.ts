import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { isLakeError } from '#lake/errors.ts'
import { csvHeader, headOf } from './check-head.ts'
import type { FilePlace } from './data-source.ts'
import { refusal } from './refusal.ts'

/** A CSV file as a SELECT of typed columns. */
export interface CsvRows {
  readonly select: Sql
  readonly names: readonly string[]
  readonly notes: readonly string[]
}

/**
 * Reads the header, and from the whole file the type of each column: text, unless every value is a number, a date, a time or a
 * truth value and stays what it is by becoming one. `007` is text, or rules would see 7. A file without a line has no columns.
 */
export async function csvRows(session: Session, place: FilePlace, path: string): Promise<CsvRows> {
  const header = csvHeader(await headOf(place), place.format === 'tsv' ? '\t' : undefined)
  if (header === undefined) return { select: sql`SELECT 1 WHERE FALSE`, names: [], notes: [] }
  const { names, renamed } = distinctNames(header.names)
  const options = { path, place, names, delimiter: header.delimiter, skip: header.blankLines }
  const { texts, types } = await strictOrNot(session, options)
  const columns = names.map((name, at) => sql`${typed(ident(`f${at}`), types[at])} AS ${ident(name)}`)
  return {
    select: sql`SELECT ${join(columns, ', ')} FROM ${texts}`,
    names,
    notes: renamed.map(([from, to]) => `the header of ${place.name} names "${from}" twice; the second is "${to}" here`),
  }
}

/** DuckDB knows no difference of case in names, and a column must have one. */
function distinctNames(header: readonly string[]): {
  readonly names: readonly string[]
  readonly renamed: readonly (readonly [string, string])[]
} {
  const taken = new Set<string>()
  const renamed: [string, string][] = []
  const names = header.map((name, at) => {
    const wanted = name === '' ? `column${at + 1}` : name.replaceAll('\0', '')
    let distinct = wanted
    for (let number = 1; taken.has(distinct.toLowerCase()); number++) distinct = `${wanted}_${number}`
    if (distinct !== wanted) renamed.push([name, distinct])
    taken.add(distinct.toLowerCase())
    return distinct
  })
  return { names, renamed }
}

// --- Text ----------------------------------------------------------------------------------------------------------

interface Texts {
  readonly path: string
  readonly place: FilePlace
  readonly names: readonly string[]
  readonly delimiter: string
  readonly skip: number
}

interface Typed {
  readonly texts: Sql
  readonly types: readonly (Type | undefined)[]
}

async function strictOrNot(session: Session, options: Texts): Promise<Typed> {
  try {
    const texts = readCsv(options, { strict: true })
    return { texts, types: await typesOf(session, texts, options.names.length) }
  } catch (error) {
    // The strict reader stops at line ends of two kinds, as files have that were put together from several.
    if (!isLakeError(error, 'engine-failed') || !error.message.includes('invalid state')) throw error
    const texts = readCsv(options, { strict: false })
    return { texts, types: await typesOf(session, texts, options.names.length) }
  }
}

/** A field that is empty is null; one of two quotes is an empty text. */
function readCsv({ path, place, names, delimiter, skip }: Texts, { strict }: { readonly strict: boolean }): Sql {
  const columns = names.map((_name, at) => sql`${`f${at}`}: 'VARCHAR'`)
  const dialect = sql`delim = ${delimiter}, quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = FALSE, strict_mode = ${strict}`
  return sql`read_csv(${path}, auto_detect = FALSE, header = TRUE, skip = ${skip}, ${dialect}, columns = {${join(columns, ', ')}}, max_line_size = ${LINE_BYTES_MAX}, compression = ${place.compression})`
}

const LINE_BYTES_MAX = 16_000_000

// --- Types ---------------------------------------------------------------------------------------------------------

type Type = 'BOOLEAN' | 'BIGINT' | 'DOUBLE' | 'DATE' | 'TIMESTAMP'

const TYPES: readonly Type[] = ['BOOLEAN', 'BIGINT', 'DOUBLE', 'DATE', 'TIMESTAMP']
const SAMPLE_ROWS = 2_000

/** What a sample leaves possible is tried on all rows: a column of text costs nothing there. */
async function typesOf(session: Session, texts: Sql, columns: number): Promise<Typed['types']> {
  const all = Array.from({ length: columns }, () => TYPES)
  const possible = await survivors(session, sql`(SELECT * FROM ${texts} LIMIT ${SAMPLE_ROWS})`, all)
  const proven = await survivors(session, texts, possible)
  return proven.map(([first]) => first)
}

async function survivors(
  session: Session,
  from: Sql,
  candidates: readonly (readonly Type[])[],
): Promise<readonly (readonly Type[])[]> {
  const tests = candidates.flatMap((types, at) => {
    const field = ident(`f${at}`)
    const present = sql`count(NULLIF(${field}, '')) AS ${ident(`n${at}`)}`
    const misfits = types.map(
      type => sql`count_if(${field} <> '' AND NOT COALESCE(${fits(field, type)}, FALSE)) AS ${ident(`${type}${at}`)}`,
    )
    return types.length === 0 ? [] : [present, ...misfits]
  })
  // The whole file is read once in any case: what cannot be read is told before any rule is judged.
  const [row = {}] = await session.rows(sql`SELECT ${join([sql`count(*) AS n`, ...tests], ', ')} FROM ${from}`)
  return candidates.map((types, at) =>
    Number(row[`n${at}`]) === 0 ? [] : types.filter(type => Number(row[`${type}${at}`]) === 0),
  )
}

const NUMBER = '-?(0|[1-9][0-9]{0,17})?([.][0-9]+)?([eE][+-]?[0-9]+)?'
const DATE = '[0-9]{4}-[0-9]{2}-[0-9]{2}'
const TIMESTAMP = '[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?Z?'

function fits(field: Sql, type: Type): Sql {
  switch (type) {
    case 'BOOLEAN':
      return sql`lower(${field}) IN ('true', 'false')`
    case 'BIGINT':
      return sql`CAST(TRY_CAST(${field} AS BIGINT) AS VARCHAR) = ${field}`
    case 'DOUBLE':
      return sql`(TRY_CAST(${field} AS DOUBLE) IS NOT NULL AND regexp_full_match(${field}, ${NUMBER}))`
    case 'DATE':
      return sql`(TRY_CAST(${field} AS DATE) IS NOT NULL AND regexp_full_match(${field}, ${DATE}))`
    case 'TIMESTAMP':
      return sql`(TRY_CAST(${field} AS TIMESTAMP) IS NOT NULL AND regexp_full_match(${field}, ${TIMESTAMP}))`
  }
}

/** Between numbers an empty text is a missing one. */
function typed(field: Sql, type: Type | undefined): Sql {
  const value = sql`NULLIF(${field}, '')`
  switch (type) {
    case undefined:
      return field
    case 'BOOLEAN':
      return sql`CAST(${value} AS BOOLEAN)`
    case 'BIGINT':
      return sql`CAST(${value} AS BIGINT)`
    case 'DOUBLE':
      return sql`CAST(${value} AS DOUBLE)`
    case 'DATE':
      return sql`CAST(${value} AS DATE)`
    case 'TIMESTAMP':
      return sql`CAST(${value} AS TIMESTAMP)`
  }
}

/** The line and the fault, of a message that goes on for a page. */
export function csvFault(message: string, place: FilePlace): Error {
  const line = /CSV Error on Line: (\d+)/.exec(message)?.[1]
  const where = line === undefined ? place.name : `${place.name}, line ${line}`
  const columns = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(message)
  const what = columns
    ? `${columns[2]} fields where the header has ${columns[1]}`
    : message.includes('unterminated quote')
      ? 'a quote that does not end, or text behind one that does'
      : message.includes('not utf-8')
        ? 'bytes that are not UTF-8'
        : (message.split('\n')[0] as string)
  const next = message.includes('not utf-8')
    ? 'save it as UTF-8: iconv -f LATIN1 -t UTF-8 OLD > NEW'
    : 'correct the line; fields with line ends, quotes or delimiters stand in double quotes (RFC 4180)'
  return refusal('file-unreadable', `${where}: ${what}`, next)
}
