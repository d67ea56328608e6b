import { partitionKeyOf } from '#lake/iceberg/operations/overwrite.ts'
import type { DataFile, ScanFile } from '#lake/iceberg/types.ts'
import { bytesOf, type Fault, faultOf, isFaulty, liveBytes, outputFiles } from './candidates.ts'
import type { CompactionSettings } from './settings.ts'

/** Files of one partition that are rewritten together, by one function or by Athena. */
export interface PlannedGroup {
  readonly route: 'function' | 'athena'
  /** `regroup`: files of older specs, whose rows belong to any number of partitions of the current one. */
  readonly kind: 'partition' | 'regroup'
  readonly files: readonly ScanFile[]
  readonly bytes: number
  /** Expected: rows are compressed better together, so there may be fewer. */
  readonly outputs: number
  readonly outputBytes: number
  /** Athena only: the statement's WHERE, none when it has to take the whole table. */
  readonly where?: string
}

/** What the plan has to know of the table besides its files. */
export interface PlanContext {
  /** New files are written under this partition spec. */
  readonly specId: number
  /** The rows of a file are already in the order that the strategy asks for; always true where it asks for none. */
  readonly isOrdered: (file: DataFile) => boolean
  /** The partition of a file as a condition that Athena takes, if its transforms can be said in SQL. */
  readonly whereOf: (file: DataFile) => string | undefined
}

/**
 * Which files to rewrite together, those first whose rewrite takes most files out of the table. Follows Iceberg's
 * BinPackRewriteFilePlanner: files that are too small, too large or too much deleted, by partition, as soon as there are enough of them
 * or one is bad enough by itself. Planning again after the plan was carried out gives nothing: the results are neither small nor
 * large, or are too few for another round.
 */
export function planGroups(
  files: readonly ScanFile[],
  settings: CompactionSettings,
  context: PlanContext,
): readonly PlannedGroup[] {
  const partitions = Map.groupBy(candidates(files, settings, context), ({ file }) => partitionOf(file.file, context))
  const planned = [...partitions].flatMap(([key, members]) =>
    qualifies(members, settings) ? groupsOf(key, members, { settings, context }) : [],
  )
  const everywhere = planned.filter(group => group.route === 'athena' && group.where === undefined)
  // A statement without a condition rewrites the whole table, and would take their files from all other groups.
  const groups =
    everywhere.length === 0
      ? planned
      : [
          athenaGroup(
            planned.flatMap(group => group.files),
            settings,
          ),
        ]
  return groups.toSorted(byGain)
}

interface Candidate {
  readonly file: ScanFile
  readonly fault: Fault
}

/** In the order in which the rows came, so that neighbours in time stay neighbours. */
function candidates(
  files: readonly ScanFile[],
  settings: CompactionSettings,
  { isOrdered }: PlanContext,
): readonly Candidate[] {
  return files
    .map(file => ({ file, fault: faultOf(file, settings, isOrdered) }))
    .filter(({ fault }) => isFaulty(fault))
    .toSorted((left, right) => byAge(left.file, right.file))
}

function byAge(left: ScanFile, right: ScanFile): number {
  if (left.sequence_number !== right.sequence_number) return left.sequence_number < right.sequence_number ? -1 : 1
  return left.file.file_path < right.file.file_path ? -1 : 1
}

const REGROUP = 'regroup'

const partitionOf = (file: DataFile, { specId }: PlanContext): string =>
  file.spec_id === specId ? partitionKeyOf(file) : REGROUP

/** Rewriting must gain something: fewer files, or files without deletes, of the right size or in the right order. */
function qualifies(members: readonly Candidate[], settings: CompactionSettings): boolean {
  if (members.some(({ fault }) => isBad(fault))) return true
  if (members.length < 2) return false
  const bytes = bytesOf(members.map(({ file }) => file))
  return members.length >= settings.minFiles || bytes > settings.targetFileBytes
}

/** Worth a rewrite by itself; a small file is so only together with others. */
const isBad = (fault: Fault | undefined): boolean =>
  fault !== undefined && (fault.large || fault.deleted || fault.unordered)

function groupsOf(
  key: string,
  members: readonly Candidate[],
  { settings, context }: { readonly settings: CompactionSettings; readonly context: PlanContext },
): readonly PlannedGroup[] {
  const files = members.map(({ file }) => file)
  const [first] = files
  // Athena takes all of a partition that has a file which nothing else can cut.
  if (first && files.some(({ file }) => Number(file.file_size_in_bytes) > settings.fileBytesMax)) {
    const where = key === REGROUP ? undefined : context.whereOf(first.file)
    return [{ ...athenaGroup(files, settings), ...(where === undefined ? {} : { where }) }]
  }
  const kind = key === REGROUP ? 'regroup' : 'partition'
  const faults = new Map(members.map(({ file, fault }) => [file, fault]))
  return cut(files, settings)
    .map((each): PlannedGroup => ({ route: 'function', kind, ...sized(each, settings) }))
    .filter(group => group.outputs < group.files.length || group.files.some(file => isBad(faults.get(file))))
}

function athenaGroup(files: readonly ScanFile[], settings: CompactionSettings): PlannedGroup {
  return { route: 'athena', kind: 'partition', ...sized(files.toSorted(byAge), settings) }
}

function sized(
  files: readonly ScanFile[],
  { targetFileBytes }: CompactionSettings,
): Pick<PlannedGroup, 'files' | 'bytes' | 'outputs' | 'outputBytes'> {
  const outputBytes = Math.round(files.reduce((sum, file) => sum + liveBytes(file), 0))
  return { files, bytes: bytesOf(files), outputs: outputFiles(outputBytes, targetFileBytes), outputBytes }
}

/** As few groups as the bounds allow, all about as large: a last group of left-overs would leave another small file. */
function cut(files: readonly ScanFile[], settings: CompactionSettings): readonly (readonly ScanFile[])[] {
  const { groupBytesMax, groupFilesMax } = settings
  const count = Math.max(Math.ceil(bytesOf(files) / groupBytesMax), Math.ceil(files.length / groupFilesMax))
  const share = { bytes: bytesOf(files) / count, files: Math.ceil(files.length / count) }
  const groups: ScanFile[][] = []
  let bytes = 0
  for (const file of files) {
    const size = Number(file.file.file_size_in_bytes)
    const group = groups.at(-1)
    const full =
      group === undefined || group.length >= share.files || bytes + size > groupBytesMax || bytes >= share.bytes
    if (full) groups.push([file])
    else group.push(file)
    bytes = full ? size : bytes + size
  }
  return groups
}

function byGain(left: PlannedGroup, right: PlannedGroup): number {
  return gainOf(right) - gainOf(left) || left.bytes - right.bytes || (firstPath(left) < firstPath(right) ? -1 : 1)
}

/** Files that a reader no longer opens, data and deletes. */
function gainOf({ files, outputs }: PlannedGroup): number {
  const deletes = new Set(files.flatMap(each => each.deletes.map(({ file }) => file.file_path)))
  return files.length - outputs + deletes.size
}

const firstPath = (group: PlannedGroup): string => group.files[0]?.file.file_path ?? ''
