import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { encodeManifest } from '#lake/iceberg/manifest.ts'
import { encodeManifestList, manifestFile } from '#lake/iceberg/manifest-list.ts'
import { addSnapshot, currentSchema, defaultSpec } from '#lake/iceberg/metadata.ts'
import { encodeMetadata } from '#lake/iceberg/metadata-file.ts'
import type { Predicate } from '#lake/iceberg/predicate.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { columnsOf, icebergEntry, openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import type { DataFile, ManifestEntry, ManifestFile, TableMetadata } from '#lake/iceberg/types.ts'
import { toBinary } from '#lake/iceberg/value.ts'
import type { Lake } from '#lake/lake.ts'
import { DATA } from './events.ts'
import { report } from './measure.ts'

// Planning a scan of a table of 100,000 live files, each with counts and bounds of 16 columns as writers leave them: `node bench/plan.ts`
// for all files, `where` for those of some days and ids, `all` for all files with all of their statistics.
const FILES = 100_000
const FILES_PER_MANIFEST = 4_000
const FILES_PER_DAY = 250
const COLUMNS = 16
const NAME = 'files'
const ROOT = join(DATA, `plan-${FILES}`)
const READY = join(ROOT, 'ready')

const mode = process.argv[2] ?? 'plan'
if (mode === 'make') await make()
else await plan()

async function plan(): Promise<void> {
  // In a process of its own, whose memory does not count.
  if (!existsSync(READY)) spawnSync(process.execPath, [import.meta.filename, 'make'], { stdio: 'inherit' })
  const lake = diskLake(ROOT)
  const where: readonly Predicate[] = [
    { column: 'day', op: '>=', value: 19_700 },
    { column: 'c1', op: '<', value: BigInt(FILES) * 1_900n },
  ]
  const started = performance.now()
  const { files, kept, skipped } = await planScan(lake, await openTable(lake, NAME), {
    ...(mode === 'where' ? { where } : {}),
    ...(mode === 'all' ? { statistics: 'all' } : {}),
  })
  const seconds = (performance.now() - started) / 1_000
  if (kept.files + skipped.files + (skipped.unread ?? 0) !== FILES) throw new Error('files are missing in the plan')
  report({ name: mode === 'plan' ? 'plan' : `plan ${mode}`, seconds, rows: files.length })
}

async function make(): Promise<void> {
  await rm(ROOT, { recursive: true, force: true })
  const lake = diskLake(ROOT)
  const { metadata } = await ensureTable(lake, {
    name: NAME,
    description: 'Benchmark: many files',
    columns: ['day', ...Array.from({ length: COLUMNS - 1 }, (_, index) => `c${index + 1}`)].map(name => ({
      name,
      type: name === 'day' ? 'date' : 'long',
      required: false,
      from: [],
      default: undefined,
      format: undefined,
      doc: undefined,
    })),
    partitionBy: [{ column: 'day', transform: { name: 'identity' } }],
    sortBy: [],
    properties: {},
  })
  const manifests: ManifestFile[] = []
  for (let first = 0; first < FILES; first += FILES_PER_MANIFEST)
    manifests.push(await writeManifest(lake, metadata, first))
  await install(lake, metadata, manifests)
  await writeFile(READY, '')
}

async function writeManifest(lake: Lake, metadata: TableMetadata, first: number): Promise<ManifestFile> {
  const columns = columnsOf(metadata)
  const numbers = { snapshot_id: null, sequence_number: null, file_sequence_number: null }
  const entries = Array.from({ length: FILES_PER_MANIFEST }, (_, index): ManifestEntry => {
    return { status: 1, ...numbers, data_file: dataFile(metadata, first + index) }
  })
  const bytes = encodeManifest(entries, {
    schema: currentSchema(metadata),
    spec: defaultSpec(metadata),
    columns,
    content: 0,
  })
  const path = `${metadata.location}/metadata/${first}-m0.avro`
  await lake.storage.put(path, bytes)
  const written = { path, bytes: bytes.length, content: 0, specId: 0, sequenceNumber: 1n, snapshotId: 1n } as const
  return manifestFile(entries, columns, written)
}

function dataFile(metadata: TableMetadata, number: number): DataFile {
  const ids = Array.from({ length: COLUMNS }, (_, index) => index + 1)
  const byId = <T>(value: (id: number) => T): ReadonlyMap<number, T> => new Map(ids.map(id => [id, value(id)]))
  const day = 19_000 + Math.floor(number / FILES_PER_DAY) * 2
  const bound = (add: number) => (id: number) =>
    id === 1 ? toBinary('date', day) : toBinary('long', BigInt(number * 1_000 * id + add))
  return {
    content: 0,
    file_path: `${metadata.location}/data/day=${day}/${String(number).padStart(8, '0')}-0193d1f0-7c1e-7a63-b1ea-1f4f0a1c7f3e.parquet`,
    file_format: 'PARQUET',
    partition: [day],
    spec_id: 0,
    record_count: 1_000n,
    file_size_in_bytes: 300_000n + BigInt(number),
    column_sizes: byId(id => BigInt(10_000 + number + id)),
    value_counts: byId(() => 1_000n),
    null_value_counts: byId(id => BigInt(id % 3)),
    nan_value_counts: new Map(),
    lower_bounds: byId(bound(0)),
    upper_bounds: byId(bound(999)),
    split_offsets: [4n],
    equality_ids: null,
    sort_order_id: 0,
    referenced_data_file: null,
  }
}

async function install(lake: Lake, metadata: TableMetadata, manifests: readonly ManifestFile[]): Promise<void> {
  const list = `${metadata.location}/metadata/snap-1.avro`
  await lake.storage.put(
    list,
    encodeManifestList(manifests, { snapshotId: 1n, parentSnapshotId: undefined, sequenceNumber: 1n }),
  )
  const next = addSnapshot(metadata, {
    'snapshot-id': 1n,
    'sequence-number': 1n,
    'timestamp-ms': metadata['last-updated-ms'] + 1,
    'manifest-list': list,
    summary: { operation: 'append' },
    'schema-id': metadata['current-schema-id'],
  })
  const location = `${metadata.location}/metadata/00001-many.metadata.json`
  await lake.storage.put(location, encodeMetadata(next))
  await lake.catalog.swap(NAME, (await openTable(lake, NAME)).entry, icebergEntry(next, location))
}
