import type { Analyzer, Rule, Ruleset } from './ast.ts'
import { Cursor, ParseFailure } from './cursor.ts'
import { type Diagnostic, placeOf } from './diagnostics.ts'
import { type Lexed, lex, type Mode, type Token } from './lexer.ts'
import { OPEN_QUOTE } from './lexer-problems.ts'
import { parseAnalyzer, parseRule, type RuleContext } from './parse-rule.ts'
import { parsePreamble, sectionLike } from './parse-sections.ts'
import { formsOf } from './rule-types.ts'

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
  const end = ruleset === undefined ? text.length : cursor.last.span.end
  const next = lexed.tokens.find(each => each.span.start >= end && !each.isGuess)
  const problems = [...readProblems(lexed, next), ...withoutEcho(cursor.diagnostics, lexed)]
  const hasErrors = ruleset === undefined || problems.some(each => each.severity === 'error')
  const told = hasErrors ? problems : [...problems, ...droppedText(text, next)]
  const diagnostics = told.toSorted((left, right) => left.span.start - right.span.start)
  return {
    ruleset: hasErrors ? undefined : ruleset,
    diagnostics: mode === 'aws' ? asToldByAws(diagnostics) : diagnostics,
  }
}

/** Sections have a fixed order; reading stops behind the last one, whatever follows, as AWS's grammar does. */
function parseDocument(cursor: Cursor): Ruleset | undefined {
  try {
    const preamble = parsePreamble(cursor)
    const scope = new Map(preamble.variables.map(each => [each.name, each]))
    return { ...preamble, ...parseRulesAndAnalyzers(cursor, { scope, defaultLabels: preamble.defaultLabels }) }
  } catch (failure) {
    if (!(failure instanceof ParseFailure)) throw failure
    cursor.record(failure)
    return undefined
  }
}

// --- Rules and analyzers -------------------------------------------------------------------------------------------

interface Checks {
  readonly rules: readonly Rule[]
  readonly analyzers: readonly Analyzer[]
}

function parseRulesAndAnalyzers(cursor: Cursor, context: RuleContext): Checks {
  const start = cursor.peek()
  if (!cursor.sees('Rules', 'Analyzers')) return failOutside(cursor)
  const rules = cursor.take('Rules') ? parseSection(cursor, inner => parseRule(inner, context)) : []
  const analyzers = cursor.take('Analyzers') ? parseSection(cursor, inner => parseAnalyzer(inner, context)) : []
  if (rules.length + analyzers.length === 0 && !cursor.hasErrors)
    return cursor.refuse('No rules or analyzers provided.', { span: cursor.from(start) })
  return { rules, analyzers }
}

/** What stands where Rules or Analyzers should begin: mostly a section in the wrong place or spelling. */
function failOutside(cursor: Cursor): never {
  const { text } = cursor.peek()
  const section = sectionLike(text)
  const fix =
    section === undefined
      ? formsOf(text).length > 0 || text === '['
        ? 'write Rules = [ … ] around the rules'
        : undefined
      : section === text
        ? 'the order is: Metadata, DataSources, variables, DefaultLabels, Rules, Analyzers'
        : `names of sections are case-sensitive: write ${section}`
  return cursor.fail(`expected Rules = [ … ] or Analyzers = [ … ], found ${cursor.found()}`, { fix })
}

/** `= [ item, item ]`. After an error it goes on with the next item, so that all mistakes show at once. */
function parseSection<T>(cursor: Cursor, parseItem: (cursor: Cursor) => T): readonly T[] {
  const { text: section } = cursor.last
  cursor.expect('=', '"="', `write ${section} = [ … ]`)
  const open = cursor.expect('[', '"["', `write ${section} = [ … ]`)
  if (cursor.take(']')) return []
  const items: T[] = []
  for (;;) {
    const mark = cursor.mark
    let isComplete = false
    try {
      if (cursor.sees(']')) cursor.fail('a comma behind the last item', { span: cursor.last.span, fix: 'take it away' })
      items.push(parseItem(cursor))
      isComplete = true
      expectNextOrEnd(cursor, { section, open })
    } catch (failure) {
      if (!(failure instanceof ParseFailure)) throw failure
      cursor.record(failure)
      if (isComplete && isRuleNext(cursor)) continue
      skipItem(cursor, mark)
    }
    if (cursor.take(',')) continue
    if (!cursor.take(']')) expectNextOrEnd(cursor, { section, open })
    return items
  }
}

