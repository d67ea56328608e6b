import type { Span } from './ast.ts'
import type { Diagnostic } from './diagnostics.ts'
import { KEYWORDS, type Mode, type Token } from './lexer.ts'

export interface Aim {
  /** What comes next, unless told otherwise. */
  readonly span?: Span | undefined
  /** What to write instead. */
  readonly fix?: string | undefined
}

/** Ends the rule that is being read; the parser goes on with the next. */
export class ParseFailure extends Error {
  readonly diagnostic: Diagnostic
  constructor(diagnostic: Diagnostic) {
    super(diagnostic.message)
    this.diagnostic = diagnostic
  }
}

/** Nobody reads more of them, and a list of nothing but commas has millions. */
const ERRORS_MAX = 100

/** The tokens of a text and a place among them. */
export class Cursor {
  readonly mode: Mode
  readonly text: string
  readonly #tokens: readonly Token[]
  readonly #diagnostics: Diagnostic[] = []
  #errors = 0
  #at = 0

  constructor(text: string, tokens: readonly Token[], mode: Mode) {
    this.text = text
    this.mode = mode
    this.#tokens = tokens.filter(each => each.kind !== 'stray')
  }

  /** The token that comes next, or one further on. */
  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)] as Token
  }

  /** The token before the place, the first one at the beginning. */
  get last(): Token {
    return this.#tokens[Math.max(0, this.#at - 1)] as Token
  }

  next(): Token {
    const token = this.peek()
    this.#at = Math.min(this.#at + 1, this.#tokens.length - 1)
    return token
  }

  /** A place to look back to with `since`. */
  get mark(): number {
    return this.#at
  }

  since(mark: number): readonly Token[] {
    return this.#tokens.slice(mark, this.#at)
  }

  /** Whether one of these words or signs comes next. */
  sees(...texts: readonly string[]): boolean {
    return isOneOf(this.peek(), texts)
  }

  /** Takes one of these words or signs when it comes next. */
  take(...texts: readonly string[]): Token | undefined {
    return this.sees(...texts) ? this.next() : undefined
  }

  /** Takes this sign or word; fails when something else comes. */
  expect(text: string, what = `"${text}"`, fix?: string): Token {
    return this.take(text) ?? this.fail(`expected ${what}, found ${this.found()}`, { fix })
  }

  quoted(what: string): Token {
    const { kind, text } = this.peek()
    if (kind === 'string') return this.next()
    if (kind === 'date' || kind === 'time')
      return this.fail(`expected ${what}; "${text}" is read as a ${kind}, not as text`)
    const fix = kind === 'word' || kind === 'number' ? `write "${text}"` : undefined
    return this.fail(`expected ${what} in double quotes, found ${this.found()}`, { fix })
  }

  /** What comes next, for messages. */
  found(): string {
    const { kind, text } = this.peek()
    return kind === 'end' ? 'the end of the text' : JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
  }

  /** The text is none of the language. */
  fail(message: string, { span, fix }: Aim = {}): never {
    const hint = fix ?? (span === undefined ? spelling(this.peek()) : undefined)
    throw new ParseFailure({ ...this.#error(message, { span, fix: hint }), isSyntax: true })
  }

  /** The text is of the language, and says something that AWS refuses. */
  refuse(message: string, aim: Aim = {}): never {
    throw new ParseFailure(this.#error(message, aim))
  }

  warn(message: string, aim: Aim): void {
    this.#diagnostics.push({ ...this.#error(message, aim), severity: 'warning' })
  }

  #error(message: string, { span = this.peek().span, fix }: Aim): Diagnostic {
    return { severity: 'error', message, span, ...(fix === undefined ? {} : { fix }) }
  }

  /** The first error at a place is the one that helps. */
  record({ diagnostic }: ParseFailure): void {
    const { start } = diagnostic.span
    if (this.#diagnostics.some(each => each.severity === 'error' && each.span.start === start)) return
    this.#diagnostics.push(diagnostic)
    this.#errors++
    if (this.#errors >= ERRORS_MAX) this.#at = this.#tokens.length - 1
  }

  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics
  }

  get hasErrors(): boolean {
    return this.#errors > 0
  }

  from(start: Token): Span {
    return { start: start.span.start, end: this.last.span.end }
  }
}

const isOneOf = ({ kind, text }: Token, texts: readonly string[]): boolean =>
  (kind === 'word' || kind === 'keyword' || kind === 'sign') && texts.includes(text)

/** Keywords have one spelling, some a second in capitals; this is the way out for all others. */
export function spelling({ kind, text }: Pick<Token, 'kind' | 'text'>): string | undefined {
  if (kind !== 'word') return undefined
  const known = [...KEYWORDS].find(each => each.toLowerCase() === text.toLowerCase())
  return known === undefined ? undefined : `write ${known}`
}
