import { createHash } from 'node:crypto'
import { hashText } from './batch.ts'
import { ULID_ENTROPY_BYTES, ulid } from './ulid.ts'

/** One version of one landing object, after a HEAD. */
export interface SourceVersion {
  readonly bucket: string
  readonly key: string
  readonly version: string
  readonly landedMs: number
  /** Of an object that is taken apart: which part of it this is. */
  readonly part?: string
}

/** A ULID of the version's time and 80 bits of a hash of (bucket, key, version): every delivery of it gives the same id. */
export function rawId({ bucket, key, version, landedMs, part }: SourceVersion): string {
  return ulid(landedMs, entropy(bucket, key, version, ...(part === undefined ? [] : [part])))
}

/** A ULID of the first object's time and a hash of the dataset and all ids: the same objects always make the same batch. */
export function batchId(dataset: string, landedMs: number, rawIds: readonly string[]): string {
  return ulid(landedMs, entropy(dataset, ...rawIds))
}

function entropy(...parts: readonly string[]): Uint8Array {
  return createHash('sha256')
    .update(hashText(...parts), 'hex')
    .digest()
    .subarray(0, ULID_ENTROPY_BYTES)
}
