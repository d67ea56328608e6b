import { hashText } from '#lake/batch.ts'
import type { Dataset, SourceFormat } from '#lake/dataset.ts'
import type { WriteOptions } from '#lake/lake.ts'
import type { SourceVersion } from '#lake/raw-id.ts'

/** `<dataset>/ingest_date=YYYY-MM-DD/ingest_hour=HH/<id>.<extension>` in UTC, of the version's time: a late duplicate writes the same key. */
export function rawKey(
  dataset: string,
  object: { readonly id: string; readonly landedMs: number },
  extension: string,
): string {
  const { date, hour } = ingestPartition(object.landedMs)
  return `${dataset}/ingest_date=${date}/ingest_hour=${hour}/${object.id}.${extension}`
}

export function ingestPartition(landedMs: number): { readonly date: string; readonly hour: string } {
  const text = new Date(landedMs).toISOString()
  return { date: text.slice(0, 10), hour: text.slice(11, 13) }
}

const EXTENSIONS: Readonly<Record<SourceFormat, string>> = {
  ndjson: 'ndjson',
  json: 'json',
  csv: 'csv',
  parquet: 'parquet',
  avro: 'avro',
}

/**
 * Of the declared format and the compression that the first bytes show, never of the landing key: engines choose the
 * decompressor of text files by extension, and producers' names lie.
 */
export function extensionOf(format: SourceFormat, start: Uint8Array): string {
  const compression = begins(start, [0x1f, 0x8b]) ? '.gz' : begins(start, [0x28, 0xb5, 0x2f, 0xfd]) ? '.zst' : ''
  return `${EXTENSIONS[format]}${compression}`
}

/** The landing object's user metadata that names its contract version. */
export const CONTRACT_VERSION = 'data-contract-version'

/** A version that no contract accepts, for text that is no version: quality refuses the file and says why. */
export const CONTRACT_VERSION_UNREADABLE = 0

/** What the producer declared, the dataset's current version when it declared nothing. */
export function contractVersionOf(dataset: Dataset, metadata: Readonly<Record<string, string>>): number {
  const declared = metadata[CONTRACT_VERSION]
  if (declared === undefined) return dataset.contract.version
  return /^\d{1,9}$/.test(declared.trim()) ? Number(declared) : CONTRACT_VERSION_UNREADABLE
}

export interface RawFacts {
  readonly source: SourceVersion
  readonly sha256: string
  readonly contractVersion: number
}

/** The headers and tags of every raw object: enough to know it again without any other record. */
export function rawWriteOptions(dataset: Dataset, facts: RawFacts): WriteOptions {
  return {
    ifNoneMatch: true,
    metadata: {
      'source-system': dataset.source.system,
      [CONTRACT_VERSION]: String(facts.contractVersion),
      dataset: dataset.name,
      'source-key': metadataKey(facts.source.key),
      'source-version-id': facts.source.version,
      'content-sha256': facts.sha256,
      'landed-at': new Date(facts.source.landedMs).toISOString(),
    },
    tags: {
      zone: 'raw',
      dataset: dataset.name,
      'source-system': dataset.source.system,
      'data-class': dataset.dataClass,
    },
  }
}

/** S3 allows 2 KB of user metadata and a key may take 3 KB percent-encoded: such a key is named by its hash, the manifest has it whole. */
function metadataKey(key: string): string {
  return encodeURIComponent(key.toWellFormed()).length <= 1_024 ? key : `sha256:${hashText(key)}`
}

function begins(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte)
}
