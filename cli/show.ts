import type { Call, Command } from './command.ts'
import { openLakeTable } from './lake-table.ts'
import { styleOf } from './style.ts'
import { describeTable, type TableDescription } from './table-description.ts'
import { printTable, type TableColumn, type TableRow } from './table-printer.ts'
import { counted, formatBytes, formatCount, formatTime } from './units.ts'

/** Files and snapshots that are listed without --all. */
const LISTED_MAX = 20

/** `sluice show`: everything that a table's metadata says. */
export const show: Command = {
  name: 'show',
  summary: 'show schema, partitions, snapshots and files of a table',
  takes: { text: 'TABLE', min: 1, max: 1 },
  options: {
    all: { help: `list all files and snapshots, not only ${LISTED_MAX} of each` },
    full: { help: 'cut no text and leave out no column' },
  },
  notes: ['Snapshots are those that `sluice sql --at` can read, the newest first. Files are those of the newest one.'],
  examples: ['sluice show flights', 'sluice show flights --all --json'],
  reads: true,
  run: async call => {
    const table = await openLakeTable(call.lake, (call.given[0] as string).toLowerCase())
    const description = await describeTable(call.lake, table)
    if (call.options.has('json')) await call.terminal.out.write(`${JSON.stringify(description, null, 2)}\n`)
    else await print(call, description)
    return undefined
  },
}

async function print(call: Call, table: TableDescription): Promise<void> {
  const { out } = call.terminal
  const style = styleOf(out)
  const sizes = [counted(table.rows, 'row'), counted(table.files.length, 'file'), formatBytes(table.bytes)]
  await out.write(`${style.bold(table.table)}  ${sizes.join(', ')}\n`)
  if (table.description !== null) await out.write(`${table.description}\n`)
  await out.write(`${style.dim(table.location)}\n`)
  await section(call, {
    title: 'Columns',
    columns: [{ name: 'id', numeric: true }, { name: 'name' }, { name: 'type' }, { name: 'doc' }],
    rows: table.columns.map(({ id, name, type, doc, depth }) => [
      String(id),
      `${'  '.repeat(depth)}${name}`,
      type,
      doc ?? '',
    ]),
  })
  await out.write(`\n${style.bold('Partitioned by')}  ${table.partitionedBy.join(', ') || 'nothing'}\n`)
  await out.write(`${style.bold('Sorted by')}       ${table.sortedBy.join(', ') || 'nothing'}\n`)
  await section(call, {
    title: 'Properties',
    columns: [{ name: 'key' }, { name: 'value' }],
    rows: Object.entries(table.properties),
  })
  await section(call, snapshotSection(table))
  await section(call, fileSection(table))
}

function snapshotSection({ snapshots }: TableDescription): Section {
  const numeric = ['added', 'deleted', 'rows'].map(name => ({ name, numeric: true }))
  return {
    title: 'Snapshots',
    // An id is copied into --at, so it must not be cut.
    columns: [
      { name: 'id', numeric: true },
      { name: 'time', whole: true },
      { name: 'operation', whole: true },
      ...numeric,
    ],
    rows: snapshots.map(each => [
      each.id,
      formatTime(Date.parse(each.time)),
      each.operation,
      ...[each.rowsAdded, each.rowsDeleted, each.rows].map(count => (count === null ? '–' : formatCount(count))),
    ]),
  }
}

function fileSection({ files, partitionedBy }: TableDescription): Section {
  const isPartitioned = partitionedBy.length > 0
  return {
    title: 'Files',
    columns: [
      ...(isPartitioned ? [{ name: 'partition' }] : []),
      { name: 'rows', numeric: true },
      { name: 'size', numeric: true },
      { name: 'path' },
    ],
    rows: files.map(({ path, partition, rows, bytes }) => [
      ...(isPartitioned ? [Object.values(partition).map(String).join(' / ')] : []),
      formatCount(rows),
      formatBytes(bytes),
      path,
    ]),
  }
}

interface Section {
  readonly title: string
  readonly columns: readonly TableColumn[]
  readonly rows: readonly TableRow[]
}

async function section({ terminal, options }: Call, { title, columns, rows }: Section): Promise<void> {
  const { out } = terminal
  const style = styleOf(out)
  const isCut = (title === 'Files' || title === 'Snapshots') && rows.length > LISTED_MAX && !options.has('all')
  const shown = isCut ? rows.slice(0, LISTED_MAX) : rows
  const count = isCut ? style.dim(` ${LISTED_MAX} of ${formatCount(rows.length)}, --all lists all`) : ''
  await out.write(`\n${style.bold(title)}${count}\n`)
  if (rows.length === 0) await out.write('  none\n')
  else await printTable(out, { columns, rows: shown }, { full: options.has('full'), indent: 2 })
}
