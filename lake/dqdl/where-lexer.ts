import { sparkText } from './custom-sql-text.ts'
import { WhereProblem } from './where-tree.ts'

export interface Token {
  readonly kind: 'name' | 'quoted-name' | 'text' | 'number' | 'sign' | 'end'
  readonly text: string
  readonly at: number
}

/** Comments are white. */
const WHITE = /(?:\s+|--[^\n]*|\/\*[\s\S]*?\*\/)+/y
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y
/** Spark tells the type of a number by a letter behind it; here every number compares with every other. */
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:(?:BD|[LSYDF])\b)?/iy
const SIGN = /<=>|<>|<=|>=|!=|==|\|\||[=<>!+\-*/%(),.]/y
const QUOTED_NAME = /`(?:[^`]|``)+`/y
const SINGLE = /'(?:[^'\\]|\\[\s\S]|'')*'/y
const DOUBLE = /"(?:[^"\\]|\\[\s\S]|"")*"/y

/** The tokens of a predicate, one ahead. */
export class Reader {
  readonly #text: string
  #next = 0
  token: Token

  constructor(text: string) {
    this.#text = text
    this.token = this.#read()
  }

  advance(): Token {
    const taken = this.token
    this.token = this.#read()
    return taken
  }

  /** Whether one of these keywords or signs comes next. */
  sees(...words: readonly string[]): boolean {
    const { kind, text } = this.token
    return kind === 'name' ? words.includes(text.toUpperCase()) : kind === 'sign' && words.includes(text)
  }

  take(...words: readonly string[]): Token | undefined {
    return this.sees(...words) ? this.advance() : undefined
  }

  expect(word: string): Token {
    return (
      this.take(word) ?? this.fail(`expected ${word}, found ${this.token.kind === 'end' ? 'the end' : this.token.text}`)
    )
  }

  fail(message: string, at = this.token.at): never {
    throw new WhereProblem(message, at)
  }

  #read(): Token {
    this.#match(WHITE)
    const at = this.#next
    if (at >= this.#text.length) return { kind: 'end', text: '', at }
    const name = this.#match(NAME)
    if (name !== undefined) return { kind: 'name', text: name, at }
    const number = this.#match(NUMBER)
    if (number !== undefined) return { kind: 'number', text: number, at }
    const quotedName = this.#match(QUOTED_NAME)
    if (quotedName !== undefined)
      return { kind: 'quoted-name', text: quotedName.slice(1, -1).replaceAll('``', '`'), at }
    const text = this.#match(SINGLE) ?? this.#match(DOUBLE)
    if (text !== undefined) return { kind: 'text', text: sparkText(text), at }
    const sign = this.#match(SIGN)
    if (sign !== undefined) return { kind: 'sign', text: sign, at }
    return this.fail(`unexpected ${JSON.stringify(String.fromCodePoint(this.#text.codePointAt(at) as number))}`, at)
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#next
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#next += found.length
    return found
  }
}
