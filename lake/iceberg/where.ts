import { ident, join, type Sql, sql } from '../duckdb/sql.ts'
import { type Literal, literalForm, literalValue } from './literal.ts'
import type { Predicate } from './predicate.ts'
import { isPrimitive } from './primitive.ts'
import { columnByName } from './schema.ts'
import type { NestedField, Schema } from './types.ts'
import type { Value } from './value.ts'
import { valueSql } from './value-sql.ts'
import { type Token, tokensOf, wrong } from './where-lexer.ts'

/**
 * Reads conditions on columns that a person wrote, joined by AND: `origin in ('ORD', 'SFO') and distance >= 500`. Values get the type of
 * their column, exactly. Fails with `usage`, pointing at the place and saying what can stand there.
 */
export function parseWhere(text: string, schema: Schema): readonly Predicate[] {
  const reader = readerOf(text, schema)
  reader.take('WHERE')
  if (reader.peek().kind === 'end') throw reader.wrong(reader.peek(), 'there is no condition', CONDITIONS)
  const predicates = conjunction(reader)
  const rest = reader.peek()
  if (rest.kind !== 'end') throw afterCondition(reader, rest)
  return predicates
}

/** The rows that match all of the predicates, as SQL does: a comparison with NULL matches nothing. */
export function whereSql(predicates: readonly Predicate[], schema: Schema): Sql {
  if (predicates.length === 0) return sql`TRUE`
  return join(
    predicates.map(predicate => predicateSql(predicate, columnByName(schema, predicate.column))),
    ' AND ',
  )
}

function predicateSql(predicate: Predicate, { name, type }: NestedField): Sql {
  const column = ident(name)
  const typed = (value: Value): Sql => valueSql(type as string, value)
  switch (predicate.op) {
    case 'is-null':
      return sql`${column} IS NULL`
    case 'not-null':
      return sql`${column} IS NOT NULL`
    case 'in':
      return predicate.values.length === 0 ? sql`FALSE` : sql`${column} IN (${join(predicate.values.map(typed), ', ')})`
    case 'starts-with':
      return sql`starts_with(${column}, ${predicate.value})`
    case '!=':
      return sql`${column} <> ${typed(predicate.value)}`
    case '<':
      return sql`${column} < ${typed(predicate.value)}`
    case '<=':
      return sql`${column} <= ${typed(predicate.value)}`
    case '>':
      return sql`${column} > ${typed(predicate.value)}`
    case '>=':
      return sql`${column} >= ${typed(predicate.value)}`
  }
}

// --- Reading -------------------------------------------------------------------------------------------------------

const CONDITIONS =
  "a condition is column = value, with = <> < <= > >=, IN (…), BETWEEN … AND …, IS NULL, IS NOT NULL or LIKE 'prefix%'; AND joins several"

interface Reader {
  readonly schema: Schema
  peek(ahead?: number): Token
  next(): Token
  /** Takes these words or signs, in any case, if they are all there. */
  take(...words: readonly string[]): boolean
  wrong(token: Token, message: string, next: string): Error
}

function readerOf(text: string, schema: Schema): Reader {
  const tokens = tokensOf(text)
  let index = 0
  const peek = (ahead = 0): Token => tokens[Math.min(index + ahead, tokens.length - 1)] as Token
  return {
    schema,
    peek,
    next: () => tokens[Math.min(index++, tokens.length - 1)] as Token,
    take: (...words) => {
      const found = words.every((word, ahead) => is(peek(ahead), word))
      if (found) index += words.length
      return found
    },
    wrong: ({ at }, message, next) => wrong(text, at, { message, next }),
  }
}

const is = ({ kind, text }: Token, word: string): boolean =>
  (kind === 'word' || kind === 'sign') && text.toUpperCase() === word

/** Deeper than anybody nests, and far from the end of the stack. */
const DEPTH_MAX = 50

function conjunction(reader: Reader, depth = 0): readonly Predicate[] {
  const predicates = [...condition(reader, depth)]
  while (reader.take('AND')) predicates.push(...condition(reader, depth))
  return predicates
}