function expectNextOrEnd(cursor: Cursor, { section, open }: { readonly section: string; readonly open: Token }): void {
  if (cursor.sees(',', ']')) return
  const { kind, text } = cursor.peek()
  if (kind === 'end')
    cursor.fail(`expected "," or "]", found the end of the text`, {
      fix: `close the [ of ${section} in line ${placeOf(cursor.text, open.span.start).line} with ]`,
    })
  const fix = isRuleNext(cursor)
    ? `rules are separated by commas: write one before ${text}`
    : text === 'threshold'
      ? 'write with threshold'
      : undefined
  cursor.fail(`expected "," or "]", found ${cursor.found()}`, { fix })
}

const isRuleNext = (cursor: Cursor): boolean => cursor.peek().kind === 'word' && formsOf(cursor.peek().text).length > 0

/** To the comma or bracket that ends the item, out of the brackets that were open where reading failed. */
function skipItem(cursor: Cursor, mark: number): void {
  let [brackets, others] = [0, 0]
  const count = ({ kind, text }: Token): void => {
    if (kind !== 'sign') return
    if (text === '[') brackets++
    else if (text === ']') brackets--
    else if (text === '(' || text === '{') others++
    else if (text === ')' || text === '}') others = Math.max(0, others - 1)
  }
  cursor.since(mark).forEach(count)
  for (; cursor.peek().kind !== 'end'; count(cursor.next())) {
    if (brackets <= 0 && cursor.sees(']')) return
    if (brackets <= 0 && others === 0 && cursor.sees(',')) return
  }
}

// --- What is told --------------------------------------------------------------------------------------------------

/**
 * What the lexer found, as far as AWS reads: its parser takes one token behind the last bracket, so an unreadable character before
 * that one is an error, and what follows is never seen.
 */
function readProblems({ diagnostics }: Lexed, next: Token | undefined): readonly Diagnostic[] {
  const read = next === undefined ? diagnostics : diagnostics.filter(each => each.span.start < next.span.start)
  return read.map(each => (each.severity === 'error' ? { ...each, isSyntax: true } : each))
}

/** A quote that never ends swallows brackets and commas: that they are missing is no news. */
function withoutEcho(diagnostics: readonly Diagnostic[], { diagnostics: lexical }: Lexed): readonly Diagnostic[] {
  const open = lexical.find(each => each.message === OPEN_QUOTE)
  return open === undefined ? diagnostics : diagnostics.filter(each => each.span.end <= open.span.start)
}

/** AWS reads nothing of a text that is none of its language, and says so in a way that leads nobody to the cause. */
function asToldByAws(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const first = diagnostics.find(each => each.severity === 'error' && each.isSyntax)
  return diagnostics.map(each => (each === first ? { ...each, aws: 'No rules or analyzers provided.' } : each))
}

function droppedText(text: string, next: Token | undefined): readonly Diagnostic[] {
  if (next === undefined || next.kind === 'end') return []
  const span = { start: next.span.start, end: text.length }
  const losesRules = /\b(Rules|Analyzers)\s*=/.test(text.slice(span.start))
  const message = losesRules
    ? 'AWS stops reading here: the rules and analyzers that follow are never evaluated'
    : 'AWS stops reading here, without a word about what follows'
  const fix = losesRules ? 'put Rules before Analyzers, one section of each' : 'take it away'
  return [{ severity: 'warning', message, span, fix }]
}
