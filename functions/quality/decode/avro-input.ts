/** Reading past the end of what is at hand; at the end of a file, that the file ends too early. */
export class PastEnd extends Error {}

/** A cursor over Avro's binary encoding (spec, "Binary Encoding"). */
export class AvroInput {
  readonly bytes: Buffer
  at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  /** Goes over bytes and says where they begin. */
  skip(count: number): number {
    if (!(count >= 0 && this.at + count <= this.bytes.length)) throw new PastEnd(`${count} bytes`)
    this.at += count
    return this.at - count
  }

  take(count: number): Buffer {
    const start = this.skip(count)
    return this.bytes.subarray(start, start + count)
  }

  /** A number that counts bytes, items or branches. */
  count(): number {
    return Number(this.long())
  }

  /** Seven groups of 7 bits stay exact in a double, which costs a tenth of bigint arithmetic; longer ones go on as bigint. */
  long(): number | bigint {
    let value = 0
    for (let scale = 1; scale < 2 ** 49; scale *= 128) {
      const byte = this.#byte()
      value += (byte & 127) * scale
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
    let zigzag = BigInt(value)
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      zigzag |= BigInt(byte & 127) << shift
      if (byte < 128) return BigInt.asIntN(64, (zigzag >> 1n) ^ -(zigzag & 1n))
    }
    throw new RangeError('a number of more than 64 bits')
  }

  #byte(): number {
    if (this.at >= this.bytes.length) throw new PastEnd('a byte')
    return this.bytes[this.at++] as number
  }
}
