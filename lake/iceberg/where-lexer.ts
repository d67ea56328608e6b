import { LakeError } from '../errors.ts'
import { pointAt } from '../point-at.ts'

export interface Token {
  /** `word` is a keyword or a column, `column` stands in double quotes, `text` in single ones, `bytes` is X'0aff'. */
  readonly kind: 'word' | 'column' | 'text' | 'bytes' | 'number' | 'sign' | 'end'
  /** What it says, without its quotes. */
  readonly text: string
  readonly at: number
}

/** An error about a place in the text, which says what can stand there. */
export function wrong(text: string, at: number, what: { readonly message: string; readonly next: string }): LakeError {
  return new LakeError('usage', `${what.message}\n${pointAt(text, at)}`, { next: what.next })
}

/** Longer than anything that a person writes: what a program makes of it may not use up the memory. */
const TEXT_LENGTH_MAX = 100_000

const PATTERNS: readonly (readonly [Token['kind'] | 'space', RegExp])[] = [
  ['space', /\s+/y],
  ['number', /[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?(?![\w.])/iy],
  ['bytes', /x'[^']*'/iy],
  ['text', /'(?:[^']|'')*'/y],
  ['column', /"(?:[^"]|"")+"/y],
  ['word', /[\p{L}_][\p{L}\p{N}_$]*/uy],
  ['sign', /<>|!=|==|<=|>=|[<>=(),.;*+\-/%|]/y],
]

/** The tokens of a condition, the last of kind `end`. Fails with `usage` where none begins. */
export function tokensOf(text: string): readonly Token[] {
  if (text.length > TEXT_LENGTH_MAX)
    throw new LakeError('usage', `a condition of ${text.length} letters is too long`, {
      next: `give at most ${TEXT_LENGTH_MAX} letters`,
    })
  const tokens: Token[] = []
  for (let at = 0; at < text.length; ) {
    const { kind, length } = matchAt(text, at)
    const found = text.slice(at, at + length)
    if (kind !== 'space') tokens.push({ kind, text: unquoted(kind, found), at })
    at += length
  }
  return [...tokens, { kind: 'end', text: '', at: text.length }]
}

function matchAt(text: string, at: number): { readonly kind: Token['kind'] | 'space'; readonly length: number } {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found) return { kind, length: found[0].length }
  }
  const quote = text[at]
  if (quote === "'" || quote === '"')
    throw wrong(text, at, {
      message: `a ${quote} is never closed`,
      next: `close it; inside ${quote === "'" ? 'text' : 'a name'} a ${quote} is written twice`,
    })
  throw wrong(text, at, {
    message: 'this is no part of a condition',
    next: "conditions look like origin = 'ORD' and distance >= 500",
  })
}

function unquoted(kind: Token['kind'] | 'space', found: string): string {
  if (kind === 'text') return found.slice(1, -1).replaceAll("''", "'")
  if (kind === 'column') return found.slice(1, -1).replaceAll('""', '"')
  return kind === 'bytes' ? found.slice(2, -1) : found
}
