import { createReadStream } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { LakeError } from '#lake/errors.ts'

export interface Inflated {
  readonly path: string
  readonly bytes: number
}

export interface InflateOptions {
  /** Sees the decompressed bytes on their way, while they are at hand; nothing of a file that was plain already. */
  readonly tap?: (chunk: Buffer) => void
  readonly expansionMax: number
  readonly bytesMax: number
}

/**
 * The plain bytes of an object as a local file: as they are, or decompressed to `target`. What the file is, its first bytes
 * say, never its name. One level only. Node's zlib verifies lengths and CRCs, which DuckDB's reader does not; with large
 * chunks it costs no more than letting DuckDB decompress. Errors: `file-unreadable` with a `reason`.
 */
export async function inflate(source: string, target: string, limits: InflateOptions): Promise<Inflated> {
  const magic = await head(source, 8)
  const kind = sniff(magic)
  const bytes = (await stat(source)).size
  if (kind === 'plain') return { path: source, bytes }
  if (kind === 'refused')
    throw unreadable('format', 'the file is an archive or encrypted; deliver plain, gzip or zstd files')
  const inflated = await decompress(source, target, { kind, bytes, ...limits })
  if (sniff(await head(target, 8)) !== 'plain') throw unreadable('format', 'the file is compressed more than once')
  return { path: target, bytes: inflated }
}

async function decompress(
  source: string,
  target: string,
  options: InflateOptions & { readonly kind: 'gzip' | 'zstd'; readonly bytes: number },
): Promise<number> {
  const cap = Math.min(options.bytesMax, options.bytes * options.expansionMax + 1_048_576)
  const file = await open(target, 'w')
  let written = 0
  const write = async (chunk: Buffer): Promise<void> => {
    written += chunk.length
    if (written > cap) throw unreadable('ratio', `the file expands to more than ${cap} bytes from ${options.bytes}`)
    options.tap?.(chunk)
    await writeAll(file, chunk)
  }
  try {
    let start = await decodeFrom(source, 0, { kind: options.kind, write })
    // Node goes on with the next member of a gzip file by itself, and stops after the first frame of a zstd file.
    while (options.kind === 'zstd' && start < options.bytes && sniff(await head(source, 8, start)) === 'zstd')
      start += await decodeFrom(source, start, { kind: 'zstd', write })
    // zlib stops in silence at bytes that are no further member; padding with zeros is what tape and block tools leave behind.
    if (start < options.bytes && !(await isZeros(source, start)))
      throw unreadable('trailing', `${options.bytes - start} bytes after the end of the compressed data`)
  } finally {
    await file.close()
  }
  return written
}

/** Decompresses from a place in the file on. Returns how many bytes of it were taken. */
async function decodeFrom(
  source: string,
  start: number,
  { kind, write }: { readonly kind: 'gzip' | 'zstd'; readonly write: (chunk: Buffer) => Promise<void> },
): Promise<number> {
  const decoder = kind === 'gzip' ? createGunzip({ chunkSize: CHUNK }) : createZstdDecompress({ chunkSize: CHUNK })
  const feeding = pipeline(createReadStream(source, { start, highWaterMark: CHUNK }), decoder)
  // Whoever reads the decoder sees the failure too; this one must not go unhandled before.
  feeding.catch(() => undefined)
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) await write(chunk)
    await feeding
  } catch (cause) {
    if (cause instanceof LakeError) throw cause
    throw unreadable(...explained(cause))
  }
  return decoder.bytesWritten
}

/** Large enough that zlib runs at its full speed; larger ones cost more in fresh pages than they save. */
const CHUNK = 262_144

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
}

function explained(cause: unknown): [reason: string, message: string] {
  const code = (cause as { code?: string }).code ?? ''
  const message = cause instanceof Error ? cause.message : String(cause)
  if (code === 'Z_BUF_ERROR' || /unexpected end|incomplete/i.test(message))
    return ['truncated', 'the compressed data ends too early']
  if (/data check|length check|checksum/i.test(message))
    return ['checksum', 'the compressed data does not match its checksum']
  if (/window/i.test(message)) return ['window', 'the zstd window is larger than 128 MB']
  return ['corrupt', `the compressed data is damaged: ${message}`]
}

function sniff(magic: Buffer): 'plain' | 'gzip' | 'zstd' | 'refused' {
  const hex = magic.toString('hex')
  if (hex.startsWith('1f8b')) return 'gzip'
  if (hex.startsWith('28b52ffd')) return 'zstd'
  // zip, 7z, bzip2, xz, lz4, OpenPGP armour
  const refused = ['504b0304', '504b0506', '377abcaf', '425a68', 'fd377a585a', '04224d18', '2d2d2d2d2d424547']
  return refused.some(prefix => hex.startsWith(prefix)) ? 'refused' : 'plain'
}

export async function head(path: string, bytes: number, position = 0): Promise<Buffer> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(bytes), length: bytes, position })
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

async function isZeros(path: string, start: number): Promise<boolean> {
  for await (const chunk of createReadStream(path, { start }) as AsyncIterable<Buffer>)
    if (chunk.some(byte => byte !== 0)) return false
  return true
}

export function unreadable(reason: string, message: string, cause?: unknown): LakeError {
  return new LakeError('file-unreadable', message, { reason }, cause === undefined ? undefined : { cause })
}
