const [NEWLINE, QUOTE, BACKSLASH, COMMA] = [0x0a, 0x22, 0x5c, 0x2c]
const [BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x7b, 0x7d, 0x5b, 0x5d]

/**
 * Finds the end of a record that cannot be read, as far as brackets, quotes and line ends tell where that is. Takes the bytes
 * piece by piece, so that a record of any length needs no memory. In `lines` a line that begins with `{` is a record again, and
 * a string never goes over the end of a line.
 */
export class BrokenRecord {
  readonly #lines: boolean
  #nested: boolean | undefined
  #depth = 0
  #quoted = false
  #escaped = false
  #length = 0

  constructor(lines: boolean) {
    this.#lines = lines
  }

  /** How many of the next bytes belong to the record, and whether it ends there. Bytes that are left over come again with more. */
  take(bytes: Buffer, complete: boolean): { readonly length: number; readonly ended: boolean } {
    this.#nested ??= bytes[0] === BRACE || bytes[0] === BRACKET
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] as number
      if (byte === NEWLINE) {
        const last = at + 1 === bytes.length
        if (this.#lines && (this.#quoted || !this.#nested || bytes[at + 1] === BRACE || (last && complete)))
          return this.#upTo(at, true)
        if (this.#lines && last) return this.#upTo(at, false)
        this.#quoted = false
        this.#escaped = false
      } else if (this.#quoted) this.#inString(byte)
      else if (byte === QUOTE) this.#quoted = true
      else if (byte === BRACE || byte === BRACKET) this.#depth++
      else if (byte === BRACE_END || byte === BRACKET_END) {
        // A bracket that nothing opened ends what stands before it, and is a broken record itself when that is nothing.
        if (this.#depth === 0) return this.#upTo(this.#length + at === 0 ? 1 : at, true)
        if (--this.#depth === 0) return this.#upTo(at + 1, true)
      } else if (byte === COMMA && this.#depth === 0 && !this.#lines) return this.#upTo(at, true)
    }
    return this.#upTo(bytes.length, complete)
  }

  #inString(byte: number): void {
    if (this.#escaped) this.#escaped = false
    else if (byte === BACKSLASH) this.#escaped = true
    else if (byte === QUOTE) this.#quoted = false
  }

  #upTo(length: number, ended: boolean): { readonly length: number; readonly ended: boolean } {
    this.#length += length
    return { length, ended }
  }
}
