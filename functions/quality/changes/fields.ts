import { createHash } from 'node:crypto'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import type { ContractColumn } from '../contract.ts'
import { namesOf } from './parts.ts'

/** The spec of json_transform: every name that a column may have, as text. */
export function rowShape(columns: readonly ContractColumn[]): Readonly<Record<string, 'VARCHAR'>> {
  return Object.fromEntries(columns.flatMap(namesOf).map(name => [name, 'VARCHAR']))
}

/** A column's text in a struct of that shape. */
export function textIn(struct: Sql, column: ContractColumn): Sql {
  const texts = namesOf(column).map(name => sql`${struct}.${ident(name)}`)
  return texts.length === 1 ? (texts[0] as Sql) : sql`COALESCE(${join(texts, ', ')})`
}

/** The fields of a JSON object that the columns do not know, as JSON; NULL when there are none. Objects in the usual order cost a comparison. */
export function unknownIn(
  json: Sql,
  keys: Sql,
  columns: readonly ContractColumn[],
  known: readonly string[] = [],
): Sql {
  const names = [...columns.flatMap(namesOf), ...known]
  const usual = columns.map(column => column.name)
  const without = sql`json_merge_patch(${json}, ${JSON.stringify(Object.fromEntries(names.map(name => [name, null])))})`
  return sql`CASE WHEN ${keys} IS NULL OR ${keys} = ${usual} OR len(${keys}) = 0 OR list_has_all(${names}, ${keys}) THEN NULL ELSE CAST(${without} AS VARCHAR) END`
}

/**
 * What an unavailable value looks like: the placeholder as text, as bytes where there are bytes (a precise decimal is bytes too), as the only
 * element of an array or the only pair of a map; of whole numbers its bytes, each an element; of UUIDs one that is made of it.
 */
export function isPlaceholder({ type }: ContractColumn, text: Sql, placeholder: string): Sql {
  const bytes = Buffer.from(placeholder)
  const nested = [JSON.stringify({ [placeholder]: placeholder }), ...SHAPES]
  if (typeof type !== 'string') return isOneOf(text, 'list' in type ? arraysOf(placeholder) : nested)
  if (type === 'binary')
    return isOneOf(text, [placeholder, ...(['base64', 'base64url', 'hex'] as const).map(each => bytes.toString(each))])
  if (type !== 'string') return isOneOf(text, [placeholder, bytes.toString('base64')])
  // Few texts are documents, and only those are compared with all of these.
  const isDocument = sql`(starts_with(${text}, '[') OR starts_with(${text}, '{'))`
  return sql`CASE WHEN ${isDocument} THEN ${isOneOf(text, [...arraysOf(placeholder), ...nested])} ELSE ${isOneOf(text, [placeholder])} END`
}

/** More than a few constants in an IN would become a join. */
const isOneOf = (text: Sql, forms: readonly string[]): Sql =>
  sql`COALESCE(${join(
    forms.map(form => sql`${text} = ${form}`),
    ' OR ',
  )}, FALSE)`

/** Arrays of text, bytes, UUIDs, and of int4, int8 and dates, whose elements are the signed bytes of the placeholder. */
function arraysOf(placeholder: string): readonly string[] {
  const bytes = Buffer.from(placeholder)
  return [[placeholder], [bytes.toString('base64')], [uuidOf(bytes)], [...new Int8Array(bytes)]].map(array =>
    JSON.stringify(array),
  )
}

/** The UUID of version 3 that Java makes of some bytes. */
function uuidOf(bytes: Uint8Array): string {
  const hash = createHash('md5').update(bytes).digest()
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x30, 6)
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8)
  return hash.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Points that stand for a geometry and a geography of PostGIS; the placeholder that is configured is not in them. */
const SHAPES = [
  '0101000020E6100000000000FC83D797C1000000FC83D797C1',
  '0101000020E61000000C21E7FDFF7F66401842CEFBFF7F5640',
].map(hex => JSON.stringify({ wkb: Buffer.from(hex, 'hex').toString('base64'), srid: 4326 }))
