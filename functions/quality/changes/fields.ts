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
 * element of an array or the only pair of a map.
 */
export function isPlaceholder({ type }: ContractColumn, text: Sql, placeholder: string): Sql {
  const bytes = Buffer.from(placeholder)
  const forms =
    type === 'string'
      ? [placeholder, JSON.stringify([placeholder]), JSON.stringify({ [placeholder]: placeholder })]
      : type === 'binary'
        ? [placeholder, bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')]
        : typeof type === 'string'
          ? [placeholder, bytes.toString('base64')]
          : [
              JSON.stringify([placeholder]),
              JSON.stringify([bytes.toString('base64')]),
              JSON.stringify({ [placeholder]: placeholder }),
            ]
  // More than a few constants in an IN would become a join.
  const equal = forms.map(form => sql`${text} = ${form}`)
  return sql`COALESCE(${join(equal, ' OR ')}, FALSE)`
}
