import { isUtf8 } from 'node:buffer'
import type { Evolution } from '#lake/dataset.ts'
import { ByteWindow } from './byte-window.ts'
import { type JsonCursor, RecordProblem } from './json-cursor.ts'
import { JsonReader, type Rewritten } from './json-reader.ts'
import type { recordShape } from './json-shape.ts'
import { BrokenRecord } from './json-skip.ts'
import type { Place, RecordSink } from './records.ts'

export interface JsonScanOptions {
  readonly shape: ReturnType<typeof recordShape>
  /** `lines`: objects by line or back to back. `document`: one object, or an array of objects. */
  readonly framing: 'lines' | 'document'
  /** In a document that is an object: the field whose array holds the records. */
  readonly records: string | undefined
  /** Unknown fields that are null are not there. */
  readonly columnar: boolean
  readonly recordBytesMax: number
  readonly evolution: Evolution
}

/**
 * Splits a plain file into records, byte for byte, and hands each to the sink: rewritten by the contract, or refused with its
 * place and reason. A bad record never takes its neighbours along.
 */
export async function scanJson(path: string, options: JsonScanOptions, sink: RecordSink): Promise<void> {
  const window = await ByteWindow.open(path)
  try {
    await new JsonScan(window, options, sink).run()
  } finally {
    await window.close()
  }
}

const [COMMA, BRACE, BRACKET, BRACKET_END, NEWLINE] = [0x2c, 0x7b, 0x5b, 0x5d, 0x0a]

/** The cursor walks over the window's bytes; only when they come to an end are those behind it dropped and more fetched. */
class JsonScan {
  readonly #window: ByteWindow
  readonly #options: JsonScanOptions
  readonly #sink: RecordSink
  readonly #reader: JsonReader
  readonly #cursor: JsonCursor
  #ordinal = 0
  /** Up to where the loaded bytes are known to be UTF-8. */
  #utf8End = 0

  constructor(window: ByteWindow, options: JsonScanOptions, sink: RecordSink) {
    this.#window = window
    this.#options = options
    this.#sink = sink
    this.#reader = new JsonReader(options.shape, options)
    this.#cursor = this.#reader.cursor
    this.#load()
  }

  async run(): Promise<void> {
    if (this.#options.framing === 'lines') {
      while (this.#atValue() || (await this.#toValue())) if (!this.#attempt()) await this.#finish(true)
      return
    }
    try {
      await this.#document()
    } catch (error) {
      if (!(error instanceof RecordProblem)) throw error
      await this.#refuseRest(error.reason, error.message)
    }
  }

  async #document(): Promise<void> {
    if (!(await this.#toValue())) return
    if (this.#cursor.peek() === BRACE && this.#options.records !== undefined)
      await this.#toRecords(this.#options.records)
    else if (this.#cursor.peek() !== BRACKET) {
      if (!this.#attempt()) await this.#finish(false)
    } else await this.#array()
    // In an object the rest of the document stands behind its records; after anything else nothing may.
    if (this.#options.records === undefined && (await this.#toValue()))
      await this.#refuseRest('trailing', 'text after the end of the document')
  }

  async #array(): Promise<void> {
    this.#cursor.at++
    for (let first = true; ; first = false) {
      if (!this.#atValue() && !(await this.#toValue())) return this.#refuseRest('truncated', 'the array has no end')
      if (this.#cursor.peek() === BRACKET_END) {
        this.#cursor.at++
        return
      }
      if (!first) {
        if (this.#cursor.peek() !== COMMA)
          return this.#refuseRest('json', '"," or "]" expected between the elements of the document')
        this.#cursor.at++
        if (!this.#atValue() && !(await this.#toValue())) return this.#refuseRest('truncated', 'the array has no end')
      }
      if (!this.#attempt()) await this.#finish(false)
    }
  }

  /** Goes into the array under `name` of the object that the document is. */
  async #toRecords(name: string): Promise<void> {
    this.#cursor.at++
    for (;;) {
      const found = await this.#read(() => {
        this.#cursor.space()
        const key = this.#cursor.key()
        this.#cursor.colon()
        if (key === name && this.#cursor.peek() === BRACKET) return true
        this.#cursor.value()
        this.#cursor.space()
        this.#cursor.expect(COMMA, `no array "${name}" in the document; ","`)
        return false
      })
      if (found) return this.#array()
    }
  }

  // --- One record ----------------------------------------------------------------------------------------------------

  /** Reads the record at the cursor from the bytes at hand. False when that failed, or there are too few: the cursor stays. */
  #attempt(): boolean {
    const start = this.#cursor.at
    try {
      const record = this.#reader.record()
      this.#check(start)
      this.#accept(record, {
        ordinal: ++this.#ordinal,
        offset: this.#window.offset + start,
        length: this.#cursor.at - start,
      })
      return true
    } catch (error) {
      if (!(error instanceof RecordProblem)) throw error
      this.#cursor.at = start
      return false
    }
  }

  /** Reads the record at the cursor again, with as many bytes as it takes, or refuses it. */
  async #finish(lines: boolean): Promise<void> {
    const offset = this.#window.offset + this.#cursor.at
    try {
      const { record, length } = await this.#read(start => {
        const record = this.#reader.record()
        this.#check(start)
        return { record, length: this.#cursor.at - start }
      })
      this.#accept(record, { ordinal: ++this.#ordinal, offset, length })
    } catch (error) {
      if (!(error instanceof RecordProblem)) throw error
      const { reason, message } = error
      this.#sink.refuse({ ordinal: ++this.#ordinal, offset, length: await this.#skipBroken(lines), reason, message })
    }
  }

  #check(start: number): void {
    const { at, bytes } = this.#cursor
    if (at - start > this.#options.recordBytesMax) throw this.#tooLong()
    if (at > this.#utf8End && !isUtf8(bytes.subarray(start, at)))
      throw new RecordProblem('utf8', 'the record is not valid UTF-8')
  }

  #tooLong(): RecordProblem {
    return new RecordProblem('too_long', `the record is longer than ${this.#options.recordBytesMax} bytes`)
  }

  #accept({ fields, unknown }: Rewritten, place: Place): void {
    if (unknown.length > 0 && this.#options.evolution === 'freeze') {
      const names = unknown.map(each => each.path).slice(0, 5)
      this.#sink.refuse({ ...place, reason: 'unknown_column', message: `not in the contract: ${names.join(', ')}` })
    } else this.#sink.accept({ ...place, fields, unknown })
  }

