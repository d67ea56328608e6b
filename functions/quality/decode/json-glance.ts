import { createReadStream } from 'node:fs'

const NEWLINE = 0x0a
/** A needle may lie across two chunks. */
const OVERLAP = 16

/** Six brackets in a row: no list is meant to be that deep. Up to six letters Node searches at the speed of memory. */
const NEEDLES = [Buffer.from(',}'), Buffer.from('[[[[[[')]
const WORDS = [Buffer.from('NaN'), Buffer.from('Infin')]

/**
 * Looks for what DuckDB's reader forgives and RFC 8259 does not: a comma before a closing brace, NaN and infinities, lists in
 * lists without end, and a line longer than a record may be. Native searches cost a twentieth of reading the file. A string
 * may hold such things too; the scanner then tells.
 */
export class JsonGlance {
  /** Whether something was seen that the strict way must not decide. */
  doubtful = false
  readonly #lineBytesMax: number
  #line = 0
  #tail: Buffer = Buffer.alloc(0)

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax
  }

  push(chunk: Buffer): void {
    if (this.doubtful) return
    const seam = Buffer.concat([this.#tail, chunk.subarray(0, OVERLAP)])
    this.doubtful = holdsForgiven(seam) || holdsForgiven(chunk) || this.#longLine(chunk)
    this.#tail = Buffer.from(chunk.subarray(-OVERLAP))
  }

  #longLine(chunk: Buffer): boolean {
    const end = chunk.indexOf(NEWLINE)
    const long = this.#line + (end < 0 ? chunk.length : end) > this.#lineBytesMax
    this.#line = end < 0 ? this.#line + chunk.length : chunk.length - chunk.lastIndexOf(NEWLINE) - 1
    return long
  }
}

/** The glance over a file that was plain already. */
export async function glanceAt(path: string, lineBytesMax: number): Promise<JsonGlance> {
  const glance = new JsonGlance(lineBytesMax)
  for await (const chunk of createReadStream(path, { highWaterMark: 262_144 }) as AsyncIterable<Buffer>) {
    glance.push(chunk)
    if (glance.doubtful) break
  }
  return glance
}

function holdsForgiven(bytes: Buffer): boolean {
  return NEEDLES.some(needle => bytes.includes(needle)) || WORDS.some(word => standsAsValue(bytes, word))
}

/** Whether the word follows a colon, a comma or a bracket; in the middle of a string it hardly ever does. */
function standsAsValue(bytes: Buffer, word: Buffer): boolean {
  for (let at = bytes.indexOf(word); at >= 0; at = bytes.indexOf(word, at + 1)) {
    const before = bytes.toString('latin1', Math.max(0, at - OVERLAP), at)
    if (/[:,[]\s*-?$/.test(before)) return true
  }
  return false
}
