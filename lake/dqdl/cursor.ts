import type { Span } from './ast.ts'
import type { Diagnostic } from './diagnostics.ts'
import type { Mode, Token } from './lexer.ts'

/** Ends the rule that is being read; the parser goes on with the next. */
export class ParseFailure extends Error {
  readonly span: Span
  readonly fix: string | undefined
  constructor(message: string, span: Span, fix?: string) {
    super(message)
    this.span = span
    this.fix = fix
  }
}

/** The tokens of a text and a place among them. */
export class Cursor {
  readonly mode: Mode
  readonly text: string
  readonly #tokens: readonly Token[]
  readonly #diagnostics: Diagnostic[] = []
  #at = 0

  constructor(text: string, tokens: readonly Token[], mode: Mode) {
    this.text = text
    this.mode = mode
    this.#tokens = tokens
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

  /** Whether one of these words or signs comes next. */
  sees(...texts: readonly string[]): boolean {
    const { kind, text } = this.peek()
    return (kind === 'word' || kind === 'sign') && texts.includes(text)
  }

  /** Takes one of these words or signs when it comes next. */
  take(...texts: readonly string[]): Token | undefined {
    return this.sees(...texts) ? this.next() : undefined
  }

  /** Takes this sign or word; fails when something else comes. */
  expect(text: string, what = `"${text}"`): Token {
    return this.take(text) ?? this.fail(`expected ${what}, found ${this.found()}`)
  }

  quoted(what: string): Token {
    if (this.peek().kind === 'string') return this.next()
    return this.fail(`expected ${what} in double quotes, found ${this.found()}`)
  }

  /** What comes next, for messages. */
  found(): string {
    const { kind, text } = this.peek()
    if (kind === 'end') return 'the end of the text'
    return kind === 'string' || kind === 'date' || kind === 'time' ? `"${text}"` : `"${text}"`
  }

  fail(message: string, options: { readonly span?: Span; readonly fix?: string } = {}): never {
    throw new ParseFailure(message, options.span ?? this.peek().span, options.fix)
  }

  warn(message: string, span: Span, fix?: string): void {
    this.#diagnostics.push({ severity: 'warning', message, span, ...(fix === undefined ? {} : { fix }) })
  }

  error(failure: ParseFailure): void {
    const { message, span, fix } = failure
    this.#diagnostics.push({ severity: 'error', message, span, ...(fix === undefined ? {} : { fix }) })
  }

  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics
  }

  from(start: Token): Span {
    return { start: start.span.start, end: this.last.span.end }
  }
}
