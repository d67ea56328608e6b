import type { Dataset } from '../dataset.ts'
import { ident, type Sql, sql } from '../duckdb/sql.ts'
import { LakeError } from '../errors.ts'
import type { Table } from './table.ts'

/** Names and meanings are Iceberg's ("Configuration"): other writers of the table follow them too. */
export const TABLE_PROPERTIES: Readonly<Record<string, string>> = {
  'write.format.default': 'parquet',
  'write.parquet.compression-codec': 'zstd',
  'write.parquet.compression-level': '1',
  // The whole id, so that the files of a raw object are found by pruning alone.
  'write.metadata.metrics.column._raw_object': 'full',
}

/** The properties of a dataset's table. */
export function tableProperties(dataset: Dataset): Readonly<Record<string, string>> {
  const { compaction, retention } = dataset
  return {
    ...TABLE_PROPERTIES,
    'write.parquet.compression-codec': compaction.codec,
    'write.target-file-size-bytes': String(compaction.targetFileBytes),
    'history.expire.max-snapshot-age-ms': String(retention.snapshotAgeHours * 3_600_000),
    'history.expire.min-snapshots-to-keep': String(retention.minSnapshots),
  }
}

/** As Iceberg's actions refuse where gc.enabled=false: somebody else, such as a table cloned from this one, may use its files. `why` ends the message. */
export function checkCollectable({ name, metadata }: Pick<Table, 'name' | 'metadata'>, why: string): void {
  if (metadata.properties['gc.enabled']?.toLowerCase() !== 'false') return
  throw new LakeError('unsupported', `${name} has gc.enabled=false: ${why}`, {
    table: name,
    next: 'set gc.enabled to true once nobody else needs its files',
  })
}

/** Codecs by their Iceberg name, with DuckDB's; `gzip` is what both call it. */
const CODECS: Readonly<Record<string, string>> = {
  zstd: 'zstd',
  snappy: 'snappy',
  gzip: 'gzip',
  brotli: 'brotli',
  lz4: 'lz4_raw',
  uncompressed: 'uncompressed',
}

/** The codec that the table's files are to have, by its Iceberg name. */
export const codecOf = (properties: Readonly<Record<string, string>>): string =>
  (properties['write.parquet.compression-codec'] ?? 'zstd').toLowerCase()

/** The compression of a COPY as the table's properties ask for it; `codec` goes before them. Fails with `unsupported`. */
export function compression(properties: Readonly<Record<string, string>>, codec?: string): Sql {
  const named = codecOf(properties)
  const wanted = codec ?? named
  const known = CODECS[wanted]
  if (known === undefined)
    throw new LakeError(
      'unsupported',
      `write.parquet.compression-codec is ${wanted}, which Sluice cannot write: set it to one of ${Object.keys(CODECS).join(', ')}`,
      { codec: wanted },
    )
  if (known !== 'zstd') return sql`COMPRESSION ${ident(known)}`
  // The level that a table names is meant for the codec that it names.
  const level = wanted === named ? Number(properties['write.parquet.compression-level'] ?? ZSTD_LEVEL) : ZSTD_LEVEL
  const valid = Number.isInteger(level) && level >= 1 && level <= 22
  return sql`COMPRESSION zstd, COMPRESSION_LEVEL ${valid ? level : ZSTD_LEVEL}`
}

/** The fastest, and within a few per cent of the smallest. */
const ZSTD_LEVEL = 1
