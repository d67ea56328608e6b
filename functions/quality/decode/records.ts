import { type FileHandle, open } from 'node:fs/promises'
import { ByteWriter } from './byte-writer.ts'
import type { Unknown } from './json-reader.ts'

/** Where a record stands in the plain (decompressed) bytes of its object. */
export interface Place {
  /** From 1, counting every record, good or bad. */
  readonly ordinal: number
  readonly offset: number
  readonly length: number
}

export interface AcceptedRecord extends Place {
  /** JSON members in the contract's text shape, without the braces; good for this call only. */
  readonly fields: Buffer
  readonly unknown: readonly Unknown[]
}

export interface RefusedRecord extends Place {
  readonly reason: string
  readonly message: string
}

/** What scanners write to; `drain` now and then keeps memory flat. */
export interface RecordSink {
  accept(record: AcceptedRecord): void
  refuse(record: RefusedRecord): void
  drain(): Promise<void>
}

/** What is told of records that are looked up again. */
export interface PlaceSink {
  place(place: Place): void
  drain(): Promise<void>
}

/** The kind of values that an unknown field was seen to hold; what mixes becomes text. */
export type UnknownKind = 'boolean' | 'long' | 'double' | 'string'

const FLUSH = 1_048_576
const COMMA = 0x2c
const UNKNOWN_MAX = 1_000

/**
 * Writes records as newline-delimited JSON: the accepted ones with `_raw_row`, `_offset`, `_length` and `_rescued` beside
 * their fields, the refused ones with place and reason. Counts both and remembers the unknown fields of the records themselves.
 */
export class RecordFiles implements RecordSink {
  readonly accepted: string
  readonly refused: string
  readonly unknown = new Map<string, UnknownKind | undefined>()
  acceptedCount = 0
  refusedCount = 0
  /** Bytes of the longest accepted line: what a reader must make room for. */
  longestBytes = 0
  readonly #good: LineFile
  readonly #bad: LineFile

  private constructor(good: LineFile, bad: LineFile) {
    this.#good = good
    this.#bad = bad
    this.accepted = good.path
    this.refused = bad.path
  }

  static async create(base: string): Promise<RecordFiles> {
    return new RecordFiles(
      await LineFile.create(`${base}.accepted.ndjson`),
      await LineFile.create(`${base}.refused.ndjson`),
    )
  }

  accept(record: AcceptedRecord): void {
    this.acceptedCount++
    const { bytes } = this.#good
    const start = bytes.length
    bytes.ascii('{"_raw_row":')
    bytes.digits(record.ordinal)
    bytes.ascii(',"_offset":')
    bytes.digits(record.offset)
    bytes.ascii(',"_length":')
    bytes.digits(record.length)
    if (record.unknown.length > 0) bytes.text(`,"_rescued":${JSON.stringify(rescuedJson(record.unknown))}`)
    if (record.fields.length > 0) bytes.byte(COMMA)
    bytes.copy(record.fields, 0, record.fields.length)
    bytes.ascii('}\n')
    this.longestBytes = Math.max(this.longestBytes, bytes.length - start)
    for (const each of record.unknown) if (each.top) this.#learn(each)
  }

  refuse(record: RefusedRecord): void {
    this.refusedCount++
    this.#bad.write(`${JSON.stringify(record)}\n`)
  }

  async drain(): Promise<void> {
    await this.#good.drain()
    await this.#bad.drain()
  }

  async close(): Promise<void> {
    await this.#good.close()
    await this.#bad.close()
  }

  #learn(field: Unknown): void {
    const kind = kindOf(field.json)
    const known = this.unknown.get(field.path)
    if (!this.unknown.has(field.path) && this.unknown.size >= UNKNOWN_MAX) return
    this.unknown.set(
      field.path,
      kind === undefined || known === kind ? known : known === undefined ? kind : widest(known, kind),
    )
  }
}

function rescuedJson(unknown: readonly Unknown[]): string {
  return `{${unknown.map(each => `${JSON.stringify(each.path)}:${each.json}`).join(',')}}`
}

function kindOf(json: string): UnknownKind | undefined {
  if (json === 'null') return undefined
  if (json === 'true' || json === 'false') return 'boolean'
  if (/^-?[0-9]{1,18}$/.test(json)) return 'long'
  return /^-?[0-9]/.test(json) ? 'double' : 'string'
}

function widest(left: UnknownKind, right: UnknownKind): UnknownKind {
  const numbers = new Set<UnknownKind>(['long', 'double'])
  return numbers.has(left) && numbers.has(right) ? 'double' : 'string'
}

/** A file of lines, written in large pieces. */
export class LineFile {
  readonly path: string
  /** What is still to be written; whoever adds to it calls `drain` now and then. */
  readonly bytes = new ByteWriter()
  readonly #file: FileHandle

  private constructor(path: string, file: FileHandle) {
    this.path = path
    this.#file = file
  }

  static async create(path: string): Promise<LineFile> {
    return new LineFile(path, await open(path, 'w'))
  }

  write(line: string): void {
    this.bytes.text(line)
  }

  async drain(): Promise<void> {
    if (this.bytes.length >= FLUSH) await this.#flush()
  }

  async close(): Promise<void> {
    await this.#flush()
    await this.#file.close()
  }

  async #flush(): Promise<void> {
    if (this.bytes.length > 0) await this.#file.writeFile(this.bytes.written)
    this.bytes.length = 0
  }
}
