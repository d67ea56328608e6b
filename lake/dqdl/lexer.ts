import type { Span } from './ast.ts'
import type { Diagnostic } from './diagnostics.ts'
import { type Problem, problemAt } from './lexer-problems.ts'

/** `aws` takes what AWS's parser takes; `lenient` also what people write and mean, each with a warning. */
export type Mode = 'aws' | 'lenient'

/**
 * `text` of a quoted token is what stands between the quotes, as written. A quoted text of the form of a date or a clock time is
 * no string: the grammar tells them apart here, before it knows what they are for.
 */
export interface Token {
  readonly kind: 'word' | 'keyword' | 'number' | 'string' | 'date' | 'time' | 'now' | 'sign' | 'stray' | 'end'
  readonly text: string
  readonly span: Span
  /** AWS reads no token here; this is what was meant by the characters that the lexer has complained of. */
  readonly isGuess?: true
}

export interface Lexed {
  readonly tokens: readonly Token[]
  readonly diagnostics: readonly Diagnostic[]
}

/** Words that the grammar knows, in the only spellings that it knows: none of them can be an unquoted name. */
export const KEYWORDS: ReadonlySet<string> = new Set(
  'and AND or OR of OF null NULL empty EMPTY whitespaces_only WHITESPACES_ONLY between in not matches where with labels days hours minutes B KB MB GB TB Metadata DataSources DefaultLabels Rules Analyzers'.split(
    ' ',
  ),
)

const WHITE = /[ \t\n]+/y
const WORD = /[A-Za-z0-9_.]+/y
const NUMBER = /^\d+(\.\d+)?$/
const SIGN = />=|<=|[,{}[\]()=!<>+\-*/$:]/y
const DATE = /^\d{4}-\d\d-\d\d$/
const TIME = /^(\d{1,2}:\d\d [AP]M|\d\d:\d\d)$/

/** Nobody reads more of them, and a binary file has millions. */
const PROBLEMS_MAX = 100

/** Never fails: what cannot be read becomes an error, and reading goes on behind it. */
export function lex(text: string, mode: Mode): Lexed {
  const tokens: Token[] = []
  const problems: Problem[] = []
  let at = 0
  while (at < text.length && problems.length < PROBLEMS_MAX) {
    at = skipWhite(text, at)
    if (at === text.length) break
    const token = tokenAt(text, at, tokens.at(-1))
    if (token !== undefined) {
      tokens.push(token)
      at = token.span.end
      continue
    }
    const problem = problemAt(text, at, { mode, isFirst: isFirstOf(problems) })
    if (problem.diagnostic !== undefined) problems.push(problem)
    if (problem.token !== undefined) tokens.push(problem.token)
    at = problem.end
  }
  tokens.push({ kind: 'end', text: '', span: { start: text.length, end: text.length } })
  return { tokens, diagnostics: problems.flatMap(each => each.diagnostic ?? []) }
}

/** Thousands of lines end in the same carriage return: it is told once. */
const isFirstOf = (problems: readonly Problem[]) => (kind: Problem['kind']) =>
  problems.every(each => each.kind !== kind)

/** White space and comments; a comment without a line break behind it is a problem, and stays. */
function skipWhite(text: string, start: number): number {
  let at = start
  for (;;) {
    at += take(WHITE, text, at)?.length ?? 0
    const end = text[at] === '#' ? text.indexOf('\n', at) : -1
    if (end < 0) return at
    at = end + 1
  }
}

function take(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

function tokenAt(text: string, at: number, before: Token | undefined): Token | undefined {
  if (text[at] === '"') return quotedToken(text, at)
  const word = take(WORD, text, at)
  if (word !== undefined) return text.startsWith('://', at + word.length) ? undefined : wordToken(text, at, word)
  if (text.startsWith('//', at) || (text[at] === '/' && before?.text === 'matches')) return undefined
  const sign = take(SIGN, text, at)
  return sign === undefined ? undefined : token('sign', sign, at)
}

const token = (kind: Token['kind'], text: string, start: number): Token => ({
  kind,
  text,
  span: { start, end: start + text.length },
})

function wordToken(text: string, at: number, word: string): Token {
  if (word === 'now' && text.startsWith('()', at + 3)) return token('now', 'now()', at)
  return token(NUMBER.test(word) ? 'number' : KEYWORDS.has(word) ? 'keyword' : 'word', word, at)
}

function quotedToken(text: string, start: number): Token | undefined {
  const end = closingQuote(text, start)
  if (end === undefined) return undefined
  const inner = text.slice(start + 1, end)
  const kind = DATE.test(inner) ? 'date' : TIME.test(inner) ? 'time' : 'string'
  return { kind, text: inner, span: { start, end: end + 1 } }
}

/**
 * `\"` and `\\` are the escapes; any other backslash is itself. Where no quote closes the text but an escaped one, that one
 * does, as in AWS's grammar: "C:\" is a path.
 */
function closingQuote(text: string, start: number): number | undefined {
  let escapedQuote: number | undefined
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '"') return at
    const next = text[at + 1]
    if (text[at] !== '\\' || (next !== '"' && next !== '\\')) continue
    at++
    if (next === '"') escapedQuote = at
  }
  return escapedQuote
}
