import { firstIdAt, outcomesOf } from '#lake/batch-folders.ts'
import { type Dataset, quarantineTableName } from '#lake/dataset.ts'
import { openErasures } from '#lake/erasure.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { liveFiles, type ScanOptions } from '#lake/iceberg/scan.ts'
import { loadTable, type Table } from '#lake/iceberg/table.ts'
import type { ScanFile } from '#lake/iceberg/types.ts'
import { fromBinary, type Value } from '#lake/iceberg/value.ts'
import type { Lake, TableName } from '#lake/lake.ts'
import { newsMs } from '#lake/news.ts'
import { compactionDue, isSmall } from '#lake/small-files.ts'
import { type Backlog, batchesSince } from './backlog.ts'
import { type Completeness, completenessOf } from './rows.ts'

/** How one dataset is, at one moment; what to think of it is said elsewhere. */
export interface Measure {
  readonly dataset: string
  readonly measuredMs: number
  /** When rows came last; undefined when none ever did. */
  readonly lastCommitMs: number | undefined
  /** The greatest event time in the table; undefined when none is declared, or there is none. */
  readonly eventMs: number | undefined
  readonly maxLagMinutes: number | undefined
  readonly backlog: Backlog
  /** Of the window that was asked for; undefined where it cannot be told. */
  readonly completeness: Completeness | undefined
  readonly table: { readonly rows: number; readonly files: number; readonly bytes: number }
  readonly quarantineRows: number
  readonly smallFiles: number
  readonly compactionDue: boolean
  /** When the oldest erasure began that has not ended; undefined when all have. */
  readonly oldestErasureMs: number | undefined
}

export interface MeasureWindow {
  /** Rows of batches that began to land at that time or later are counted; all when absent. */
  readonly countFromMs?: number | undefined
  /** Batches that began to land before are not looked for; none when absent. */
  readonly backlogFromMs?: number | undefined
}

/** Reads documents, metadata and manifests, and of data at most the column of raw objects. */
export async function measureDataset(lake: Lake, dataset: Dataset, window: MeasureWindow = {}): Promise<Measure> {
  const { countFromMs, backlogFromMs } = window
  const tableUuid = (await loadTable(lake, dataset.name))?.metadata['table-uuid']
  const { committed, backlog } = await batchesSince(lake, { dataset: dataset.name, tableUuid, fromMs: backlogFromMs })
  const counted = countFromMs === undefined ? committed : committed.filter(batch => batch >= firstIdAt(countFromMs))
  const outcomes = await outcomesOf(lake, dataset.name, { batches: counted, tableUuid })
  // Reports first: what is committed meanwhile can only add rows, so that none is taken for missing.
  const completeness = await completenessOf(lake, dataset, { outcomes, countFromMs })
  const table = await loadTable(lake, dataset.name)
  const files = table === undefined ? [] : await liveFiles(lake, table, statisticsOf(dataset))
  return {
    dataset: dataset.name,
    measuredMs: lake.clock.nowMs(),
    lastCommitMs: table && newsMs(table.metadata),
    eventMs: table && eventMs(dataset, table, files),
    maxLagMinutes: dataset.freshness?.maxLagMinutes,
    backlog,
    completeness,
    table: {
      rows: rowsIn(files),
      files: files.length,
      bytes: files.reduce((sum, { file }) => sum + Number(file.file_size_in_bytes), 0),
    },
    quarantineRows: await rowsOf(lake, quarantineTableName(dataset)),
    smallFiles: files.filter(file => isSmall(file, dataset.compaction)).length,
    compactionDue: compactionDue(files, dataset.compaction),
    oldestErasureMs: (await openErasures(lake, dataset.name)).toSorted((a, b) => a - b)[0],
  }
}

const statisticsOf = ({ freshness }: Dataset): ScanOptions =>
  freshness?.eventTime === undefined ? {} : { statistics: [freshness.eventTime] }

/** The greatest upper bound of the files: bounds of times are exact, and rows that were deleted since are few. */
function eventMs({ freshness }: Dataset, { metadata }: Table, files: readonly ScanFile[]): number | undefined {
  const field = currentSchema(metadata).fields.find(each => each.name === freshness?.eventTime)
  if (field === undefined || typeof field.type !== 'string') return undefined
  const type = field.type
  const times = files.flatMap(({ file }) => {
    const upper = file.upper_bounds.get(field.id)
    return upper === undefined ? [] : [msOf(type, fromBinary(type, upper))]
  })
  return times.length === 0 ? undefined : times.reduce((left, right) => Math.max(left, right))
}

/** Days of a date, microseconds of a timestamp. A day counts to its end: nobody knows when in it something was. */
const msOf = (type: string, value: Value): number =>
  type === 'date' ? (Number(value) + 1) * DAY_MS : Math.floor(Number(value) / 1_000)

const DAY_MS = 86_400_000

const rowsIn = (files: readonly ScanFile[]): number =>
  files.reduce((sum, { file }) => sum + Number(file.record_count), 0)

async function rowsOf(lake: Lake, name: TableName): Promise<number> {
  const table = await loadTable(lake, name)
  return table === undefined ? 0 : rowsIn(await liveFiles(lake, table))
}
