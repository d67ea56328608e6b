import { isUtf8 } from 'node:buffer'
import type { Evolution } from '#lake/dataset.ts'
import { ByteWindow } from './byte-window.ts'
import { JsonReader, RecordProblem, type Unknown } from './json-reader.ts'
import type { recordShape } from './json-shape.ts'
import type { RecordSink } from './records.ts'

export interface JsonScanOptions {
  readonly shape: ReturnType<typeof recordShape>
  /** `lines`: objects by line or back to back. `document`: one object, or an array of objects. */
  readonly framing: 'lines' | 'document'
  /** In a document that is an object: the field whose array holds the records. */
  readonly records: string | undefined
  readonly recordBytesMax: number
  readonly evolution: Evolution
}

/**
 * Splits a plain file into records, byte for byte, and hands each to the sink: rewritten by the contract, or refused with
 * its place and reason. A bad record never takes its neighbours along: in `lines`, a line that starts with `{` starts a
 * record again, and a string never goes over the end of a line.
 */
export async function scanJson(path: string, options: JsonScanOptions, sink: RecordSink): Promise<void> {
  const window = await ByteWindow.open(path)
  try {
    await new JsonScan(window, options, sink).run()
  } finally {
    await window.close()
  }
}

const [NEWLINE, QUOTE, BACKSLASH, COMMA, COLON] = [0x0a, 0x22, 0x5c, 0x2c, 0x3a]
const [BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x7b, 0x7d, 0x5b, 0x5d]

class JsonScan {
  readonly #window: ByteWindow
  readonly #options: JsonScanOptions
  readonly #sink: RecordSink
  readonly #reader = new JsonReader()
  #ordinal = 0

  constructor(window: ByteWindow, options: JsonScanOptions, sink: RecordSink) {
    this.#window = window
    this.#options = options
    this.#sink = sink
  }

