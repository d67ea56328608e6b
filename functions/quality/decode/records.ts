import { type FileHandle, open } from 'node:fs/promises'
import type { Unknown } from './json-reader.ts'

/** Where a record stands in the plain (decompressed) bytes of its object. */
export interface Place {
  /** From 1, counting every record, good or bad. */
  readonly ordinal: number
  readonly offset: number
  readonly length: number
}

export interface AcceptedRecord extends Place {
  /** JSON members in the contract's text shape, without the braces. */
  readonly fields: string
  readonly unknown: readonly Unknown[]
}

export interface RefusedRecord extends Place {
  readonly reason: string
  readonly message: string
}

/** What scanners write to; `drain` between records keeps memory flat. */
export interface RecordSink {
  accept(record: AcceptedRecord): void
  refuse(record: RefusedRecord): void
  drain(): Promise<void>
}

/** The kind of values that an unknown field was seen to hold; what mixes becomes text. */
export type UnknownKind = 'boolean' | 'long' | 'double' | 'string'

const FLUSH = 1_048_576
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
  /** Bytes of the longest accepted line at most: what a reader must make room for. */
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
    const rescued = record.unknown.length === 0 ? '' : `,"_rescued":${JSON.stringify(rescuedJson(record.unknown))}`
    const fields = record.fields === '' ? '' : `,${record.fields}`
    const line = `{"_raw_row":${record.ordinal},"_offset":${record.offset},"_length":${record.length}${rescued}${fields}}\n`
    // A letter has at most three bytes; short lines need no counting.
    if (line.length * 3 > this.longestBytes) this.longestBytes = Math.max(this.longestBytes, Buffer.byteLength(line))
    this.#good.write(line)
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
  readonly #file: FileHandle
  #lines: string[] = []
  #size = 0

  private constructor(path: string, file: FileHandle) {
    this.path = path
    this.#file = file
  }

  static async create(path: string): Promise<LineFile> {
    return new LineFile(path, await open(path, 'w'))
  }

  write(line: string): void {
    this.#lines.push(line)
    this.#size += line.length
  }

  async drain(): Promise<void> {
    if (this.#size >= FLUSH) await this.#flush()
  }

  async close(): Promise<void> {
    await this.#flush()
    await this.#file.close()
  }

  async #flush(): Promise<void> {
    const text = this.#lines.join('')
    this.#lines = []
    this.#size = 0
    if (text.length > 0) await this.#file.write(text)
  }
}
