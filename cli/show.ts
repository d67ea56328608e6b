import type { Call, Command } from './command.ts'
import { openLakeTable } from './lake-table.ts'
import { usage } from './refusal.ts'
import { showPlan } from './show-plan.ts'
import { deletesText, fileSection, LISTED_MAX, printSection, type Section } from './show-section.ts'
import { styleOf } from './style.ts'
import { describeTable, type TableDescription } from './table-description.ts'
import { counted, formatBytes, formatCount, formatDuration, formatTime } from './units.ts'

/** `sluice show`: everything that a table's metadata says. */
export const show: Command = {
  name: 'show',
  summary: 'show schema, snapshots and files of a table, or what a query reads',
  takes: { text: 'TABLE', min: 1, max: 1 },
  options: {
    plan: { value: 'CONDITION', help: 'show what a query with this condition reads, and what it need not' },
    columns: { value: 'NAMES', help: 'with --plan: bytes that these columns take, separated by commas' },
    at: { value: 'SNAPSHOT|TIME', help: 'with --plan: the table as it was' },
    all: { help: `list all files and snapshots, not only ${LISTED_MAX} of each` },
    full: { help: 'cut no text and leave out no column' },
  },
  notes: [
    'Snapshots are those that `sluice sql --at` can read, the newest first. Files are those of the newest one.',
    "CONDITION compares columns with values: \"origin = 'ORD' and distance >= 500\", also with <>, IN (…), BETWEEN … AND …, IS NULL and LIKE 'prefix%'; all must hold. Files are left out by partition and by the least and greatest values of their columns.",
  ],
  examples: [
    'sluice show flights',
    'sluice show flights --all --json',
    `sluice show flights --plan "origin = 'ORD'" --columns delay`,
  ],
  reads: true,
  run: async call => {
    const { options, terminal } = call
    const where = options.value('plan')
    checkOptions(call)
    const table = await openLakeTable(call.lake, (call.given[0] as string).toLowerCase())
    if (where !== undefined) {
      await showPlan(call, table, where)
      return undefined
    }
    const description = await describeTable(call.lake, table)
    if (options.has('json')) await terminal.out.write(`${JSON.stringify(description, null, 2)}\n`)
    else await print(call, description)
    return undefined
  },
}

function checkOptions({ options }: Call): void {
  if (options.value('plan') !== undefined) return
  for (const name of ['columns', 'at'])
    if (options.value(name) !== undefined)
      throw usage(`--${name} says something of a plan`, `add a condition: --plan "where …" --${name} …`)
}

async function print(call: Call, table: TableDescription): Promise<void> {
  const { out } = call.terminal
  const style = styleOf(out)
  const sizes = [counted(table.rows, 'row'), counted(table.files.length, 'file'), formatBytes(table.bytes)]
  await out.write(`${style.bold(table.table)}  ${sizes.join(', ')}\n`)
  if (table.description !== null) await out.write(`${table.description}\n`)
  await out.write(`${style.dim(table.location)}\n`)
  await printSection(call, columnSection(table))
  await out.write('\n')
  for (const [name, text] of facts(table)) await out.write(`${style.bold(name.padEnd(FACT_WIDTH))}${text}\n`)
  if (table.specs.length > 1) await printSection(call, specSection(table))
  await printSection(call, {
    title: 'Properties',
    columns: [{ name: 'key' }, { name: 'value' }],
    rows: Object.entries(table.properties),
  })
  // Every table has a branch main, which is its newest snapshot.
  if (table.refs.some(ref => ref.name !== 'main')) await printSection(call, refSection(table))
  await printSection(call, snapshotSection(table))
  await printSection(call, fileSection(table.files))
}

const FACT_WIDTH = 'Partitioned by  '.length

function facts(table: TableDescription): readonly (readonly [name: string, text: string])[] {
  const { files, targetBytes } = table.smallFiles
  const small = `${formatCount(files)} of ${counted(table.files.length, 'file')} below 75 % of the target, ${formatBytes(targetBytes)}`
  const deletes = deletesText(table.deletes)
  return [
    ['Partitioned by', table.partitionedBy.join(', ') || 'nothing'],
    ['Sorted by', sortedText(table)],
    ['Format', `Iceberg, version ${table.formatVersion}`],
    ...(table.files.length > 0 ? ([['Small files', small]] as const) : []),
    ...(deletes === undefined ? [] : ([['Deletes', deletes]] as const)),
  ]
}

/** The id is what files refer to; it says something only where files of several orders are listed. */
function sortedText({ sortedBy, sortOrders }: TableDescription): string {
  const order = sortOrders.find(each => each.default)
  const id = order && sortOrders.length > 2 ? `  (order ${order.id})` : ''
  return `${sortedBy.join(', ') || 'nothing'}${id}`
}

function columnSection({ columns }: TableDescription): Section {
  return {
    title: 'Columns',
    columns: [{ name: 'id', numeric: true }, { name: 'name' }, { name: 'type' }, { name: 'doc' }],
    rows: columns.map(({ id, name, type, doc, depth }) => [
      String(id),
      `${'  '.repeat(depth)}${name}`,
      type,
      doc ?? '',
    ]),
  }
}

function specSection({ specs }: TableDescription): Section {
  return {
    title: 'Partition specs',
    columns: [{ name: 'id', numeric: true }, { name: 'files', numeric: true }, { name: 'partitioned by' }],
    rows: specs.map(spec => [
      String(spec.id),
      formatCount(spec.files),
      `${spec.by.join(', ') || 'nothing'}${spec.default ? '  (new files)' : ''}`,
    ]),
  }
}

function refSection({ refs }: TableDescription): Section {
  return {
    title: 'Branches and tags',
    columns: [
      { name: 'name', whole: true },
      { name: 'type', whole: true },
      { name: 'snapshot', numeric: true },
      { name: 'keeps' },
    ],
    rows: refs.map(ref => {
      const keeps = [
        ...(ref.keepSnapshots === null ? [] : [counted(ref.keepSnapshots, 'snapshot')]),
        ...(ref.snapshotAgeMs === null ? [] : [`snapshots of ${ageText(ref.snapshotAgeMs)}`]),
        ...(ref.refAgeMs === null ? [] : [`itself for ${ageText(ref.refAgeMs)}`]),
      ]
      return [ref.name, ref.type, ref.snapshot, keeps.join(', ')]
    }),
  }
}

const DAY_MS = 86_400_000

const ageText = (ms: number): string => (ms >= DAY_MS ? counted(Math.round(ms / DAY_MS), 'day') : formatDuration(ms))

function snapshotSection({ snapshots }: TableDescription): Section {
  const numeric = ['added', 'deleted', 'rows'].map(name => ({ name, numeric: true }))
  return {
    title: 'Snapshots',
    isLong: true,
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
