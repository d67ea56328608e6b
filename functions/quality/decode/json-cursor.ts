/** Why one record is refused. `truncated` at the end of the data that is at hand may mean that more of it is needed. */
export class RecordProblem extends Error {
  readonly reason: string
  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

const DEPTH_MAX = 64
const WIDTH_MAX = 10_000
const [QUOTE, BACKSLASH, COMMA, COLON, NEWLINE] = [0x22, 0x5c, 0x2c, 0x3a, 0x0a]
const [BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x7b, 0x7d, 0x5b, 0x5d]
const [MINUS, PLUS, DOT, ZERO, NINE] = [0x2d, 0x2b, 0x2e, 0x30, 0x39]

/**
 * Reads JSON from bytes, strictly (RFC 8259: no NaN, no trailing commas, no duplicate keys), and moves `at` along. Everything
 * fails with RecordProblem. It is written byte by byte, because calls into the runtime for each token cost more than the bytes.
 */
export class JsonCursor {
  at = 0
  depth = 0
  /** Set when a line ended in white space. */
  newline = false
  #bytes: Buffer = Buffer.alloc(0)

  load(bytes: Buffer): void {
    this.#bytes = bytes
    this.at = 0
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  get ended(): boolean {
    return this.at >= this.#bytes.length
  }

  peek(): number | undefined {
    return this.at < this.#bytes.length ? this.#bytes[this.at] : undefined
  }

  text(start: number, end: number): string {
    return this.#bytes.toString('utf8', start, end)
  }

  space(): void {
    const bytes = this.#bytes
    let at = this.at
    for (; at < bytes.length; at++) {
      const byte = bytes[at] as number
      if (byte > 0x20) break
      if (byte === NEWLINE || byte === 0x0d) this.newline = true
      else if (byte !== 0x20 && byte !== 0x09) break
    }
    this.at = at
  }

  expect(byte: number, what: string): void {
    if (this.peek() !== byte) {
      this.space()
      if (this.peek() !== byte) throw this.#syntax(`${what} expected`)
    }
    this.at++
  }

  /** Goes over these bytes if they come next. */
  skips(wanted: Uint8Array): boolean {
    const bytes = this.#bytes
    if (this.at + wanted.length > bytes.length) return false
    for (let index = 0; index < wanted.length; index++) if (bytes[this.at + index] !== wanted[index]) return false
    this.at += wanted.length
    return true
  }

  key(): string {
    const start = this.at
    return this.string() ? (JSON.parse(this.text(start, this.at)) as string) : this.text(start + 1, this.at - 1)
  }

  // --- Grammar -------------------------------------------------------------------------------------------------------

  /** Calls `member` at each key; it must go over the key, the colon and the value. */
  members(member: (index: number) => void): void {
    this.#open()
    this.space()
    for (let index = 0; this.peek() !== BRACE_END; index++) {
      if (index === WIDTH_MAX) throw new RecordProblem('width', `more than ${WIDTH_MAX} fields in one object`)
      member(index)
      if (this.#isLast(BRACE_END, '"," or "}"', 'a key')) break
    }
    this.#close()
  }

  elements(element: (index: number) => void): void {
    this.#open()
    this.space()
    for (let index = 0; this.peek() !== BRACKET_END; index++) {
      element(index)
      if (this.#isLast(BRACKET_END, '"," or "]"', 'a value')) break
    }
    this.#close()
  }

  #isLast(end: number, either: string, next: string): boolean {
    this.space()
    if (this.peek() === end) return true
    this.expect(COMMA, either)
    this.space()
    if (this.peek() === end) throw this.#syntax(`${next} expected`)
    return false
  }

  #open(): void {
    this.at++
    if (++this.depth > DEPTH_MAX) throw new RecordProblem('depth', `nested more than ${DEPTH_MAX} levels deep`)
  }

  #close(): void {
    this.at++
    this.depth--
  }

  colon(): void {
    this.expect(COLON, '":"')
    this.space()
  }

  /** Goes over one value of any kind, checking it. */
  value(): void {
    const byte = this.peek()
    if (byte === QUOTE) this.string()
    else if (byte === BRACE) this.#skipObject()
    else if (byte === BRACKET) this.elements(() => this.value())
    else this.scalar()
  }

  #skipObject(): void {
    const seen = new Set<string>()
    this.members(() => {
      const key = this.key()
      if (seen.has(key)) throw new RecordProblem('duplicate_key', `the key "${key}" stands twice`)
      seen.add(key)
      this.colon()
      this.value()
    })
  }

  /** Goes over a string; true when it holds escapes. */
  string(): boolean {
    if (this.peek() !== QUOTE) throw this.#syntax('a string expected')
    const bytes = this.#bytes
    let escaped = false
    for (let at = this.at + 1; at < bytes.length; at++) {
      const byte = bytes[at] as number
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
    this.at = bytes.length
    throw new RecordProblem('truncated', 'the record ends in the middle of a string')
  }

  /** A lone surrogate has no UTF-8 form; writers would silently store U+FFFD in its place. */
  #checkEscapes(start: number, end: number): void {
    let value: string
    try {
      value = JSON.parse(this.text(start, end)) as string
    } catch {
      throw new RecordProblem('json', 'a string holds an escape that JSON does not have')
    }
    if (!value.isWellFormed()) throw new RecordProblem('surrogate', 'a string holds half of a surrogate pair')
  }

  /** Goes over a number, true, false or null. */
  scalar(): void {
    const start = this.at
    const byte = this.peek()
    const known =
      byte === 0x74
        ? this.skips(TRUE)
        : byte === 0x66
          ? this.skips(FALSE)
          : byte === 0x6e
            ? this.skips(NULL)
            : this.#number()
    const after = this.peek()
    if (known && after !== undefined && !isScalarByte(after)) return
    while (!this.ended && isScalarByte(this.peek() as number)) this.at++
    if (this.at === start) throw this.#syntax('a value expected')
    if (this.ended) throw new RecordProblem('truncated', 'the record ends in the middle of a value')
    throw new RecordProblem(
      'json',
      `${JSON.stringify(this.text(start, Math.min(this.at, start + 40)))} is no JSON value`,
    )
  }

  /** Goes over a number as far as it is one; false when it is none. */
  #number(): boolean {
    const bytes = this.#bytes
    if (bytes[this.at] === MINUS) this.at++
    if (bytes[this.at] === ZERO) this.at++
    else if (!this.#digits()) return false
    if (bytes[this.at] === DOT) {
      this.at++
      if (!this.#digits()) return false
    }
    if (((bytes[this.at] ?? 0) | 0x20) !== 0x65) return true
    this.at++
    if (bytes[this.at] === MINUS || bytes[this.at] === PLUS) this.at++
    return this.#digits()
  }

  #digits(): boolean {
    const bytes = this.#bytes
    const start = this.at
    let at = start
    while (at < bytes.length && (bytes[at] as number) >= ZERO && (bytes[at] as number) <= NINE) at++
    this.at = at
    return at > start
  }

  #syntax(what: string): RecordProblem {
    return this.ended
      ? new RecordProblem('truncated', `the record ends too early: ${what}`)
      : new RecordProblem('json', `${what}, but ${JSON.stringify(this.text(this.at, this.at + 10))} stands there`)
  }
}

const [TRUE, FALSE, NULL] = ['true', 'false', 'null'].map(text => Buffer.from(text)) as [Buffer, Buffer, Buffer]

/** Letters, digits and the signs of numbers. */
function isScalarByte(byte: number): boolean {
  return (
    (byte >= ZERO && byte <= NINE) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    byte === MINUS ||
    byte === PLUS ||
    byte === DOT
  )
}
