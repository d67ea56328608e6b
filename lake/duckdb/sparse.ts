import { constants, type FileHandle, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { type ColumnChunk, type FileMetaData, parquetMetadata } from 'hyparquet'
import { LakeError } from '../errors.ts'
import type { Storage, Uri } from '../lake.ts'
import { mapParallel } from '../parallel.ts'
import { stagedName } from '../staged-name.ts'

/**
 * A Parquet file of which only the footer and the column chunks that a query needs are on local disk, at their places in a sparse file
 * of the same length. DuckDB reads it as the whole file. What was not fetched is zeros, which no page begins with: reading such
 * a column fails with an error and never gives other values.
 */
export interface SparseFile {
  readonly uri: Uri
  readonly path: string
  readonly bytes: number
  /** All reads are of this version: what is replaced meanwhile is read as it was, or fails with `not-found`. */
  readonly version: string
  readonly metadata: FileMetaData
  readonly footerBytes: number
}

/** Tells the columns to fetch by their name in the file, the outermost of a path. Of these all row groups are fetched. */
export type Wanted = (column: string) => boolean

export interface Range {
  readonly start: number
  readonly end: number
}

/** Most footers are shorter, so one read brings them whole; a file that is not much longer is better staged whole. */
const TAIL_BYTES = 64 * 1024

/**
 * Reads the footer and makes the sparse file, which holds nothing else yet. undefined for a file to be staged whole: a short one, one
 * whose footer is encrypted or broken. Fails with `not-found` as reads do.
 */
export async function beginSparse(storage: Storage, uri: Uri, folder: string): Promise<SparseFile | undefined> {
  const info = await storage.head(uri)
  if (info === undefined) throw new LakeError('not-found', `${uri} does not exist`, { uri })
  const { bytes, version } = info
  if (bytes <= 2 * TAIL_BYTES) return undefined
  const tail = await readTail(storage, { uri, bytes, version })
  const metadata = tail && parsed(tail)
  if (!tail || !metadata) return undefined
  await mkdir(folder, { recursive: true })
  const path = join(folder, stagedName(uri, version))
  await writing(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, async handle => {
    await handle.truncate(bytes)
    await writeAt(handle, tail, bytes - tail.length)
  })
  return { uri, path, bytes, version, metadata, footerBytes: tail.length }
}

/** Fetches the wanted chunks into the file. false for a file whose chunks cannot be told apart, which is to be staged whole. */
export async function fillSparse(storage: Storage, file: SparseFile, wanted: Wanted): Promise<boolean> {
  const ranges = wantedRanges(file, wanted)
  if (ranges === undefined) return false
  await writing(file.path, constants.O_RDWR, handle =>
    mapParallel(requests(ranges), REQUESTS_AT_ONCE, async ({ start, end, parts }) => {
      const body = await storage.get(file.uri, { version: file.version, range: { start, end } })
      if (body.length !== end - start)
        throw new LakeError('unavailable', `${file.uri}: ${body.length} of ${end - start} bytes arrived`, {})
      // What lies between wanted parts is not written: the head of a page without its body could be read as values.
      for (const part of parts) await writeAt(handle, body.subarray(part.start - start, part.end - start), part.start)
    }),
  )
  return true
}

// --- The footer ----------------------------------------------------------------------------------------------------

const TRAILER_BYTES = 8
/** `PARE` ends a file whose footer is encrypted. */
const MAGIC = 'PAR1'

interface Stored {
  readonly uri: Uri
  readonly bytes: number
  readonly version: string
}

/** The bytes of the footer and no others; undefined when it is none, or longer than the file. */
async function readTail(storage: Storage, { uri, bytes, version }: Stored): Promise<Uint8Array | undefined> {
  const from = bytes - TAIL_BYTES
  const tail = Buffer.from(await storage.get(uri, { version, range: { start: from, end: bytes } }))
  if (tail.toString('latin1', tail.length - MAGIC.length) !== MAGIC) return undefined
  const footerBytes = tail.readUInt32LE(tail.length - TRAILER_BYTES) + TRAILER_BYTES
  if (footerBytes > bytes) return undefined
  if (footerBytes <= tail.length) return tail.subarray(tail.length - footerBytes)
  const head = await storage.get(uri, { version, range: { start: bytes - footerBytes, end: from } })
  return Buffer.concat([head, tail])
}

function parsed(tail: Uint8Array): FileMetaData | undefined {
  try {
    return parquetMetadata(tail, { geoparquet: false })
  } catch {
    // A footer that is encrypted or broken: the engine reads the whole file and says what is wrong with it.
    return undefined
  }
}

// --- Which bytes ---------------------------------------------------------------------------------------------------

/** The places of the wanted chunks with their bloom filters and page indexes, in order; undefined when they cannot be told. */
export function wantedRanges(
  { metadata, bytes, footerBytes }: SparseFile,
  wanted: Wanted,
): readonly Range[] | undefined {
  if (isMiscounted(metadata.created_by ?? '')) return undefined
  const chunks = metadata.row_groups.flatMap(group => group.columns.map(placesOf))
  const ranges: Range[] = []
  for (const chunk of chunks) {
    if (chunk === undefined) return undefined
    if (!wanted(chunk.column)) continue
    if (chunk.places.some(({ start, end }) => end < start || end > bytes - footerBytes)) return undefined
    ranges.push(...chunk.places)
  }
  return ranges.toSorted((left, right) => left.start - right.start)
}

/** Before 1.2.9 parquet-mr left the header of the dictionary page out of a chunk's length (PARQUET-816). */
const isMiscounted = (createdBy: string): boolean => /^parquet-mr version 1\.([01]\.|2\.[0-8](\D|$))/.test(createdBy)

interface Chunk {
  readonly column: string
  readonly places: readonly Range[]
}

/** undefined for a chunk that is encrypted or in another file. */
function placesOf(chunk: ColumnChunk): Chunk | undefined {
  const { meta_data: data, crypto_metadata, encrypted_column_metadata, file_path } = chunk
  const column = data?.path_in_schema[0]
  if (!data || column === undefined || crypto_metadata || encrypted_column_metadata || file_path) return undefined
  const pages = [data.dictionary_page_offset, data.index_page_offset, data.data_page_offset].filter(isGiven)
  const start = Math.min(...pages.map(Number))
  const bloom = data.bloom_filter_offset
  // An old writer gives the place of a bloom filter and not its length.
  if (isGiven(bloom) && data.bloom_filter_length === undefined) return undefined
  return {
    column,
    places: [
      { start, end: start + Number(data.total_compressed_size) },
      placeOf(bloom, data.bloom_filter_length),
      placeOf(chunk.column_index_offset, chunk.column_index_length),
      placeOf(chunk.offset_index_offset, chunk.offset_index_length),
    ].filter(place => place !== undefined),
  }
}

/** Writers without a dictionary leave its offset out or write 0, where the file's mark stands. */
const isGiven = (offset: bigint | undefined): offset is bigint => offset !== undefined && offset > 0n

function placeOf(offset: bigint | undefined, length: number | undefined): Range | undefined {
  if (!isGiven(offset) || length === undefined) return undefined
  return { start: Number(offset), end: Number(offset) + length }
}

// --- Requests ------------------------------------------------------------------------------------------------------

const REQUESTS_AT_ONCE = 8
/** What all requests under way hold is this times their number. */
const REQUEST_BYTES_MAX = 8 * 1024 * 1024
/** Fewer bytes than this arrive in the time that another request takes. */
const GAP_BYTES_MAX = 128 * 1024

interface Request extends Range {
  readonly parts: readonly Range[]
}

/** Near ranges in one request, long ones in several. */
export function requests(ranges: readonly Range[]): readonly Request[] {
  const result: { start: number; end: number; parts: Range[] }[] = []
  for (const part of ranges.flatMap(pieces)) {
    const last = result.at(-1)
    if (last && part.start - last.end <= GAP_BYTES_MAX && part.end - last.start <= REQUEST_BYTES_MAX) {
      last.end = Math.max(last.end, part.end)
      last.parts.push(part)
    } else result.push({ ...part, parts: [part] })
  }
  return result
}

function pieces({ start, end }: Range): readonly Range[] {
  const count = Math.ceil((end - start) / REQUEST_BYTES_MAX)
  return Array.from({ length: count }, (_, index) => ({
    start: start + index * REQUEST_BYTES_MAX,
    end: Math.min(end, start + (index + 1) * REQUEST_BYTES_MAX),
  }))
}

async function writing(path: string, flags: number, work: (handle: FileHandle) => Promise<unknown>): Promise<void> {
  const handle = await open(path, flags)
  try {
    await work(handle)
  } finally {
    await handle.close()
  }
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0
  while (written < bytes.length)
    written += (await handle.write(bytes, written, bytes.length - written, position + written)).bytesWritten
}
