import { type Dataset, handOverTableName, quarantineTableName, tombstoneTableName } from '#lake/dataset.ts'
import type { Table } from '#lake/iceberg/table.ts'
import { DELETE_LIMITS } from '#lake/small-files.ts'

export type Strategy = Dataset['compaction']['strategy']

/** What a plan is made by. Sizes are bytes of files as they are stored. */
export interface CompactionSettings {
  readonly strategy: Strategy
  readonly targetFileBytes: number
  /** So many small files of one partition are worth rewriting. */
  readonly minFiles: number
  /** Undefined: what the table's properties say. */
  readonly codec: 'zstd' | 'snappy' | undefined
  /** So many delete files on one data file are too many, whatever they delete. */
  readonly deleteFilesMax: number
  /** Such a share of a file's rows being deleted is worth rewriting it. */
  readonly deletedRatioMax: number
  /** A group is rewritten by one call of a function. */
  readonly groupBytesMax: number
  readonly groupFilesMax: number
  /** A single file over this bound cannot be cut into groups, so its partition goes to Athena. Infinite where no function's limits hold. */
  readonly fileBytesMax: number
}

/** Where the work runs: on a laptop nothing ends after 15 minutes. */
export type Bounds = Partial<Pick<CompactionSettings, 'groupBytesMax' | 'groupFilesMax' | 'fileBytesMax'>>

const MIB = 1_048_576

/**
 * A function has 10 GB of disk and 15 minutes. Two cores rewrite 50 to 110 MB/s from local disk (`npm run bench`), and S3 is slower
 * than that: 2 GiB end within two minutes to three. A sort spills rows as they are in memory, six times and more what they take in a
 * file, so its groups are smaller: rows are in order within each.
 */
const GROUP_BYTES_MAX = { binpack: 2_048 * MIB, sorted: 512 * MIB }
/** Each input is a request to S3 and a name in a statement. */
const GROUP_FILES_MAX = 2_000
/** One file of this size and its rewritten copy, or a sort's spill, fit the disk. */
const FILE_BYTES_MAX = { binpack: 3_072 * MIB, sorted: 1_024 * MIB }

/** Iceberg's default is 512 MB, which a table of another writer may rely on. */
const TARGET_FILE_BYTES = 512 * MIB
const MIN_FILES = 5

/**
 * From the dataset, for its table and those beside it; for any other table from the properties that engines honour, with Iceberg's
 * defaults. Only the dataset's own table is ever sorted: the others are read whole, or by batch.
 */
export function settingsOf(
  table: Table,
  options: {
    readonly datasets?: readonly Dataset[] | undefined
    readonly strategy?: Strategy | undefined
    readonly bounds?: Bounds | undefined
  } = {},
): CompactionSettings {
  const { properties } = table.metadata
  const owner = options.datasets?.find(each => tablesOf(each).includes(table.name))
  const target = Number(properties['write.target-file-size-bytes'])
  const strategy = options.strategy ?? (owner?.name === table.name ? owner.compaction.strategy : 'binpack')
  const work = strategy === 'binpack' ? 'binpack' : 'sorted'
  return {
    strategy,
    targetFileBytes: owner?.compaction.targetFileBytes ?? (target > 0 ? target : TARGET_FILE_BYTES),
    minFiles: owner?.compaction.minFiles ?? MIN_FILES,
    codec: owner?.compaction.codec,
    ...DELETE_LIMITS,
    groupBytesMax: GROUP_BYTES_MAX[work],
    groupFilesMax: GROUP_FILES_MAX,
    fileBytesMax: FILE_BYTES_MAX[work],
    ...options.bounds,
  }
}

const tablesOf = (dataset: Dataset): readonly string[] => [
  dataset.name,
  ...[quarantineTableName, tombstoneTableName, handOverTableName].map(nameOf => nameOf(dataset)),
]

// --- Cost ----------------------------------------------------------------------------------------------------------

/** The memory of the function that stacks/plan.ts deploys. */
const FUNCTION_GB = 3.5
/** Half of what the slowest run on two cores did, from local disk (`npm run bench`): what comes from S3 comes slower. */
const BYTES_PER_SECOND = 25_000_000
/** Start of a process, the table's metadata, the last upload. */
const GROUP_SECONDS = 4

/** GB-seconds that Lambda would charge for groups of these sizes: an estimate on the dear side. */
export function estimateGbSeconds(groups: readonly { readonly bytes: number }[]): number {
  const seconds = groups.reduce((sum, group) => sum + GROUP_SECONDS + group.bytes / BYTES_PER_SECOND, 0)
  return Math.round(seconds * FUNCTION_GB)
}
