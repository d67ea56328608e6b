import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { parquetMetadata, type SchemaElement } from 'hyparquet'
import { LakeError } from '../errors.ts'

export type { SchemaElement } from 'hyparquet'

/** What the footer of a Parquet file says of the file as a whole. */
export interface ParquetFooter {
  /** The nodes of the tree of columns, depth first, the root before all. */
  readonly schema: readonly SchemaElement[]
  readonly createdBy: string | undefined
}

const TRAILER_BYTES = 8

/**
 * Reads the footer of a local file, whole or sparse, by two short reads in place: opening a thousand small files takes longer than reading
 * what is asked of them. Fails with `file-unreadable`.
 */
export function readFooter(path: string): ParquetFooter {
  try {
    const { schema, created_by } = parquetMetadata(footerBytes(path), { geoparquet: false })
    return { schema, createdBy: created_by }
  } catch (cause) {
    throw new LakeError('file-unreadable', 'the footer of a Parquet file cannot be read', { file: path }, { cause })
  }
}

function footerBytes(path: string): Uint8Array {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const bytes = TRAILER_BYTES + readAt(file, size - TRAILER_BYTES, TRAILER_BYTES).readUInt32LE(0)
    if (bytes > size) throw new RangeError(`a footer of ${bytes} bytes in a file of ${size}`)
    return readAt(file, size - bytes, bytes)
  } finally {
    closeSync(file)
  }
}

function readAt(file: number, start: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes)
  if (start < 0 || readSync(file, buffer, 0, bytes, start) !== bytes) throw new RangeError('the file ends early')
  return buffer
}
