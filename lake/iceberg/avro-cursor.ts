/** A place in Avro's binary encoding that moves on as it is read; reading past the end throws RangeError. */
export class AvroCursor {
  private readonly buffer: Buffer
  private at: number

  constructor(buffer: Buffer, at: number) {
    this.buffer = buffer
    this.at = at
  }

  ended(): boolean {
    return this.at >= this.buffer.length
  }

  take(bytes: number): Buffer {
    this.skip(bytes)
    return this.buffer.subarray(this.at - bytes, this.at)
  }

  skip(bytes: number): void {
    if (!(bytes >= 0 && this.at + bytes <= this.buffer.length)) throw new RangeError('past the end')
    this.at += bytes
  }

  text(): string {
    const bytes = this.int()
    this.skip(bytes)
    return this.buffer.toString('utf8', this.at - bytes, this.at)
  }

  /** Arrays and maps come in blocks; a negative count is followed by the block's size in bytes. */
  blockCount(): number {
    const count = this.int()
    if (count < 0) this.skipVarint()
    return Math.abs(count)
  }

  /** Passes over a whole array or map; by its sizes where the writer gave them, else item by item. */
  skipBlocks(skipItem: (input: AvroCursor) => void): void {
    for (let count = this.int(); count !== 0; count = this.int()) {
      if (count < 0) this.skip(this.int())
      else for (let index = 0; index < count; index++) skipItem(this)
    }
  }

  int(): number {
    return Number(this.varint())
  }

  long(): bigint {
    const value = this.varint()
    return typeof value === 'bigint' ? value : BigInt(value)
  }

  skipVarint(): void {
    while (this.nextByte() >= 128);
  }

  /** Seven groups of 7 bits stay exact in a double, which costs a tenth of bigint arithmetic; longer ones go on as bigint. */
  private varint(): number | bigint {
    let value = 0
    for (let scale = 1; scale < 2 ** 49; scale *= 128) {
      const byte = this.nextByte()
      value += (byte & 127) * scale
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
    return this.varintTail(BigInt(value))
  }

  private varintTail(low: bigint): bigint {
    let zigzag = low
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.nextByte()
      zigzag |= BigInt(byte & 127) << shift
      if (byte < 128) return BigInt.asIntN(64, (zigzag >> 1n) ^ -(zigzag & 1n))
    }
    throw new RangeError('a number of more than 64 bits')
  }

  private nextByte(): number {
    const byte = this.buffer[this.at++]
    if (byte === undefined) throw new RangeError('past the end')
    return byte
  }
}
