const FIRST = 65_536
/** Below this a loop is faster than a call into the runtime. */
const LOOP_MAX = 64

/** Bytes that are put together piece by piece, in one buffer that is used again. */
export class ByteWriter {
  #bytes: Buffer = Buffer.allocUnsafe(FIRST)
  length = 0

  /** What was written; valid until the next write. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.length)
  }

  byte(value: number): void {
    if (this.length === this.#bytes.length) this.#grow(1)
    this.#bytes[this.length++] = value
  }

  copy(source: Buffer, start: number, end: number): void {
    const count = end - start
    if (this.length + count > this.#bytes.length) this.#grow(count)
    if (count > LOOP_MAX) source.copy(this.#bytes, this.length, start, end)
    else for (let index = 0; index < count; index++) this.#bytes[this.length + index] = source[start + index] as number
    this.length += count
  }

  /** Short text of letters below 128. */
  ascii(text: string): void {
    if (this.length + text.length > this.#bytes.length) this.#grow(text.length)
    for (let index = 0; index < text.length; index++) this.#bytes[this.length + index] = text.charCodeAt(index)
    this.length += text.length
  }

  text(text: string): void {
    const most = text.length * 3
    if (this.length + most > this.#bytes.length) this.#grow(most)
    this.length += this.#bytes.write(text, this.length, 'utf8')
  }

  digits(value: number): void {
    if (value >= 10) this.digits(Math.floor(value / 10))
    this.byte(0x30 + (value % 10))
  }

  #grow(count: number): void {
    const bytes = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.length + count))
    this.#bytes.copy(bytes, 0, 0, this.length)
    this.#bytes = bytes
  }
}
