import { isUtf8 } from 'node:buffer'
import { ByteWindow } from '../decode/byte-window.ts'
import { BrokenRecord } from '../decode/json-skip.ts'
import { LineFile } from '../decode/records.ts'

const [QUOTE, BACKSLASH, NEWLINE, BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x22, 0x5c, 0x0a, 0x7b, 0x7d, 0x5b, 0x5d]

export interface SplitOptions {
  readonly recordBytesMax: number
  /** Numbers with a fraction become strings, as they were written: DuckDB would hold them as doubles. */
  readonly quoteNumbers: boolean
  /** The field of a wrapper whose text is the event. */
  readonly event: string | undefined
}

/**
 * Cuts a plain file into its records, which stand by line or back to back, and writes each as a line with its place. Whether a record is
 * JSON is for the reader to say; only one that has no end, or is no UTF-8, is refused here, and never takes its neighbours along.
 */
export async function splitRecords(path: string, target: string, options: SplitOptions): Promise<void> {
  const window = await ByteWindow.open(path)
  const lines = await LineFile.create(target)
  try {
    for (let ordinal = 1; await toRecord(window); ordinal++) {
      const record = await takeRecord(window, options.recordBytesMax)
      lines.write(`${JSON.stringify({ ordinal, ...described(record, options) })}\n`)
      await lines.drain()
    }
  } finally {
    await lines.close()
    await window.close()
  }
}

interface Cut {
  readonly offset: number
  readonly length: number
  /** undefined: longer than a record may be. */
  readonly bytes: Buffer | undefined
}

function described({ offset, length, bytes }: Cut, { recordBytesMax, quoteNumbers, event }: SplitOptions): object {
  const place = { offset, length }
  if (bytes === undefined)
    return { ...place, reason: 'too_long', message: `the record is longer than ${recordBytesMax} bytes` }
  if (!isUtf8(bytes)) return { ...place, reason: 'malformed_json', message: 'the record is not valid UTF-8' }
  const text = bytes.toString('utf8')
  return { ...place, text: quoteNumbers ? withQuotedNumbers(text, event) : text }
}

/** Goes over white space; false at the end of the file. */
async function toRecord(window: ByteWindow): Promise<boolean> {
  for (;;) {
    let at = 0
    while (at < window.bytes.length && isSpace(window.bytes[at] as number)) at++
    window.advance(at)
    if (window.bytes.length > 0) return true
    if (window.complete) return false
    await window.more()
  }
}

const isSpace = (byte: number): boolean => byte === 0x20 || byte === NEWLINE || byte === 0x0d || byte === 0x09

async function takeRecord(window: ByteWindow, bytesMax: number): Promise<Cut> {
  const { offset } = window
  for (;;) {
    const length = lengthOf(window.bytes, window.complete)
    if (length !== undefined && length <= bytesMax) {
      const bytes = Buffer.from(window.bytes.subarray(0, length))
      window.advance(length)
      return { offset, length, bytes }
    }
    if (length !== undefined || window.bytes.length > bytesMax)
      return { offset, length: await skip(window), bytes: undefined }
    await window.more()
  }
}

/** Up to the end of the outermost brackets; text without any ends with its line. undefined: the end is not among the bytes at hand. */
function lengthOf(bytes: Buffer, complete: boolean): number | undefined {
  const broken = new BrokenRecord(true)
  const first = bytes[0]
  if (first !== BRACE && first !== BRACKET) {
    const end = bytes.indexOf(NEWLINE)
    if (end >= 0) return end
    return complete ? bytes.length : undefined
  }
  const balanced = balancedLength(bytes)
  if (balanced !== undefined) return balanced
  const { length, ended } = broken.take(bytes, complete)
  return ended ? length : undefined
}

/** A record may not hold a raw line break within a string, and none begins with `{` in its middle. */
function balancedLength(bytes: Buffer): number | undefined {
  let depth = 0
  let quoted = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (quoted) {
      if (byte === BACKSLASH) at++
      else if (byte === QUOTE) quoted = false
      else if (byte === NEWLINE) return undefined
    } else if (byte === QUOTE) quoted = true
    else if (byte === BRACE || byte === BRACKET) depth++
    else if ((byte === BRACE_END || byte === BRACKET_END) && --depth === 0) return at + 1
    else if (byte === NEWLINE && bytes[at + 1] === BRACE) return undefined
  }
  return undefined
}

async function skip(window: ByteWindow): Promise<number> {
  const broken = new BrokenRecord(true)
  for (let skipped = 0; ; ) {
    const { length, ended } = broken.take(window.bytes, window.complete)
    window.advance(length)
    skipped += length
    if (ended) return skipped
    await window.more()
  }
}

/** Strings come first in the pattern, so that what looks like a number inside of one is passed over. */
const STRING_OR_FRACTION = /"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)/g

/** `event`: the field whose text is meant; undefined: the text itself. */
export function withQuotedNumbers(text: string, event: string | undefined): string {
  const quoted = (json: string): string =>
    json.replaceAll(STRING_OR_FRACTION, token => (token.startsWith('"') ? token : `"${token}"`))
  if (event === undefined) return quoted(text)
  try {
    const wrapper = JSON.parse(text) as Readonly<Record<string, unknown>>
    const inner = wrapper[event]
    return typeof inner === 'string' ? JSON.stringify({ ...wrapper, [event]: quoted(inner) }) : text
  } catch {
    // Whoever reads it says what is wrong with it.
    return text
  }
}
