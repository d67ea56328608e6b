import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ident, join as joinSql, type Sql, sql } from '#lake/duckdb/sql.ts'
import { encodeManifest } from '#lake/iceberg/manifest.ts'
import { encodeManifestList, manifestFile } from '#lake/iceberg/manifest-list.ts'
import { addSnapshot, currentSchema, currentSnapshot, specById } from '#lake/iceberg/metadata.ts'
import { encodeMetadata } from '#lake/iceberg/metadata-file.ts'
import { manifestsOf } from '#lake/iceberg/snapshot.ts'
import { columnsOf, icebergEntry, openTable, type Table } from '#lake/iceberg/table.ts'
import type { DataFile, ManifestEntry, ManifestFile, TableMetadata } from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'
import { manifestOnly, type Workbench } from './fixture.ts'

/** What another engine commits: any files under any names, in manifests of their own, without asking the code under test. */
export interface ForeignFiles {
  readonly data?: readonly DataFile[]
  readonly deletes?: readonly DataFile[]
}

export async function commitForeign(lake: Lake, name: string, files: ForeignFiles): Promise<Table> {
  const base = await openTable(lake, name)
  const { metadata } = base
  const sequence = metadata['last-sequence-number'] + 1n
  const snapshotId = 1_000n + sequence
  const kept = await manifestsOf(lake, currentSnapshot(metadata))
  const context = { metadata, sequence, snapshotId }
  const data = await writeManifests(lake, files.data ?? [], { ...context, content: 0 })
  const deletes = await writeManifests(lake, files.deletes ?? [], { ...context, content: 1 })
  const list = `${metadata.location}/metadata/snap-${snapshotId}.avro`
  const header = { snapshotId, parentSnapshotId: metadata['current-snapshot-id'], sequenceNumber: sequence }
  await lake.storage.put(list, encodeManifestList([...data, ...deletes, ...kept], header))
  return install(
    lake,
    name,
    addSnapshot(metadata, {
      'snapshot-id': snapshotId,
      ...(header.parentSnapshotId === undefined ? {} : { 'parent-snapshot-id': header.parentSnapshotId }),
      'sequence-number': sequence,
      'timestamp-ms': metadata['last-updated-ms'] + 1,
      'manifest-list': list,
      summary: { operation: 'overwrite' },
      'schema-id': metadata['current-schema-id'],
    }),
  )
}

/** Makes any metadata at all the table's. */
export async function install(lake: Lake, name: string, metadata: TableMetadata): Promise<Table> {
  const { entry } = await openTable(lake, name)
  const location = `${metadata.location}/metadata/foreign-${lake.ids.uuid()}.metadata.json`
  await lake.storage.put(location, encodeMetadata(metadata))
  await lake.catalog.swap(name, entry, icebergEntry(metadata, location))
  return openTable(lake, name)
}

interface Writing {
  readonly metadata: TableMetadata
  readonly sequence: bigint
  readonly snapshotId: bigint
  readonly content: 0 | 1
}

async function writeManifests(
  lake: Lake,
  files: readonly DataFile[],
  { metadata, sequence, snapshotId, content }: Writing,
): Promise<readonly ManifestFile[]> {
  const written: ManifestFile[] = []
  for (const [specId, group] of Map.groupBy(files, file => file.spec_id)) {
    const columns = columnsOf(metadata, specId)
    const entries = group.map((file): ManifestEntry => {
      const inherited = { snapshot_id: null, sequence_number: null, file_sequence_number: null }
      return { status: 1, ...inherited, data_file: file }
    })
    const bytes = encodeManifest(entries, {
      schema: currentSchema(metadata),
      spec: specById(metadata, specId),
      columns,
      content,
    })
    const path = `${metadata.location}/metadata/${snapshotId}-${content}-${specId}.avro`
    await lake.storage.put(path, bytes)
    const place = { path, bytes: bytes.length, content, specId, sequenceNumber: sequence, snapshotId }
    written.push(manifestFile(entries, columns, place))
  }
  return written
}

interface DeleteOptions {
  /** What the manifest says of the file. */
  readonly file?: Partial<DataFile>
  /** The value of COPY's FIELD_IDS; null for a file without ids. */
  readonly ids?: Sql | null
}

const PLACE_IDS = sql`{file_path: 2147483546, pos: 2147483545}`

/** A position delete file as engines write it: `places` selects file_path and pos. */
export async function positionDeletes(
  bench: Workbench,
  table: Table,
  places: Sql,
  { file, ids = PLACE_IDS }: DeleteOptions = {},
): Promise<DataFile> {
  return { ...(await deleteFile(bench, table, { source: places, ids })), content: 1, ...file }
}

/** An equality delete file: the columns of a SELECT, and the field ids by which they are compared. */
export async function equalityDeletes(
  bench: Workbench,
  table: Table,
  keys: { readonly source: Sql; readonly ids: Readonly<Record<string, number>> },
  { file }: DeleteOptions = {},
): Promise<DataFile> {
  const entries = Object.entries(keys.ids).map(([name, id]) => sql`${ident(name)}: ${id}`)
  const ids = sql`{${joinSql(entries, ', ')}}`
  const written = await deleteFile(bench, table, { source: keys.source, ids })
  return { ...written, content: 2, equality_ids: Object.values(keys.ids), ...file }
}

async function deleteFile(
  bench: Workbench,
  table: Table,
  { source, ids }: { readonly source: Sql; readonly ids: Sql | null },
): Promise<DataFile> {
  const name = `${bench.lake.ids.uuid()}-deletes.parquet`
  const local = join(bench.root, 'work', name)
  const fieldIds = ids === null ? sql`` : sql`, FIELD_IDS ${ids}`
  const [row] = await bench.session.rows(sql`COPY (${source}) TO ${local} (FORMAT parquet${fieldIds}, RETURN_STATS)`)
  const uri = `${table.metadata.location}/data/${name}`
  const { bytes } = await bench.lake.storage.put(uri, readFileSync(local))
  const count = BigInt(String(row?.['count']))
  return manifestOnly(uri, { record_count: count, file_size_in_bytes: BigInt(bytes), sort_order_id: null })
}

/** Rows of a position delete file: each data file with the positions that go. */
export function placesOf(places: readonly (readonly [file: DataFile, ...positions: readonly number[]])[]): Sql {
  const rows = places.flatMap(([file, ...positions]) => positions.map(pos => sql`(${file.file_path}, ${pos}::BIGINT)`))
  return sql`SELECT * FROM (VALUES ${joinSql(rows, ', ')}) t(file_path, pos) ORDER BY ALL`
}
