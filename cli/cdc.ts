import type { ChangeCounts, ChangeReport, CommitReport } from '#lake/batch.ts'
import { changesUri, commitUri, readDocument } from '#lake/batch.ts'
import { type Dataset, tombstoneTableName } from '#lake/dataset.ts'
import { ancestors, currentSnapshot } from '#lake/iceberg/metadata.ts'
import { loadTable, type Table } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'
import { type ChangeBatch, type ChangeTable, documentOf, printChanges } from './cdc-printer.ts'
import { sweepTable } from './cdc-sweep.ts'
import { verifyChanges } from './cdc-verify.ts'
import { closest } from './closest.ts'
import type { Call, Command } from './command.ts'
import { refusal, usage } from './refusal.ts'

const BATCHES = 20
const BATCHES_MAX = 1_000

/** `sluice cdc`: what became of the change events of a table, and whether their order matters. */
export const cdc: Command = {
  name: 'cdc',
  summary: 'show what became of the change events of a table, or try them in other orders',
  takes: { text: 'TABLE | sweep TABLE | verify FILE…', min: 1, max: 1_000 },
  options: {
    batches: { value: 'N', help: `show the last N batches; ${BATCHES} when not given` },
    dataset: { value: 'NAME', help: 'verify: the dataset that the files are of' },
    before: {
      value: 'POSITION',
      help: 'sweep: the snapshot that is the newest truth; without it those that there are',
    },
    'dry-run': { help: 'sweep: say which rows would go, and delete nothing' },
    complete: { help: 'sweep: the snapshot is known to be whole, whatever speaks against it' },
    seeds: { value: 'N', help: 'verify: how many orders to try; 50 when not given' },
    full: { help: 'cut no text and leave out no column' },
  },
  notes: [
    'Every record has one outcome: applied, superseded (a newer one came in the same batch), stale (the table knew a newer one), duplicate, skipped (no row: heartbeats and the like), or refused. Patched columns are those that a late record filled in a newer row; unresolved ones wait for it.',
    'The lag is the time from the newest change of a batch in its source to its commit.',
    'sweep deletes the rows that a snapshot of the source did not read: those that vanished there while nobody listened. It refuses while rows of the snapshot may be on their way; a row that changed since stays.',
    'verify applies recorded files in memory, in random orders, cut and repeated at random, and compares the final tables. Records of Kafka and Kinesis are shuffled one by one, other files as wholes. The lake is not touched.',
  ],
  examples: [
    'sluice cdc customers',
    'sluice cdc customers --batches 5 --json',
    'sluice cdc sweep customers --before 00.00000000016e9a40 --dry-run',
    'sluice cdc verify recorded/*.ndjson --dataset customers --seeds 50',
  ],
  reads: false,
  remote: true,
  run: async call => {
    const [first, ...files] = call.given as readonly [string, ...string[]]
    if (first === 'verify') return verifyChanges(call, files)
    if (first === 'sweep') return sweepTable(call, files)
    if (files.length > 0) throw usage('one table at a time', 'sluice cdc TABLE')
    const table = await changeTable(call, first.toLowerCase(), readCount(call.options.value('batches')))
    if (call.options.has('json')) await call.terminal.out.write(`${JSON.stringify(documentOf(table), null, 2)}\n`)
    else await printChanges(call.terminal.out, table, { full: call.options.has('full') })
    return undefined
  },
}

function readCount(text: string | undefined): number {
  if (text === undefined) return BATCHES
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= BATCHES_MAX) return count
  throw usage(`--batches ${text} is not a number of batches`, `give a whole number from 1 to ${BATCHES_MAX}`)
}

async function changeTable(call: Call, name: string, count: number): Promise<ChangeTable> {
  const { reached: lake } = call
  const table = await loadTable(lake, name)
  const dataset = (await call.datasets()).find(each => each.name === name)
  if (table === undefined) throw await notThere(call, name, dataset)
  const commits = ancestors(table.metadata).filter(({ summary }) => APPLIED in summary)
  if (commits.length === 0)
    throw refusal(
      'not-found',
      `no change events were applied to ${name}`,
      '`sluice explain` tells where the rows of other tables come from',
    )
  const batches: ChangeBatch[] = []
  for (const { summary, ...snapshot } of commits.slice(0, count)) {
    const batch = summary['sluice.batch'] as string
    const newestUs = summary['sluice.changes-newest-event-us']
    batches.push({
      batch,
      snapshotId: String(snapshot['snapshot-id']),
      committedMs: snapshot['timestamp-ms'],
      newestEventMs: newestUs === undefined ? undefined : Number(BigInt(newestUs) / 1_000n),
      counts: (await countsOf(lake, name, batch)) ?? foldedCounts(summary),
    })
  }
  return { table: name, batches, tombstones: await tombstonesOf(lake, table), more: commits.length - batches.length }
}

const APPLIED = 'sluice.changes-applied'

async function notThere(call: Call, name: string, dataset: Dataset | undefined): Promise<Error> {
  if (dataset !== undefined)
    return refusal(
      'not-found',
      `no batch of ${name} has been applied yet`,
      `put a file: sluice put FILE --dataset ${name}`,
    )
  const near = closest(name, await call.reached.catalog.tables())
  const next = near.length > 0 ? `did you mean ${near.join(' or ')}?` : '`sluice tables` lists the tables'
  return refusal('not-found', `there is no table ${name}`, next)
}

/** With what quality skipped and refused, which the snapshot does not know. */
async function countsOf(lake: Lake, dataset: string, batch: string): Promise<ChangeCounts | undefined> {
  const report = await readDocument<ChangeReport>(lake, changesUri(lake, dataset, batch))
  return report?.counts ?? (await readDocument<CommitReport>(lake, commitUri(lake, dataset, batch)))?.changes
}

function foldedCounts(summary: Readonly<Record<string, string>>): ChangeCounts {
  const of = (name: string): number => Number(summary[`sluice.changes-${name}`] ?? 0)
  const outcomes = {
    applied: of('applied'),
    superseded: of('superseded'),
    stale: of('stale'),
    duplicate: of('duplicate'),
    skipped: of('skipped'),
    deadLetters: of('late'),
  }
  const received = Object.values(outcomes).reduce((sum, each) => sum + each, 0)
  const repairs = { patched: of('patched'), unresolved: of('unresolved') }
  return { received, ...outcomes, ...repairs, resurrectionsPrevented: of('resurrections-prevented') }
}

async function tombstonesOf(lake: Lake, { name }: Table): Promise<number> {
  const table = await loadTable(lake, tombstoneTableName({ name }))
  const snapshot = table && currentSnapshot(table.metadata)
  return Number(snapshot?.summary['total-records'] ?? 0)
}