function condition(reader: Reader, depth: number): readonly Predicate[] {
  const open = reader.peek()
  if (!reader.take('(')) return comparison(reader, columnAt(reader))
  if (depth === DEPTH_MAX) throw reader.wrong(open, `more than ${DEPTH_MAX} brackets`, 'leave brackets out')
  const predicates = conjunction(reader, depth + 1)
  if (!reader.take(')')) throw afterCondition(reader, reader.peek())
  return predicates
}

function afterCondition(reader: Reader, token: Token): Error {
  if (is(token, 'OR'))
    return reader.wrong(token, 'OR cannot be read: all conditions must hold', 'for several values write column IN (…)')
  if (is(token, '.'))
    return reader.wrong(token, 'fields inside a column cannot be compared', 'compare a column of the table')
  if (token.kind === 'end') return reader.wrong(token, 'a ( is never closed', 'close it')
  return reader.wrong(token, 'the condition ends before this', CONDITIONS)
}

// --- Columns -------------------------------------------------------------------------------------------------------

interface PrimitiveColumn {
  readonly name: string
  readonly type: string
}

function columnAt(reader: Reader): PrimitiveColumn {
  const token = reader.next()
  if (token.kind === 'text' || token.kind === 'number' || token.kind === 'bytes')
    throw reader.wrong(token, 'a condition begins with a column', 'write the column first: distance >= 500')
  if (token.kind !== 'word' && token.kind !== 'column')
    throw reader.wrong(token, 'a column is missing here', CONDITIONS)
  if (is(token, 'NOT'))
    throw reader.wrong(token, 'NOT cannot be read before a condition', 'turn it round: <>, NOT IN (…), IS NOT NULL')
  if (is(reader.peek(), '('))
    throw reader.wrong(token, `${token.text}(…) is a function, which cannot be read`, 'compare the column itself')
  const field = fieldNamed(reader, token)
  if (!isPrimitive(field.type))
    throw reader.wrong(token, `${field.name} is a ${field.type.type}`, 'compare a column of a primitive type')
  return { name: field.name, type: field.type }
}

/** As SQL finds columns: by case only where that is needed to tell two apart. */
function fieldNamed(reader: Reader, token: Token): NestedField {
  const { fields } = reader.schema
  const exact = fields.find(field => field.name === token.text)
  const alike = fields.filter(field => field.name.toLowerCase() === token.text.toLowerCase())
  const found = exact ?? (alike.length === 1 ? alike[0] : undefined)
  if (found) return found
  if (alike.length > 1)
    throw reader.wrong(token, `${token.text} is several columns`, `write one of ${alike.map(named).join(', ')}`)
  throw reader.wrong(token, `there is no column ${token.text}`, `the columns are ${listed(fields)}`)
}

const COLUMNS_NAMED_MAX = 30

function listed(fields: readonly NestedField[]): string {
  const rest = fields.length - COLUMNS_NAMED_MAX
  const names = fields.slice(0, COLUMNS_NAMED_MAX).map(named).join(', ')
  return rest > 0 ? `${names} and ${rest} more` : names
}

const named = ({ name }: NestedField): string =>
  /^[\p{L}_][\p{L}\p{N}_$]*$/u.test(name) ? name : `"${name.replaceAll('"', '""')}"`

// --- Comparisons ---------------------------------------------------------------------------------------------------

const COMPARISONS: Readonly<Record<string, '=' | '!=' | '<' | '<=' | '>' | '>='>> = {
  '=': '=',
  '==': '=',
  '<>': '!=',
  '!=': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
}

function comparison(reader: Reader, target: PrimitiveColumn): readonly Predicate[] {
  const column = target.name
  if (reader.take('IS', 'NOT', 'NULL')) return [{ column, op: 'not-null' }]
  if (reader.take('IS', 'NULL')) return [{ column, op: 'is-null' }]
  if (reader.take('NOT', 'IN')) return valuesAt(reader, target).map(value => ({ column, op: '!=', value }))
  if (reader.take('IN')) return [{ column, op: 'in', values: valuesAt(reader, target) }]
  if (reader.take('BETWEEN')) return between(reader, target)
  if (reader.take('LIKE')) return [like(reader, target)]
  if (reader.take('STARTS', 'WITH')) return [{ column, op: 'starts-with', value: textAt(reader, target) }]
  const token = reader.next()
  const op = token.kind === 'sign' ? COMPARISONS[token.text] : undefined
  if (op === undefined) throw noComparison(reader, token, target)
  const value = valueAt(reader, target)
  return [op === '=' ? { column, op: 'in', values: [value] } : { column, op, value }]
}

