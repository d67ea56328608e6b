import type { Labels, Ruleset, Variable } from './ast.ts'
import type { Cursor } from './cursor.ts'
import type { Token } from './lexer.ts'
import { keywordOf } from './parse-condition.ts'
import { parseLabels } from './parse-labels.ts'

/** What stands before the rules, in its fixed order: Metadata, DataSources, variables, DefaultLabels. */
export type Preamble = Pick<Ruleset, 'metadata' | 'sources' | 'variables' | 'defaultLabels'>

export function parsePreamble(cursor: Cursor): Preamble {
  return {
    metadata: cursor.take('Metadata') ? parseMetadata(cursor) : {},
    sources: cursor.take('DataSources') ? parseSources(cursor) : { primary: undefined, additional: [] },
    variables: parseVariables(cursor),
    defaultLabels: cursor.take('DefaultLabels') ? parseLabels(cursor, NO_LABELS) : NO_LABELS,
  }
}

const NO_LABELS: Labels = {}

// --- Dictionaries --------------------------------------------------------------------------------------------------

interface Pair {
  readonly key: Token
  readonly texts: readonly Token[]
  readonly isList: boolean
}

/** No dictionary within a dictionary: texts and lists of texts. */
function parseDictionary(cursor: Cursor, section: string, keys: readonly string[]): ReadonlyMap<string, Pair> {
  cursor.expect('=')
  const open = cursor.expect('{')
  if (cursor.take('}'))
    return cursor.refuse(`Empty dictionary provided: ${section}`, { span: cursor.from(open), fix: 'leave it away' })
  const pairs = new Map<string, Pair>()
  do {
    const pair = parsePair(cursor)
    if (!keys.includes(pair.key.text))
      cursor.refuse(`Unsupported key provided in ${section} section: ${pair.key.text}`, {
        span: pair.key.span,
        fix: `it takes ${keys.map(key => `"${key}"`).join(' and ')}`,
      })
    pairs.set(pair.key.text, pair)
  } while (cursor.take(','))
  cursor.expect('}', '"," or "}"')
  return pairs
}

function parsePair(cursor: Cursor): Pair {
  const key = cursor.quoted('a key')
  cursor.expect(':')
  if (!cursor.take('[')) return { key, texts: [cursor.quoted('a text')], isList: false }
  const texts: Token[] = []
  do texts.push(cursor.quoted('a text'))
  while (cursor.take(','))
  cursor.expect(']', '"," or "]"')
  return { key, texts, isList: true }
}

function parseMetadata(cursor: Cursor): Readonly<Record<string, string>> {
  const pairs = parseDictionary(cursor, 'Metadata', ['Version'])
  return Object.fromEntries([...pairs].map(([key, pair]) => [key, textOf(pair)]))
}

/** One text: AWS takes a list as it is written, without its quotes. */
const textOf = ({ texts, isList }: Pair): string => {
  const written = texts.map(each => each.text.replaceAll('"', '')).join(',')
  return isList ? `[${written}]` : written
}

function parseSources(cursor: Cursor): Ruleset['sources'] {
  const pairs = parseDictionary(cursor, 'Sources', ['Primary', 'AdditionalDataSources'])
  const [primary, additional] = [pairs.get('Primary'), pairs.get('AdditionalDataSources')]
  const [only] = additional?.texts ?? []
  if (additional?.isList === false && only)
    return cursor.refuse('Additional sources must be an array of values.', {
      span: only.span,
      fix: `write ["${only.text}"]`,
    })
  for (const { text, span } of additional?.texts ?? [])
    if (/[[\] ,]/.test(text))
      cursor.warn('AWS drops spaces and brackets from these names, and cuts them at commas', { span })
  return {
    primary: primary && textOf(primary),
    additional: additional?.texts.map(each => each.text.replaceAll('"', '')) ?? [],
  }
}

// --- Variables -----------------------------------------------------------------------------------------------------

function parseVariables(cursor: Cursor): readonly Variable[] {
  const variables = new Map<string, Variable>()
  while (cursor.peek().kind === 'word' && cursor.peek(1).text === '=') {
    rejectSection(cursor)
    const name = cursor.next()
    cursor.expect('=')
    const value = cursor.sees('[') ? parseValues(cursor) : parseValue(cursor)
    checkVariable(cursor, { name, value, variables })
    variables.set(name.text, { name: name.text, value, span: cursor.from(name) })
  }
  return [...variables.values()]
}

const SECTIONS = ['Metadata', 'DataSources', 'DefaultLabels', 'Rules', 'Analyzers']

/** `rules = [ RowCount > 1 ]` begins like a variable; only texts and lists of texts are one. */
function rejectSection(cursor: Cursor): void {
  const { text } = cursor.peek()
  const section = sectionLike(text)
  const value = cursor.peek(2).text === '[' ? cursor.peek(3) : cursor.peek(2)
  if (section === undefined || value.kind === 'string' || keywordOf(value.text) !== undefined) return
  cursor.fail(`expected a section, found ${cursor.found()}`, {
    fix: `names of sections are case-sensitive: write ${section}`,
  })
}

export const sectionLike = (text: string): string | undefined =>
  SECTIONS.find(each => each.toLowerCase() === text.toLowerCase())

function parseValues(cursor: Cursor): readonly string[] {
  cursor.expect('[')
  const values: string[] = []
  do values.push(parseValue(cursor))
  while (cursor.take(','))
  cursor.expect(']', '"," or "]"')
  return values
}

function parseValue(cursor: Cursor): string {
  if (cursor.sees('$')) return cursor.refuse('Nested variables are not supported', { fix: 'write the text itself' })
  const { kind, text, span } = cursor.peek()
  if (kind !== 'keyword' || keywordOf(text) === undefined) return cursor.quoted('the value of a variable').text
  cursor.warn(`AWS takes ${text} in a variable for the text "${text}"`, { span, fix: `write in [… , ${text}]` })
  return cursor.next().text
}

interface Declared extends Pick<Variable, 'value'> {
  readonly name: Token
  readonly variables: ReadonlyMap<string, Variable>
}

function checkVariable(cursor: Cursor, { name: { text: name, span }, value, variables }: Declared): void {
  if (name.startsWith('.') || name.startsWith('_'))
    cursor.refuse(`Variable name '${name}' cannot start with '.' or '_'`, { span })
  if (variables.has(name)) cursor.refuse(`Variable '${name}' is already defined`, { span, fix: 'give it another name' })
  // AWS puts nothing into texts, and refuses a text that looks as if it should.
  if ([value].flat().some(text => /\$[a-zA-Z_]/.test(text)))
    cursor.refuse(`Nested variables are not supported in variable '${name}'`, {
      span,
      fix: 'write the text itself, without $',
    })
}
