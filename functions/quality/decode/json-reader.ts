import type { Shape } from './json-shape.ts'

/** Why one record is refused. `truncated` at the end of the data that is at hand may mean that more of it is needed. */
export class RecordProblem extends Error {
  readonly reason: string
  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

export interface Unknown {
  /** Dotted path of the field, and its JSON text. */
  readonly path: string
  readonly json: string
  /** Whether it stands in the record itself, not in a struct of it. */
  readonly top: boolean
}

const DEPTH_MAX = 64
const WIDTH_MAX = 10_000
const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a]
const [BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x7b, 0x7d, 0x5b, 0x5d]

/**
 * A strict JSON reader over bytes (RFC 8259: no NaN, no trailing commas, no duplicate keys) that rewrites a record into the
 * contract's text shape: known fields under their current names, every leaf as a string holding the exact source text.
 * Fields that the contract does not know are collected apart.
 */
export class JsonReader {
  at = 0
  #bytes: Buffer = Buffer.alloc(0)
  #out: string[] = []
  #unknown: Unknown[] = []
  #depth = 0

  load(bytes: Buffer): void {
    this.#bytes = bytes
    this.at = 0
  }

  get ended(): boolean {
    return this.at >= this.#bytes.length
  }

  peek(): number | undefined {
    return this.#bytes[this.at]
  }

  /** Reads one object at `at`. Returns its rewritten fields, without the braces, and what was unknown. Fails with RecordProblem. */
  record(shape: Shape & { readonly kind: 'struct' }): {
    readonly fields: string
    readonly unknown: readonly Unknown[]
  } {
    this.#out = []
    this.#unknown = []
    this.#depth = 0
    if (this.peek() !== BRACE) {
      this.skip()
      throw new RecordProblem('not_object', 'a JSON value that is no object stands where a record is expected')
    }
    this.#object(shape, '')
    return { fields: this.#out.join(''), unknown: this.#unknown }
  }

  /** Skips white space; true when a line ended in it. */
  space(): boolean {
    let newline = false
    for (;;) {
      const byte = this.#bytes[this.at]
      if (byte === 0x0a) newline = true
      else if (byte !== 0x20 && byte !== 0x0d && byte !== 0x09) return newline
      this.at++
    }
  }

  /** Skips one value of any kind, checking it. Returns its text. */
  skip(): string {
    const start = this.at
    this.#skipValue()
    return this.#text(start, this.at)
  }

  key(): string {
    const start = this.at
    const escaped = this.#string()
    return escaped ? (JSON.parse(this.#text(start, this.at)) as string) : this.#text(start + 1, this.at - 1)
  }

  expect(byte: number, what: string): void {
    this.space()
    if (this.#bytes[this.at] !== byte) throw this.#syntax(`${what} expected`)
    this.at++
  }

  // --- Rewriting -----------------------------------------------------------------------------------------------------

  #object(shape: Shape & { readonly kind: 'struct' }, path: string): void {
    const seen = new Map<string, string>()
    let first = true
    this.#members(key => {
      const field = shape.fields.get(key)
      const name = field?.name ?? key
      if (seen.has(name)) {
        const other = seen.get(name) as string
        throw other === key
          ? new RecordProblem('duplicate_key', `the key "${path}${key}" stands twice`)
          : new RecordProblem('ambiguous_column', `"${path}${other}" and "${path}${key}" both give ${path}${name}`)
      }
      seen.set(name, key)
      if (field === undefined) {
        this.#unknown.push({ path: `${path}${key}`, json: this.skip(), top: path === '' })
        return
      }
      const mark = this.#out.length
      this.#out.push(first ? '' : ',', JSON.stringify(name), ':')
      if (field.soft && !this.#fits(field.shape)) {
        this.#out.length = mark
        this.#unknown.push({ path: `${path}${key}`, json: this.skip(), top: false })
        return
      }
      this.#value(field.shape, `${path}${name}`)
      first = false
    })
    this.#closeCases(shape, seen, path)
    for (const field of new Set(shape.fields.values())) {
      if (field.default === undefined || seen.has(field.name)) continue
      this.#out.push(first ? '' : ',', JSON.stringify(field.name), ':', JSON.stringify(field.default))
      first = false
    }
  }

  /** `ID` beside `id`: which one was meant, nobody can tell. */
  #closeCases(shape: Shape & { readonly kind: 'struct' }, seen: ReadonlyMap<string, string>, path: string): void {
    for (const [name, key] of seen) {
      if (shape.fields.has(key)) continue
      const twin = shape.fields.get(shape.lower.get(name.toLowerCase()) ?? '')
      if (twin !== undefined && !twin.soft && seen.has(twin.name))
        throw new RecordProblem('ambiguous_column', `"${path}${key}" and "${path}${twin.name}" differ only in case`)
    }
  }

