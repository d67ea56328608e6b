import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createGunzip } from 'node:zlib'
import { linesIn, type TextLine } from '#lake/lines.ts'
import type { Outgoing } from '#lake/send.ts'
import { PUT_LIMITS, recordHeader } from '#lake/stream.ts'
import type { Call } from './command.ts'
import { refusal } from './refusal.ts'

/** What is to be sent, with how many bytes there are to read; undefined when that is not known. */
export interface Source {
  readonly name: string
  readonly bytes: number | undefined
  readonly chunks: AsyncIterable<Uint8Array>
  /** Bytes read so far, as they stand in the file. */
  readBytes(): number
}

/** A file, gzipped or not, or what is piped in. */
export async function sourceOf({ terminal }: Call, file: string): Promise<Source> {
  if (file === '-') return { name: 'standard input', bytes: undefined, chunks: terminal.input, readBytes: () => 0 }
  const path = resolve(terminal.cwd, file)
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw refusal('not-found', `there is no file ${file}`, 'check the path; nothing was sent')
  if (!found.isFile())
    throw refusal('unsupported', `${file} is no file`, 'give one file of events, one a line, or - for a pipe')
  const stream = createReadStream(path)
  const chunks = (await isGzip(path)) ? stream.pipe(createGunzip()) : stream
  stream.on('error', error => chunks.destroy(error))
  return { name: file, bytes: found.size, chunks, readBytes: () => stream.bytesRead }
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path)
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(2) }).finally(() => file.close())
  return bytesRead === 2 && buffer.readUInt16BE() === 0x1f8b
}

/** Lines that are no event, by number: the first of them, and how many there are. */
export class LineList {
  count = 0
  readonly first: number[] = []

  add(line: number): void {
    this.count++
    if (this.first.length < LISTED_MAX) this.first.push(line)
  }
}

const LISTED_MAX = 20

export interface LineOptions {
  readonly dataset: string
  readonly fromLine: number
  readonly skipBad: boolean
  readonly stop: AbortSignal
}

/** What was seen of the lines so far. */
export interface LineCounts {
  /** Those that are not blank, from the first one that was to be sent. */
  lines: number
  readonly bad: LineList
  readonly tooLong: LineList
  /** The input ends here because it cannot be read: a damaged gzip, a disk that fails. This line and all behind it were not seen. */
  broken?: { readonly line: number; readonly cause: unknown }
}

export const noLines = (): LineCounts => ({ lines: 0, bad: new LineList(), tooLong: new LineList() })

/**
 * Each line as a record that names its dataset. A line that is no JSON object is sent as it is, for quarantine to hold, unless it is to be skipped; one that no
 * record can hold cannot be sent.
 */
export async function* recordsOf(
  source: Source,
  { dataset, fromLine, skipBad, stop }: LineOptions,
  counts: LineCounts,
): AsyncGenerator<Outgoing> {
  const header = Buffer.from(recordHeader(dataset))
  const lineBytesMax = PUT_LIMITS.recordBytes - header.length
  let line = 0
  const onBroken = (cause: unknown): void => {
    counts.broken = { line: line + 1, cause }
  }
  for await (const { bytes, isCut } of untilBroken(linesIn(source.chunks, lineBytesMax), onBroken)) {
    if (stop.aborted) return
    line++
    if (line < fromLine || isBlank(bytes)) continue
    counts.lines++
    if (isCut) {
      counts.tooLong.add(line)
      continue
    }
    if (!isEvent(bytes)) {
      counts.bad.add(line)
      if (skipBad) continue
    }
    yield { line, data: Buffer.concat([header, bytes]) }
  }
}

/** What came before the fault, and nothing of the line that it is in. */
async function* untilBroken(
  lines: AsyncIterable<TextLine>,
  onBroken: (cause: unknown) => void,
): AsyncGenerator<TextLine> {
  try {
    yield* lines
  } catch (cause) {
    onBroken(cause)
  }
}

const isBlank = (bytes: Buffer): boolean => bytes.every(byte => byte === 0x20 || byte === 0x09 || byte === 0x0d)

function isEvent(bytes: Buffer): boolean {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