  // --- Bytes ---------------------------------------------------------------------------------------------------------

  /** Runs `work` on the bytes at hand; where they end too early, fetches more and runs it again from the start. */
  async #read<T>(work: (start: number) => T): Promise<T> {
    for (;;) {
      const start = this.#cursor.at
      try {
        return work(start)
      } catch (error) {
        this.#cursor.at = start
        if (!(error instanceof RecordProblem) || error.reason !== 'truncated' || this.#window.complete) throw error
        if (this.#window.bytes.length - start > this.#options.recordBytesMax) throw this.#tooLong()
        await this.#more()
      }
    }
  }

  async #more(): Promise<void> {
    this.#window.advance(this.#cursor.at)
    await this.#sink.drain()
    await this.#window.more()
    this.#load()
  }

  #load(): void {
    const { bytes } = this.#window
    this.#cursor.load(bytes)
    const end = bytes.lastIndexOf(NEWLINE) + 1
    this.#utf8End = isUtf8(bytes.subarray(0, end)) ? end : 0
  }

  #atValue(): boolean {
    this.#cursor.space()
    return !this.#cursor.ended
  }

  /** Goes over white space; false at the end of the file. */
  async #toValue(): Promise<boolean> {
    while (!this.#atValue()) {
      if (this.#window.complete) return false
      await this.#more()
    }
    return true
  }

  /** Goes behind a record that cannot be read. Returns its length. */
  async #skipBroken(lines: boolean): Promise<number> {
    const broken = new BrokenRecord(lines)
    for (let skipped = 0; ; ) {
      const { length, ended } = broken.take(this.#cursor.bytes.subarray(this.#cursor.at), this.#window.complete)
      this.#cursor.at += length
      skipped += length
      if (ended) return skipped
      await this.#more()
    }
  }

  async #refuseRest(reason: string, message: string): Promise<void> {
    const offset = this.#window.offset + this.#cursor.at
    this.#cursor.at = this.#cursor.bytes.length
    while (!this.#window.complete) {
      await this.#more()
      this.#cursor.at = this.#cursor.bytes.length
    }
    const length = this.#window.offset + this.#cursor.at - offset
    this.#sink.refuse({ ordinal: ++this.#ordinal, offset, length, reason, message })
  }
}
