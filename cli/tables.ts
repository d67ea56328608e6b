import { currentSnapshot, defaultSpec } from '#lake/iceberg/metadata.ts'
import { partitionKeyOf } from '#lake/iceberg/operations/overwrite.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { loadTable, type Table } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'
import type { Call, Command } from './command.ts'
import { printTable, type TableRow } from './table-printer.ts'
import { formatBytes, formatCount, formatTime, isoTime } from './units.ts'

/** `sluice tables`: what there is in the lake. */
export const tables: Command = {
  name: 'tables',
  summary: 'list the tables with their sizes',
  takes: { text: '', min: 0, max: 0 },
  options: { full: { help: 'cut no text and leave out no column' } },
  notes: [
    'NAME__quarantine holds the records of NAME that were refused, with the reason.',
    'NAME__raw are the files as they came: no Iceberg table, so rows and snapshots are unknown.',
  ],
  examples: ['sluice tables', 'sluice tables --json'],
  reads: true,
  run: async call => {
    const found = [...(await icebergTables(call.lake)), ...(await rawTables(call.lake))]
    const all = found.toSorted((a, b) => (a.name < b.name ? -1 : 1))
    await (call.options.has('json') ? printJson(call, all) : print(call, all))
    return undefined
  },
}

interface TableSize {
  readonly name: string
  readonly kind: 'iceberg' | 'raw'
  readonly rows: number | null
  readonly files: number
  readonly bytes: number
  /** null when the table is not partitioned. */
  readonly partitions: number | null
  readonly snapshots: number | null
  readonly lastCommitMs: number | null
}

async function icebergTables(lake: Lake): Promise<readonly TableSize[]> {
  const sizes: TableSize[] = []
  for (const name of await lake.catalog.tables()) {
    const table = await loadTable(lake, name)
    if (table !== undefined) sizes.push(await sizeOf(lake, table))
  }
  return sizes
}

/** Counted in the manifests, because summaries may lack totals that another writer did not know. */
async function sizeOf(lake: Lake, table: Table): Promise<TableSize> {
  const { metadata, name } = table
  const files = (await liveFiles(lake, table)).map(live => live.file)
  return {
    name,
    kind: 'iceberg',
    rows: files.reduce((sum, file) => sum + Number(file.record_count), 0),
    files: files.length,
    bytes: files.reduce((sum, file) => sum + Number(file.file_size_in_bytes), 0),
    partitions: defaultSpec(metadata).fields.length === 0 ? null : new Set(files.map(partitionKeyOf)).size,
    snapshots: metadata.snapshots.length,
    lastCommitMs: currentSnapshot(metadata)?.['timestamp-ms'] ?? null,
  }
}

/** With partition projection there is no catalog entry on a folder, so the raw zone itself says what is in it. */
async function rawTables(lake: Lake): Promise<readonly TableSize[]> {
  const byDataset = new Map<
    string,
    { files: number; bytes: number; lastMs: number; readonly partitions: Set<string> }
  >()
  for await (const object of lake.storage.list(`${lake.zones.raw}/`)) {
    const [dataset = '', date, hour, name] = object.uri.slice(lake.zones.raw.length + 1).split('/')
    if (name === undefined) continue
    const size = byDataset.get(dataset) ?? { files: 0, bytes: 0, lastMs: 0, partitions: new Set() }
    byDataset.set(dataset, size)
    size.files++
    size.bytes += object.bytes
    size.lastMs = Math.max(size.lastMs, object.modifiedMs)
    size.partitions.add(`${date}/${hour}`)
  }
  return [...byDataset].map(([dataset, { files, bytes, partitions, lastMs }]) => ({
    name: `${dataset}__raw`,
    kind: 'raw',
    rows: null,
    files,
    bytes,
    partitions: partitions.size,
    snapshots: null,
    lastCommitMs: lastMs,
  }))
}

async function print({ terminal, options }: Call, all: readonly TableSize[]): Promise<void> {
  if (all.length === 0) {
    await terminal.out.write('The lake has no tables yet. Put a file: sluice put FILE --dataset NAME\n')
    return
  }
  const columns = [
    { name: 'table' },
    ...['rows', 'files', 'size', 'partitions', 'snapshots'].map(name => ({ name, numeric: true })),
    { name: 'last commit', whole: true },
  ]
  await printTable(terminal.out, { columns, rows: all.map(rowOf) }, { full: options.has('full') })
}

const countOf = (count: number | null): string => (count === null ? '–' : formatCount(count))

function rowOf(table: TableSize): TableRow {
  const { name, rows, files, bytes, partitions, snapshots, lastCommitMs } = table
  const counts = [countOf(rows), countOf(files), formatBytes(bytes), countOf(partitions), countOf(snapshots)]
  return [name, ...counts, lastCommitMs === null ? '–' : formatTime(lastCommitMs)]
}

async function printJson({ terminal }: Call, all: readonly TableSize[]): Promise<void> {
  const tables = all.map(({ lastCommitMs, ...table }) => ({
    ...table,
    lastCommit: lastCommitMs === null ? null : isoTime(lastCommitMs),
  }))
  await terminal.out.write(`${JSON.stringify(tables, null, 2)}\n`)
}