  async run(): Promise<void> {
    if (this.#options.framing === 'lines') return this.#lines()
    try {
      await this.#document()
    } catch (error) {
      if (!(error instanceof RecordProblem)) throw error
      await this.#refuseRest(error.reason, error.message)
    }
  }

  async #lines(): Promise<void> {
    while (await this.#toValue()) await this.#record(true)
  }

  async #document(): Promise<void> {
    if (!(await this.#toValue())) return
    if (this.#byte() === BRACE && this.#options.records !== undefined) await this.#toRecords(this.#options.records)
    else if (this.#byte() !== BRACKET) return this.#record(false)
    await this.#array()
    // In an object the rest of the document stands behind its records; after a bare array nothing may.
    if (this.#options.records === undefined && (await this.#toValue()))
      await this.#refuseRest('trailing', 'text after the end of the document')
  }

  async #array(): Promise<void> {
    this.#window.advance(1)
    for (let first = true; ; first = false) {
      if (!(await this.#toValue())) return this.#refuseRest('truncated', 'the array has no end')
      if (this.#byte() === BRACKET_END) return this.#window.advance(1)
      if (!first) {
        if (this.#byte() !== COMMA)
          return this.#refuseRest('json', '"," or "]" expected between the elements of the document')
        this.#window.advance(1)
        if (!(await this.#toValue())) return this.#refuseRest('truncated', 'the array has no end')
      }
      await this.#record(false)
    }
  }

  /** Goes to the array under `name` of the object that the document is. */
  async #toRecords(name: string): Promise<void> {
    this.#window.advance(1)
    for (;;) {
      const found = await this.#read(() => {
        this.#reader.space()
        const key = this.#reader.key()
        this.#reader.expect(COLON, '":"')
        this.#reader.space()
        if (key === name && this.#reader.peek() === BRACKET) return true
        this.#reader.skip()
        this.#reader.expect(COMMA, `no array "${name}" in the document; ","`)
        return false
      })
      if (found) return
    }
  }

  // --- One record ----------------------------------------------------------------------------------------------------

  async #record(lines: boolean): Promise<void> {
    const ordinal = ++this.#ordinal
    const offset = this.#window.offset
    try {
      const { record, length } = await this.#read(() => {
        const record = this.#reader.record(this.#options.shape)
        if (!isUtf8(this.#window.bytes.subarray(0, this.#reader.at)))
          throw new RecordProblem('utf8', 'the record is not valid UTF-8')
        return { record, length: this.#reader.at }
      })
      this.#accept(record, { ordinal, offset, length })
    } catch (error) {
      if (!(error instanceof RecordProblem)) throw error
      const length = error.reason === 'too_long' ? await this.#skipLine() : await this.#skipBroken(lines)
      this.#sink.refuse({ ordinal, offset, length, reason: error.reason, message: error.message })
    }
    await this.#sink.drain()
  }

  #accept(
    record: { readonly fields: string; readonly unknown: readonly Unknown[] },
    place: { readonly ordinal: number; readonly offset: number; readonly length: number },
  ): void {
    const unknown = record.unknown
    if (unknown.length > 0 && this.#options.evolution === 'freeze') {
      const message = `not in the contract: ${unknown
        .map(each => each.path)
        .slice(0, 5)
        .join(', ')}`
      this.#sink.refuse({ ...place, reason: 'unknown_column', message })
    } else this.#sink.accept({ ...place, fields: record.fields, unknown })
  }

  /** Runs `work` on the bytes at hand; where they end too early, fetches more and runs it again from the start. */
  async #read<T>(work: () => T): Promise<T> {
    for (;;) {
      this.#reader.load(this.#window.bytes)
      try {
        const result = work()
        this.#window.advance(this.#reader.at)
        return result
      } catch (error) {
        if (!(error instanceof RecordProblem) || error.reason !== 'truncated' || this.#window.complete) throw error
        if (this.#window.bytes.length > this.#options.recordBytesMax)
          throw new RecordProblem('too_long', `the record is longer than ${this.#options.recordBytesMax} bytes`)
        await this.#window.more()
      }
    }
  }

  // --- Finding the way -----------------------------------------------------------------------------------------------

  /** Skips white space; false at the end of the file. */
  async #toValue(): Promise<boolean> {
    for (;;) {
      this.#reader.load(this.#window.bytes)
      this.#reader.space()
      this.#window.advance(this.#reader.at)
      if (this.#window.bytes.length > 0) return true
      if (this.#window.complete) return false
      await this.#window.more()
    }
  }

  #byte(): number | undefined {
    return this.#window.bytes[0]
  }

  /** Goes behind a record that cannot be read, as far as brackets and lines tell where that is. Returns its length. */
  async #skipBroken(lines: boolean): Promise<number> {
    for (;;) {
      const length = brokenLength(this.#window.bytes, lines)
      if (length !== undefined || this.#window.complete || this.#window.bytes.length > this.#options.recordBytesMax) {
        const skipped = length ?? this.#window.bytes.length
        this.#window.advance(skipped)
        return skipped
      }
      await this.#window.more()
    }
  }

  async #skipLine(): Promise<number> {
    let skipped = 0
    for (;;) {
      const end = this.#window.bytes.indexOf(NEWLINE)
      const length = end < 0 ? this.#window.bytes.length : end
      this.#window.advance(length)
      skipped += length
      if (end >= 0 || this.#window.complete) return skipped
      await this.#window.more()
    }
  }

  async #refuseRest(reason: string, message: string): Promise<void> {
    const offset = this.#window.offset
    let length = this.#window.bytes.length
    this.#window.advance(length)
    while (!this.#window.complete) {
      await this.#window.more()
      length += this.#window.bytes.length
      this.#window.advance(this.#window.bytes.length)
    }
    this.#sink.refuse({ ordinal: ++this.#ordinal, offset, length, reason, message })
  }
}

/** Length of the broken record at the start of `bytes`; undefined when its end is not among them. */
export function brokenLength(bytes: Buffer, lines: boolean): number | undefined {
  const first = bytes[0]
  const nested = first === BRACE || first === BRACKET
  let depth = 0
  let quoted = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === NEWLINE) {
      if (lines && (quoted || !nested || bytes[at + 1] === BRACE)) return at
      if (lines && at + 1 === bytes.length) return undefined
      quoted = false
    } else if (quoted) {
      if (byte === BACKSLASH) at++
      else if (byte === QUOTE) quoted = false
    } else if (byte === QUOTE) quoted = true
    else if (byte === BRACE || byte === BRACKET) depth++
    else if (byte === BRACE_END || byte === BRACKET_END) {
      if (depth === 0) return Math.max(at, 1)
      if (--depth === 0) return at + 1
    } else if (byte === COMMA && depth === 0 && !lines) return at
  }
  return undefined
}
