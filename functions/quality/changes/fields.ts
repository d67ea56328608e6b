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

/** What an unavailable value looks like: text, bytes in base64, an array of one, a map of one (Debezium's ReplicaIdentity docs). */
export function isPlaceholder(text: Sql, placeholder: string): Sql {
  const forms = [
    placeholder,
    Buffer.from(placeholder).toString('base64'),
    Buffer.from(placeholder).toString('base64url'),
    Buffer.from(placeholder).toString('hex'),
    JSON.stringify([placeholder]),
    JSON.stringify([Buffer.from(placeholder).toString('base64')]),
    JSON.stringify({ [placeholder]: placeholder }),
  ]
  return sql`(${text} IS NOT NULL AND ${text} IN (${join(
    [...new Set(forms)].map(form => sql`${form}`),
    ', ',
  )}))`
}
