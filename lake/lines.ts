const NEWLINE = 0x0a

export interface TextLine {
  /** Without its end. */
  readonly bytes: Buffer
  /** It is longer than asked for, and this is only its beginning. */
  readonly isCut: boolean
}

/** The lines of a stream of bytes; the last one may have no end. Holds one chunk, and of a line at most so many bytes. */
export async function* linesIn(chunks: AsyncIterable<Uint8Array>, lineBytesMax: number): AsyncGenerator<TextLine> {
  let begun: Buffer[] = []
  let length = 0
  const add = (piece: Buffer): void => {
    if (length < lineBytesMax) begun.push(piece.subarray(0, lineBytesMax - length))
    length += piece.length
  }
  const line = (): TextLine => {
    const made = { bytes: Buffer.concat(begun), isCut: length > lineBytesMax }
    begun = []
    length = 0
    return made
  }
  for await (const each of chunks) {
    const chunk = Buffer.from(each.buffer, each.byteOffset, each.byteLength)
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end))
      yield line()
      start = end + 1
    }
    // A copy, so that a piece does not keep the chunk that it was cut from.
    add(Buffer.from(chunk.subarray(start)))
  }
  if (length > 0) yield line()
}
