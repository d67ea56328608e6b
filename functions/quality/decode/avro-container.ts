import { inflateRawSync } from 'node:zlib'
import { AvroInput, PastEnd } from './avro-input.ts'
import { ByteWindow } from './byte-window.ts'
import { unreadable } from './inflate.ts'

export interface AvroBlock {
  readonly records: number
  readonly bytes: Buffer
}

export interface AvroLimits {
  readonly expansionMax: number
}

/** More would not fit into memory beside everything else; writers use 16 KB to 4 MB. */
const BLOCK_BYTES_MAX = 134_217_728
const HEADER_BYTES_MAX = 16_777_216
/** Records of no bytes are legal, and a few bytes could claim 2^63 of them. */
const EMPTY_RECORDS_MAX = 100_000
const SYNC_BYTES = 16

/**
 * An object container file, block by block (Avro spec, "Object Container Files"). Every block must end with the file's sync
 * marker, and the file with a block: what is cut off must not pass for a shorter file. Errors: `file-unreadable`.
 */
export class AvroContainer {
  readonly schema: string
  readonly codec: string
  readonly sync: Buffer
  /** Its bytes, from the first to the sync marker. */
  readonly header: Buffer
  readonly #window: ByteWindow
  readonly #limits: AvroLimits

  private constructor(window: ByteWindow, header: Header, limits: AvroLimits) {
    this.#window = window
    this.schema = header.metadata.get('avro.schema') ?? ''
    this.codec = header.metadata.get('avro.codec') ?? 'null'
    this.sync = header.sync
    this.header = header.bytes
    this.#limits = limits
    if (this.codec !== 'null' && this.codec !== 'deflate')
      throw unreadable('codec', `the Avro codec ${JSON.stringify(this.codec)} is not supported: use null or deflate`)
  }

  static async open(path: string, limits: AvroLimits): Promise<AvroContainer> {
    const window = await ByteWindow.open(path)
    try {
      return new AvroContainer(window, await read(window, HEADER_BYTES_MAX, readHeader), limits)
    } catch (error) {
      await window.close()
      throw error
    }
  }

  async *blocks(): AsyncGenerator<AvroBlock> {
    for (;;) {
      if (this.#window.bytes.length === 0) await this.#window.more()
      if (this.#window.bytes.length === 0 && this.#window.complete) return
      yield await read(this.#window, BLOCK_BYTES_MAX, input => this.#block(input))
    }
  }

  async close(): Promise<void> {
    await this.#window.close()
  }

  #block(input: AvroInput): AvroBlock {
    const records = input.count()
    const size = input.count()
    if (records < 0 || size < 0 || size > BLOCK_BYTES_MAX) throw damaged('a block has an impossible size')
    const data = input.take(size)
    if (!input.take(SYNC_BYTES).equals(this.sync)) throw damaged('a block does not end with the sync marker')
    const bytes = this.codec === 'null' ? Buffer.from(data) : this.#inflate(data)
    if (records > bytes.length + EMPTY_RECORDS_MAX) throw unreadable('ratio', `a block claims ${records} records`)
    return { records, bytes }
  }

  #inflate(data: Buffer): Buffer {
    const maxOutputLength = Math.min(BLOCK_BYTES_MAX * 4, data.length * this.#limits.expansionMax + 1_048_576)
    try {
      return inflateRawSync(data, { maxOutputLength })
    } catch (cause) {
      if ((cause as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE')
        throw unreadable('ratio', `a block expands to more than ${maxOutputLength} bytes`, cause)
      throw damaged('a block cannot be decompressed', cause)
    }
  }
}

export const damaged = (why: string, cause?: unknown): Error =>
  unreadable('corrupt', `the Avro file is damaged: ${why}`, cause)

interface Header {
  readonly metadata: ReadonlyMap<string, string>
  readonly sync: Buffer
  readonly bytes: Buffer
}

function readHeader(input: AvroInput): Header {
  input.skip(4)
  const metadata = new Map<string, string>()
  for (let count = input.count(); count !== 0; count = input.count()) {
    // A negative count is followed by the size of the map's block in bytes.
    if (count < 0) input.count()
    for (let entry = 0; entry < Math.abs(count); entry++) {
      const key = input.take(input.count()).toString()
      metadata.set(key, input.take(input.count()).toString())
    }
  }
  const sync = Buffer.from(input.take(SYNC_BYTES))
  return { metadata, sync, bytes: Buffer.from(input.bytes.subarray(0, input.at)) }
}

/** Runs `work` on the window, with more of the file until it has enough, and goes behind what it took. */
async function read<T>(window: ByteWindow, bytesMax: number, work: (input: AvroInput) => T): Promise<T> {
  for (;;) {
    const input = new AvroInput(window.bytes)
    try {
      const result = work(input)
      window.advance(input.at)
      return result
    } catch (error) {
      if (error instanceof RangeError) throw damaged(error.message, error)
      if (!(error instanceof PastEnd)) throw error
      if (window.complete) throw unreadable('truncated', 'the Avro file ends too early', error)
      if (window.bytes.length > bytesMax + SYNC_BYTES + 20) throw damaged('a part of it is larger than is allowed')
      await window.more()
    }
  }
}