  #fits(shape: Shape): boolean {
    const byte = this.peek()
    if (byte === 0x6e) return true
    if (shape.kind === 'leaf') return shape.text || (byte !== BRACE && byte !== BRACKET)
    return shape.kind === 'list' ? byte === BRACKET : byte === BRACE
  }

  #value(shape: Shape, path: string): void {
    const byte = this.peek()
    if (byte === 0x6e) {
      this.#skipValue()
      this.#out.push('null')
    } else if (shape.kind === 'leaf') this.#leaf(shape, path)
    else if (!this.#fits(shape)) {
      this.#skipValue()
      throw new RecordProblem(misfit(path), `${path}: not ${shape.kind === 'list' ? 'an array' : 'an object'}`)
    } else if (shape.kind === 'list') this.#list(shape.element, path)
    else if (shape.kind === 'map') this.#map(shape.value, path)
    else {
      this.#out.push('{')
      this.#object(shape, `${path}.`)
      this.#out.push('}')
    }
  }

  #leaf(shape: Shape & { readonly kind: 'leaf' }, path: string): void {
    const byte = this.peek()
    const text = this.skip()
    if (byte === QUOTE) this.#out.push(text)
    else if (byte !== BRACE && byte !== BRACKET) this.#out.push('"', text, '"')
    else if (shape.text) this.#out.push(JSON.stringify(text))
    else
      throw new RecordProblem(
        misfit(path),
        `${path}: ${byte === BRACE ? 'an object' : 'an array'} is not ${shape.label}`,
      )
  }

  #list(element: Shape, path: string): void {
    this.#out.push('[')
    let count = 0
    this.#elements(() => {
      if (count++ > 0) this.#out.push(',')
      this.#value(element, `${path}[]`)
    })
    this.#out.push(']')
  }

  #map(value: Shape, path: string): void {
    const seen = new Set<string>()
    this.#out.push('{')
    this.#members(key => {
      if (seen.has(key)) throw new RecordProblem('duplicate_key', `the key "${key}" of ${path} stands twice`)
      this.#out.push(seen.size > 0 ? ',' : '', JSON.stringify(key), ':')
      seen.add(key)
      this.#value(value, `${path}.${key}`)
    })
    this.#out.push('}')
  }

  // --- Grammar -------------------------------------------------------------------------------------------------------

  #members(member: (key: string) => void): void {
    this.#open()
    this.space()
    for (let count = 1; this.peek() !== BRACE_END; count++) {
      if (count > WIDTH_MAX) throw new RecordProblem('width', `more than ${WIDTH_MAX} fields in one object`)
      const key = this.key()
      this.expect(COLON, '":"')
      this.space()
      member(key)
      this.space()
      if (this.peek() === BRACE_END) break
      this.expect(COMMA, '"," or "}"')
      this.space()
      if (this.peek() === BRACE_END) throw this.#syntax('a key expected')
    }
    this.#close()
  }

  #elements(element: () => void): void {
    this.#open()
    this.space()
    while (this.peek() !== BRACKET_END) {
      element()
      this.space()
      if (this.peek() === BRACKET_END) break
      this.expect(COMMA, '"," or "]"')
      this.space()
      if (this.peek() === BRACKET_END) throw this.#syntax('a value expected')
    }
    this.#close()
  }

  #open(): void {
    this.at++
    if (++this.#depth > DEPTH_MAX) throw new RecordProblem('depth', `nested more than ${DEPTH_MAX} levels deep`)
  }

  #close(): void {
    this.at++
    this.#depth--
  }

  #skipValue(): void {
    const byte = this.peek()
    if (byte === QUOTE) this.#string()
    else if (byte === BRACE) this.#skipObject()
    else if (byte === BRACKET) this.#elements(() => this.#skipValue())
    else this.#scalar()
  }

  #skipObject(): void {
    const seen = new Set<string>()
    this.#members(key => {
      if (seen.has(key)) throw new RecordProblem('duplicate_key', `the key "${key}" stands twice`)
      seen.add(key)
      this.#skipValue()
    })
  }

  /** Numbers, true, false and null. */
  #scalar(): void {
    const start = this.at
    while (this.at < this.#bytes.length && isScalarByte(this.#bytes[this.at] as number)) this.at++
    if (this.at === start) throw this.#syntax('a value expected')
    if (this.ended) throw new RecordProblem('truncated', 'the record ends in the middle of a value')
    const text = this.#bytes.toString('latin1', start, this.at)
    if (!/^(true|false|null|-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?)$/.test(text))
      throw new RecordProblem('json', `${JSON.stringify(text.slice(0, 40))} is no JSON value`)
  }

  /** Skips a string at `at`; true when it holds escapes. */
  #string(): boolean {
    if (this.peek() !== QUOTE) throw this.#syntax('a string expected')
    let escaped = false
    for (let at = this.at + 1; at < this.#bytes.length; at++) {
      const byte = this.#bytes[at] as number
      if (byte === QUOTE) {
        if (escaped) this.#checkEscapes(this.at, at + 1)
        this.at = at + 1
        return escaped
      }
      if (byte < 0x20) {
        this.at = at
        throw new RecordProblem('json', 'a control character stands in a string')
      }
      if (byte === BACKSLASH) {
        escaped = true
        at++
      }
    }
    this.at = this.#bytes.length
    throw new RecordProblem('truncated', 'the record ends in the middle of a string')
  }

  /** A lone surrogate has no UTF-8 form; writers would silently store U+FFFD in its place. */
  #checkEscapes(start: number, end: number): void {
    const text = this.#text(start, end)
    let value: string
    try {
      value = JSON.parse(text) as string
    } catch {
      throw new RecordProblem('json', 'a string holds an escape that JSON does not have')
    }
    if (!value.isWellFormed()) throw new RecordProblem('surrogate', 'a string holds half of a surrogate pair')
  }

  #text(start: number, end: number): string {
    return this.#bytes.toString('utf8', start, end)
  }

  #syntax(what: string): RecordProblem {
    return this.ended
      ? new RecordProblem('truncated', `the record ends too early: ${what}`)
      : new RecordProblem('json', `${what} at byte ${this.at + 1} of the record`)
  }
}

/** Reasons are counted, so they name the column only, not the place inside it. */
const misfit = (path: string): string => `type:${path.split(/[.[]/)[0]}`

/** Letters, digits and the signs of numbers. */
function isScalarByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    byte === 0x2d ||
    byte === 0x2b ||
    byte === 0x2e
  )
}