function noComparison(reader: Reader, token: Token, { name, type }: PrimitiveColumn): Error {
  if (is(token, '.')) return afterCondition(reader, token)
  if (is(token, 'NOT')) return reader.wrong(token, 'NOT cannot be read here', 'possible are NOT IN (…) and IS NOT NULL')
  if (type === 'boolean') return reader.wrong(token, 'a comparison is missing here', `write ${name} = true`)
  return reader.wrong(token, 'a comparison is missing here', CONDITIONS)
}

function between(reader: Reader, target: PrimitiveColumn): readonly Predicate[] {
  const low = valueAt(reader, target)
  if (!reader.take('AND')) throw reader.wrong(reader.peek(), 'BETWEEN needs AND here', 'write BETWEEN 1 AND 9')
  const high = valueAt(reader, target)
  return [
    { column: target.name, op: '>=', value: low },
    { column: target.name, op: '<=', value: high },
  ]
}

/** Patterns that say how the text begins, or all of it: by others nothing can be found without reading everything. */
function like(reader: Reader, target: PrimitiveColumn): Predicate {
  const token = reader.peek()
  const pattern = textAt(reader, target)
  const column = target.name
  if (/^[^%_]*$/.test(pattern)) return { column, op: 'in', values: [pattern] }
  const [, prefix] = /^([^%_]*)%+$/.exec(pattern) ?? []
  if (prefix === undefined)
    throw reader.wrong(token, 'only a beginning can be searched for', "end it with its only %: LIKE 'prefix%'")
  return prefix === '' ? { column, op: 'not-null' } : { column, op: 'starts-with', value: prefix }
}

function textAt(reader: Reader, { name, type }: PrimitiveColumn): string {
  const token = reader.next()
  if (type !== 'string')
    throw reader.wrong(token, `${name} is ${article(type)}, not text`, `compare it with ${literalForm(type)}`)
  if (token.kind !== 'text') throw reader.wrong(token, 'text is missing here', literalForm('string'))
  return token.text
}

// --- Values --------------------------------------------------------------------------------------------------------

function valuesAt(reader: Reader, target: PrimitiveColumn): readonly Value[] {
  if (!reader.take('(')) throw reader.wrong(reader.peek(), 'IN needs a ( here', 'write IN (1, 2, 3)')
  const values = [valueAt(reader, target)]
  while (reader.take(',')) values.push(valueAt(reader, target))
  if (!reader.take(')')) throw reader.wrong(reader.peek(), 'a , or ) is missing here', 'write IN (1, 2, 3)')
  return values
}

function valueAt(reader: Reader, { name, type }: PrimitiveColumn): Value {
  const token = reader.peek()
  const literal = literalAt(reader)
  const value = literal && literalValue(type, literal)
  if (value !== undefined) return value
  const next = `compare it with ${literalForm(type)}`
  if (is(token, 'NULL')) throw reader.wrong(token, 'no value equals NULL', `write ${name} IS NULL or IS NOT NULL`)
  if (token.kind === 'column')
    throw reader.wrong(token, `"${token.text}" names a column, and a value is missing here`, next)
  if (!literal) throw reader.wrong(token, 'a value is missing here', next)
  throw reader.wrong(token, `${name} is ${article(type)}, which has no such value`, next)
}

const KEYWORDS: ReadonlySet<string> = new Set(['DATE', 'TIME', 'TIMESTAMP', 'TIMESTAMPTZ', 'UUID'])

function literalAt(reader: Reader): Literal | undefined {
  const token = reader.next()
  const word = token.text.toUpperCase()
  if (token.kind === 'number' || token.kind === 'bytes') return { kind: token.kind, text: token.text }
  if (token.kind === 'text') return { kind: 'text', text: token.text, keyword: undefined }
  if (token.kind !== 'word') return undefined
  if (word === 'TRUE' || word === 'FALSE') return { kind: 'boolean', value: word === 'TRUE' }
  if (!KEYWORDS.has(word) || reader.peek().kind !== 'text') return undefined
  return { kind: 'text', text: reader.next().text, keyword: word }
}

const article = (type: string): string => `${/^[aeio]/.test(type) ? 'an' : 'a'} ${type}`
