import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream'
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

/** A file or what is piped in, gzipped or not. */
export async function sourceOf({ terminal }: Call, file: string): Promise<Source> {
  if (file === '-')
    return { name: 'standard input', bytes: undefined, chunks: unpacked(terminal.input), readBytes: () => 0 }
  const path = resolve(terminal.cwd, file)
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw refusal('not-found', `there is no file ${file}`, 'check the path; nothing was sent')
  if (!found.isFile())
    throw refusal('unsupported', `${file} is no file`, 'give one file of events, one a line, or - for a pipe')
  const stream = createReadStream(path)
  // Thrown where the chunks are read; after a stop nobody reads any more.
  stream.on('error', () => undefined)
  return { name: file, bytes: found.size, chunks: unpacked(stream), readBytes: () => stream.bytesRead }
}

/** Told by the first two bytes, and not by a name: a pipe has none. */
async function* unpacked(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  let head = Buffer.alloc(0)
  while (head.length < 2) {
    const next = await iterator.next()
    if (next.done) break
    head = Buffer.concat([head, next.value])
  }
  const all = concatenated(head, iterator)
  if (head.length < 2 || head.readUInt16BE() !== 0x1f8b) yield* all
  // What fails is thrown where the result is read.
  else yield* pipeline(all, createGunzip(), () => undefined)
}

async function* concatenated(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head
  yield* { [Symbol.asyncIterator]: () => rest }
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
  /** Somebody stopped the reading: neither this line nor any behind it was taken. */
  stoppedAt?: number
  /** How many lines the input has, once its end was read. */
  ended?: number
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
  let isStopped = false
  const onStopped = (): void => {
    isStopped = true
  }
  const lines = linesIn(untilStopped(source.chunks, stop, onStopped), lineBytesMax)
  for await (const { bytes, isCut } of untilBroken(lines, onBroken)) {
    isStopped ||= stop.aborted
    if (isStopped) break
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
  if (isStopped) counts.stoppedAt = Math.max(fromLine, line + 1)
  else if (counts.broken === undefined) counts.ended = line
}

/** A producer may pause for hours: whoever stops does not wait for its next line. */
async function* untilStopped(
  chunks: AsyncIterable<Uint8Array>,
  stop: AbortSignal,
  onStopped: () => void,
): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  for (;;) {
    const next = await unlessStopped(iterator.next(), stop)
    if (next?.done) return
    if (next === undefined) break
    yield next.value
  }
  onStopped()
  // Not waited for: it may end no earlier than the pause does.
  iterator.return?.().catch(() => undefined)
}

function unlessStopped<T>(promise: Promise<T>, stop: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const onStop = (): void => resolve(undefined)
    if (stop.aborted) onStop()
    stop.addEventListener('abort', onStop, { once: true })
    promise.then(resolve, reject).finally(() => stop.removeEventListener('abort', onStop))
  })
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
