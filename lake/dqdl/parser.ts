import type { Analyzer, Labels, Rule, Ruleset, Variable } from './ast.ts'
import { Cursor, ParseFailure } from './cursor.ts'
import type { Diagnostic } from './diagnostics.ts'
import { lex, type Mode } from './lexer.ts'
import { keywordOf, type Scope } from './parse-condition.ts'
import { parseLabels } from './parse-labels.ts'
import { parseAnalyzer, parseRule, type RuleContext } from './parse-rule.ts'

export interface ParseResult {
  /** undefined when there is an error. */
  readonly ruleset: Ruleset | undefined
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * A text as a ruleset. In mode `aws` the verdict is that of AWS's own parser (awslabs/dqdl); `lenient` also takes what people write
 * and mean: Windows line ends, suffixes in any order, a comment at the end of the file. Never throws.
 */
export function parseRuleset(text: string, { mode }: { readonly mode: Mode }): ParseResult {
  const lexed = lex(text, mode)
  const cursor = new Cursor(text, lexed.tokens, mode)
  const ruleset = parseDocument(cursor)
  const end = cursor.last.span.end
  const trailing = trailingText(cursor, text)
  const diagnostics = [
    // What AWS never reads cannot be an error.
    ...lexed.diagnostics.map(each =>
      each.span.start < end || !ruleset ? each : { ...each, severity: 'warning' as const },
    ),
    ...cursor.diagnostics,
    ...(trailing && ruleset ? [trailing] : []),
  ].toSorted((left, right) => left.span.start - right.span.start)
  const failed = ruleset === undefined || diagnostics.some(each => each.severity === 'error')
  return { ruleset: failed ? undefined : ruleset, diagnostics }
}

/** Sections have a fixed order; reading stops behind the last one, whatever follows, as AWS's grammar does. */
function parseDocument(cursor: Cursor): Ruleset | undefined {
  try {
    const metadata = cursor.sees('Metadata') ? parseMetadata(cursor) : {}
    const sources = cursor.sees('DataSources') ? parseSources(cursor) : { primary: undefined, additional: [] }
    const variables = parseVariables(cursor)
    const defaultLabels = cursor.sees('DefaultLabels') ? parseDefaultLabels(cursor) : {}
    const context = { scope: scopeOf(variables), defaultLabels }
    const { rules, analyzers } = parseRulesAndAnalyzers(cursor, context)
    return { metadata, sources, variables, defaultLabels, rules, analyzers }
  } catch (failure) {
    if (!(failure instanceof ParseFailure)) throw failure
    cursor.error(failure)
    return undefined
  }
}

const scopeOf = (variables: readonly Variable[]): Scope => new Map(variables.map(each => [each.name, each]))

function parseRulesAndAnalyzers(
  cursor: Cursor,
  context: RuleContext,
): { readonly rules: readonly Rule[]; readonly analyzers: readonly Analyzer[] } {
  const start = cursor.peek().span
  const section = cursor.take('Rules', 'Analyzers')
  if (!section)
    return cursor.fail(`expected Rules = [ … ] or Analyzers = [ … ], found ${cursor.found()}`, sectionFix(cursor))
  const rules = section.text === 'Rules' ? parseSection(cursor, inner => parseRule(inner, context)) : []
  const second = section.text === 'Rules' && cursor.sees('Analyzers') && cursor.peek(1).text === '='
  if (second) cursor.next()
  const analyzers = section.text === 'Analyzers' || second ? parseSection(cursor, parseAnalyzer) : []
  if (rules.length + analyzers.length === 0 && cursor.diagnostics.every(each => each.severity !== 'error'))
    return cursor.fail('No rules or analyzers provided.', { span: start })
  return { rules, analyzers }
}

function sectionFix(cursor: Cursor): { readonly fix?: string } {
  const { text } = cursor.peek()
  const named = ['Rules', 'Analyzers', 'Metadata', 'DataSources', 'DefaultLabels'].find(
    name => name.toLowerCase() === text.toLowerCase(),
  )
  if (named === undefined || named === text) return {}
  return { fix: `section names are case-sensitive: write ${named}` }
}

/** `= [ item, item ]`. After an error it goes on with the next item, so that all mistakes show at once. */
function parseSection<T>(cursor: Cursor, parseItem: (cursor: Cursor) => T): readonly T[] {
  cursor.expect('=')
  cursor.expect('[')
  if (cursor.take(']')) return []
  const items: T[] = []
  for (;;) {
    try {
      if (cursor.sees(']')) cursor.fail('a comma behind the last item', { span: cursor.last.span, fix: 'take it away' })
      items.push(parseItem(cursor))
      if (!cursor.sees(',', ']')) cursor.fail(`expected "," or "]", found ${cursor.found()}`)
    } catch (failure) {
      if (!(failure instanceof ParseFailure)) throw failure
      cursor.error(failure)
      skipItem(cursor)
    }
    if (cursor.take(',')) continue
    cursor.expect(']', '"," or "]"')
    return items
  }
}

function skipItem(cursor: Cursor): void {
  for (let depth = 0; cursor.peek().kind !== 'end'; cursor.next()) {
    if (depth === 0 && cursor.sees(',', ']')) return
    if (cursor.sees('[', '(', '{')) depth++
    else if (cursor.sees(']', ')', '}')) depth--
  }
}

// --- Sections before the rules -------------------------------------------------------------------------------------

type Dictionary = ReadonlyMap<string, string | readonly string[]>

function parseDictionary(cursor: Cursor, section: string, keys: readonly string[]): Dictionary {
  cursor.next()
  cursor.expect('=')
  cursor.expect('{')
  if (cursor.sees('}')) return cursor.fail(`${section} is empty`)
  const values = new Map<string, string | readonly string[]>()
  do {
    const key = cursor.quoted('a key')
    if (!keys.includes(key.text))
      cursor.fail(`Unsupported key provided in ${section} section: ${key.text}`, {
        span: key.span,
        fix: `it takes ${keys.join(' and ')}`,
      })
    cursor.expect(':')
    values.set(key.text, cursor.sees('[') ? parseTexts(cursor) : cursor.quoted('a text').text)
  } while (cursor.take(','))
  cursor.expect('}', '"," or "}"')
  return values
}

function parseTexts(cursor: Cursor): readonly string[] {
  cursor.expect('[')
  const texts: string[] = []
  do texts.push(cursor.quoted('a text').text)
  while (cursor.take(','))
  cursor.expect(']', '"," or "]"')
  return texts
}

function parseMetadata(cursor: Cursor): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...parseDictionary(cursor, 'Metadata', ['Version'])].map(([key, value]) => [key, String(value)]),
  )
}

