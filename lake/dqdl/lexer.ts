import type { Span } from './ast.ts'
import type { Diagnostic } from './diagnostics.ts'

/** `aws` takes what AWS's parser takes; `lenient` also what people write and mean, each with a warning. */
export type Mode = 'aws' | 'lenient'

/**
 * `text` of a quoted token is what stands between the quotes, as written. A quoted text of the form of a date or a clock time is
 * no string: the grammar tells them apart here, before it knows what they are for.
 */
export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'date' | 'time' | 'now' | 'sign' | 'end'
  readonly text: string
  readonly span: Span
}

export interface Lexed {
  readonly tokens: readonly Token[]
  readonly diagnostics: readonly Diagnostic[]
}

const WHITE = /[ \t\n]+/y
const WORD = /[A-Za-z0-9_.]+/y
const NUMBER = /^\d+(\.\d+)?$/
const SIGN = />=|<=|[,{}[\]()=!<>+\-*/$:]/y
const DATE = /^\d{4}-\d\d-\d\d$/
const TIME = /^(\d{1,2}:\d\d [AP]M|\d\d:\d\d)$/

/** Never fails: what cannot be read becomes an error, and reading goes on behind it. */
export function lex(text: string, mode: Mode): Lexed {
  const tokens: Token[] = []
  const diagnostics: Diagnostic[] = []
  let at = 0
  let returns = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0]
  }
  const push = (kind: Token['kind'], length: number, value: string): void => {
    tokens.push({ kind, text: value, span: { start: at, end: at + length } })
    at += length
  }
  while (at < text.length) {
    const white = take(WHITE)
    if (white !== undefined) {
      at += white.length
      continue
    }
    const first = text[at] as string
    if (first === '#') {
      at = skipComment(text, { at, mode, diagnostics })
      continue
    }
    if (first === '\r' || first === '\ufeff') {
      if (returns++ === 0 || first === '\ufeff') diagnostics.push(invisible(first, { at, mode }))
      at++
      continue
    }
    const quoted = first === '"' ? quotedAt(text, at) : undefined
    const word = take(WORD)
    const sign = take(SIGN)
    if (quoted !== undefined) push(...quotedToken(quoted))
    else if (word === 'now' && text.startsWith('()', at + 3)) push('now', 5, 'now()')
    else if (word !== undefined) push(NUMBER.test(word) ? 'number' : 'word', word.length, word)
    else if (text.startsWith('//', at)) {
      diagnostics.push(slashComment(text, at))
      const end = text.indexOf('\n', at)
      at = end < 0 ? text.length : end
    } else if (sign !== undefined) push('sign', sign.length, sign)
    else {
      diagnostics.push(unreadable(text, at))
      at = first === '"' ? text.length : at + 1
    }
  }
  tokens.push({ kind: 'end', text: '', span: { start: text.length, end: text.length } })
  return { tokens, diagnostics }
}

/**
 * `\"` and `\\` are the escapes; any other backslash is itself. Where no quote closes the text but an escaped one, that one
 * does, as in AWS's grammar: "C:\" is a path.
 */
function quotedAt(text: string, start: number): string | undefined {
  let escapedQuote: number | undefined
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '"') return text.slice(start, at + 1)
    const next = text[at + 1]
    if (text[at] !== '\\' || (next !== '"' && next !== '\\')) continue
    at++
    if (next === '"') escapedQuote = at
  }
  return escapedQuote === undefined ? undefined : text.slice(start, escapedQuote + 1)
}

function quotedToken(quoted: string): readonly [Token['kind'], number, string] {
  const inner = quoted.slice(1, -1)
  const kind = DATE.test(inner) ? 'date' : TIME.test(inner) ? 'time' : 'string'
  return [kind, quoted.length, inner]
}

function skipComment(
  text: string,
  { at, mode, diagnostics }: { readonly at: number; readonly mode: Mode; readonly diagnostics: Diagnostic[] },
): number {
  const end = text.indexOf('\n', at)
  if (end >= 0) return end + 1
  diagnostics.push({
    severity: mode === 'aws' ? 'error' : 'warning',
    message: 'AWS wants a line break behind the last comment',
    span: { start: at, end: text.length },
    fix: 'end the file with an empty line',
  })
  return text.length
}

function invisible(character: string, { at, mode }: { readonly at: number; readonly mode: Mode }): Diagnostic {
  const isReturn = character === '\r'
  return {
    severity: mode === 'aws' ? 'error' : 'warning',
    message: isReturn ? 'AWS refuses carriage returns (Windows line ends)' : 'AWS refuses a byte order mark',
    span: { start: at, end: at + 1 },
    fix: isReturn ? 'save the file with LF line ends' : 'save the file as UTF-8 without a byte order mark',
  }
}

function slashComment(text: string, at: number): Diagnostic {
  const end = text.indexOf('\n', at)
  return {
    severity: 'error',
    message: '// begins no comment in DQDL',
    span: { start: at, end: end < 0 ? text.length : end },
    fix: 'write # instead',
  }
}

function unreadable(text: string, at: number): Diagnostic {
  const character = String.fromCodePoint(text.codePointAt(at) as number)
  if (character === '"')
    return {
      severity: 'error',
      message: 'a quoted text that never ends',
      span: { start: at, end: at + 1 },
      fix: 'close it with "',
    }
  if (character === "'")
    return { severity: 'error', message: "texts stand in double quotes, not in '", span: { start: at, end: at + 1 } }
  return {
    severity: 'error',
    message: `unexpected character ${JSON.stringify(character)}`,
    span: { start: at, end: at + character.length },
  }
}
