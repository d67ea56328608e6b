import { type FileHandle, open } from 'node:fs/promises'

const CHUNK = 1_048_576

/** The part of a file that is being read: grows at the end, shrinks at the start, and knows where in the file it stands. */
export class ByteWindow {
  readonly #file: FileHandle
  #bytes: Buffer = Buffer.alloc(0)
  #offset = 0
  #complete = false

  private constructor(file: FileHandle) {
    this.#file = file
  }

  /** Opens the file and skips a UTF-8 byte order mark. */
  static async open(path: string): Promise<ByteWindow> {
    const window = new ByteWindow(await open(path))
    await window.more()
    if (window.#bytes.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf]))) window.advance(3)
    return window
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  /** Of the first byte of `bytes`, in the file. */
  get offset(): number {
    return this.#offset
  }

  /** Whether `bytes` reaches the end of the file. */
  get complete(): boolean {
    return this.#complete
  }

  advance(count: number): void {
    this.#bytes = this.#bytes.subarray(count)
    this.#offset += count
  }

  /** Appends at least as many bytes as are there, so that reading one long record again and again stays linear. */
  async more(): Promise<void> {
    const buffer = Buffer.allocUnsafe(Math.max(CHUNK, this.#bytes.length))
    const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, this.#offset + this.#bytes.length)
    if (bytesRead === 0) this.#complete = true
    else
      this.#bytes =
        this.#bytes.length === 0
          ? buffer.subarray(0, bytesRead)
          : Buffer.concat([this.#bytes, buffer.subarray(0, bytesRead)])
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}