function parseSources(cursor: Cursor): Ruleset['sources'] {
  const start = cursor.peek().span
  const values = parseDictionary(cursor, 'DataSources', ['Primary', 'AdditionalDataSources'])
  const [primary, additional] = [values.get('Primary'), values.get('AdditionalDataSources')]
  if (typeof additional === 'string')
    return cursor.fail('AdditionalDataSources must be a list', { span: start, fix: `write ["${additional}"]` })
  return { primary: primary === undefined ? undefined : String(primary), additional: additional ?? [] }
}

function parseVariables(cursor: Cursor): readonly Variable[] {
  const variables: Variable[] = []
  while (cursor.peek().kind === 'word' && cursor.peek(1).text === '=' && !SECTIONS.has(cursor.peek().text)) {
    const name = cursor.next()
    cursor.expect('=')
    if (variables.some(each => each.name === name.text))
      cursor.fail(`Variable already defined: ${name.text}`, { span: name.span, fix: 'give it another name' })
    const value = cursor.sees('[') ? parseValues(cursor) : parseValue(cursor)
    variables.push({ name: name.text, value, span: cursor.from(name) })
  }
  return variables
}

const SECTIONS: ReadonlySet<string> = new Set(['Metadata', 'DataSources', 'DefaultLabels', 'Rules', 'Analyzers'])

function parseValues(cursor: Cursor): readonly string[] {
  cursor.expect('[')
  const values: string[] = []
  do values.push(parseValue(cursor))
  while (cursor.take(','))
  cursor.expect(']', '"," or "]"')
  return values
}

function parseValue(cursor: Cursor): string {
  if (cursor.sees('$')) return cursor.fail('a variable cannot be used in another')
  const keyword = cursor.peek().kind === 'word' ? keywordOf(cursor.peek().text) : undefined
  if (keyword === undefined) return cursor.quoted('a value').text
  cursor.next()
  return keyword
}

function parseDefaultLabels(cursor: Cursor): Labels {
  cursor.next()
  return parseLabels(cursor, {})
}

// --- Behind the end ------------------------------------------------------------------------------------------------

function trailingText(cursor: Cursor, text: string): Diagnostic | undefined {
  const next = cursor.peek()
  if (next.kind === 'end') return undefined
  const span = { start: next.span.start, end: text.length }
  const rest = text.slice(span.start)
  const losesRules = /\b(Rules|Analyzers)\s*=/.test(rest)
  return {
    severity: 'warning',
    message: losesRules
      ? 'AWS stops reading here: the rules and analyzers that follow are never evaluated'
      : 'AWS stops reading here, without a word about what follows',
    span,
    fix: losesRules ? 'put Rules before Analyzers, one section of each' : 'take it away',
  }
}
