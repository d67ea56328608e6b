import { ident, join as joinSql, type Sql, sql } from './duckdb/sql.ts'
import { duckdbType } from './iceberg/schema-text.ts'
import type { Schema } from './iceberg/types.ts'
import { asKeyWord, asWord, escaped, WORD_LENGTH_MIN } from './mentions.ts'

/** The rows that are meant: those that have all of these values, one of these keys, or came of one of these records. Either will do. */
export interface RowMatch {
  readonly values?: readonly { readonly column: string; readonly value: string }[]
  readonly keys?: { readonly columns: readonly string[]; readonly texts: readonly string[] } | undefined
  /** Records of raw objects, `<raw id>:<ordinal>`. */
  readonly places?: readonly string[]
  /** Rows in one of whose texts all of these stand; where all datasets share a table, those about this one. */
  readonly said?: Said | undefined
}

export interface Said {
  readonly dataset?: string
  readonly column: string
  readonly texts: readonly string[]
  /** The text is a key, in which they may be encoded. */
  readonly isKey?: boolean
}

/** The name that a file has for a field of the table, by its id. */
export type NameOf = (id: number) => string | undefined

/** True of the rows that are meant, false of all others, never null. */
export function matchSql(schema: Schema, { values, keys, places, said }: RowMatch, nameOf: NameOf): Sql {
  const column = (name: string) => {
    const field = schema.fields.find(each => each.name === name)
    const own = field && nameOf(field.id)
    return own === undefined ? undefined : { name: ident(own), type: field?.type ?? 'string' }
  }
  const equals = (values ?? []).map(({ column: name, value }) => {
    const own = column(name)
    return own && sql`${own.name} = TRY_CAST(${value} AS ${duckdbType(own.type)})`
  })
  const key = (keys?.columns ?? []).map(name => column(name)?.name)
  const [object, row] = [column('_raw_object'), column('_raw_row')]
  const terms = [
    ...(equals.length > 0 && equals.every(isKnown) ? [sql`(${joinSql(equals.filter(isKnown), ' AND ')})`] : []),
    ...(keys && keys.texts.length > 0 && key.length > 0 && key.every(isKnown)
      ? [sql`list_contains(${keys.texts}, ${keyTextSql(key.filter(isKnown))})`]
      : []),
    ...(object && row && places && places.length > 0
      ? [sql`list_contains(${places}, concat(${object.name}, ':', ${row.name}))`]
      : []),
  ]
  const [about, text] = [column('dataset'), said && column(said.column)]
  if (said && text && (said.dataset === undefined || about)) {
    const isAbout = about && said.dataset !== undefined ? sql`${about.name} = ${said.dataset} AND ` : sql``
    terms.push(sql`(${isAbout}${saysAll(text.name, said)})`)
  }
  return terms.length === 0 ? sql`FALSE` : sql`COALESCE(${joinSql(terms, ' OR ')}, FALSE)`
}

/** A short text means somebody only where it is quoted: it is in every sentence with a number. */
const saysAll = (text: Sql, { texts, isKey }: Said): Sql =>
  joinSql(
    texts.map(each => {
      if (each.length < WORD_LENGTH_MIN) return sql`regexp_matches(${text}, ${`["']${escaped(each)}["']`})`
      return sql`regexp_matches(${text}, ${isKey ? asKeyWord(each) : asWord(each)})`
    }),
    ' AND ',
  )

const isKnown = (part: Sql | undefined): part is Sql => part !== undefined

/** A key as text: the texts of its columns in a JSON array. NULL of one that is not whole. */
export function keyTextSql(values: readonly Sql[]): Sql {
  const known = values.map(value => sql`${value} IS NOT NULL`)
  const texts = values.map(value => sql`CAST(${value} AS VARCHAR)`)
  return sql`CASE WHEN ${joinSql(known, ' AND ')} THEN CAST(to_json([${joinSql(texts, ', ')}]) AS VARCHAR) END`
}
