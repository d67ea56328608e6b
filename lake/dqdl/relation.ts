import { ident, path, type Sql, sql } from '../duckdb/sql.ts'

/** A table as rules see it. */
export interface Relation {
  /** What stands after FROM: a SELECT in parentheses, or the name of a table or view of the session. */
  readonly source: Sql
  readonly columns: readonly RelationColumn[]
}

export interface RelationColumn {
  readonly name: string
  /** As DuckDB writes it: `DECIMAL(12,2)`, `STRUCT(a INTEGER)`. */
  readonly type: string
}

/** A column, or a field inside one, as SQL. */
export interface Field {
  readonly sql: Sql
  readonly type: string
}

/**
 * The field that a name in a rule means: the column of exactly that name, or else of that name in another case; with dots, a field
 * inside a struct; back-quotes keep a real dot. undefined when there is none.
 */
export function fieldOf(relation: Relation, name: string): Field | undefined {
  const whole = columnNamed(relation, name)
  if (whole) return { sql: ident(whole.name), type: whole.type }
  const parts = [...name.matchAll(/`([^`]+)`|([^.`]+)/g)].map(match => match[1] ?? (match[2] as string))
  return fieldAt(relation, parts)
}

/** The same for names that are taken apart already. */
export function fieldAt(relation: Relation, names: readonly string[]): Field | undefined {
  const [first = '', ...below] = names
  const column = columnNamed(relation, first)
  if (!column) return undefined
  const found: string[] = [column.name]
  let type = column.type
  for (const name of below) {
    const field = structFields(type).find(each => same(each.name, name))
    if (!field) return undefined
    found.push(field.name)
    type = field.type
  }
  return { sql: found.length === 1 ? ident(column.name) : path(...found), type }
}

function columnNamed(relation: Relation, name: string): RelationColumn | undefined {
  return relation.columns.find(each => each.name === name) ?? relation.columns.find(each => same(each.name, name))
}

const same = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase()

/** `STRUCT("a b" INTEGER, c STRUCT(d DATE))` → its fields; none for other types. */
export function structFields(type: string): readonly RelationColumn[] {
  const inner = /^STRUCT\(([\s\S]*)\)$/i.exec(type)?.[1]
  return inner === undefined ? [] : splitFields(inner).flatMap(fieldFromText)
}

function splitFields(text: string): readonly string[] {
  const parts: string[] = ['']
  let depth = 0
  let quoted = false
  for (const character of text) {
    if (character === '"') quoted = !quoted
    if (!quoted && character === '(') depth++
    if (!quoted && character === ')') depth--
    if (character === ',' && depth === 0 && !quoted) parts.push('')
    else parts[parts.length - 1] += character
  }
  return parts.map(part => part.trim())
}

function fieldFromText(text: string): readonly RelationColumn[] {
  const quoted = /^"((?:[^"]|"")+)"\s+([\s\S]+)$/.exec(text)
  if (quoted) return [{ name: (quoted[1] as string).replaceAll('""', '"'), type: quoted[2] as string }]
  const plain = /^(\S+)\s+([\s\S]+)$/.exec(text)
  return plain ? [{ name: plain[1] as string, type: plain[2] as string }] : []
}

/** What can be done with a value. */
export type Kind = 'number' | 'text' | 'boolean' | 'date' | 'timestamp' | 'other'

const NUMBERS =
  /^(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|UTINYINT|USMALLINT|UINTEGER|UBIGINT|UHUGEINT|FLOAT|DOUBLE|DECIMAL)/i

export function kindOf(type: string): Kind {
  if (/[\])]$/.test(type) && !/^DECIMAL/i.test(type)) return 'other'
  if (NUMBERS.test(type)) return 'number'
  if (/^(VARCHAR|UUID|ENUM)/i.test(type)) return 'text'
  if (/^BOOLEAN/i.test(type)) return 'boolean'
  if (/^DATE$/i.test(type)) return 'date'
  return /^TIMESTAMP/i.test(type) ? 'timestamp' : 'other'
}

/** The relation itself, under a `where`. */
export const filtered = (relation: Relation, where: Sql | undefined): Sql =>
  where === undefined ? sql`SELECT * FROM ${relation.source}` : sql`SELECT * FROM ${relation.source} WHERE ${where}`
