import { LakeError } from '../errors.ts'
import { currentSchema, specById } from './metadata.ts'
import { partitionKeyOf } from './operations/overwrite.ts'
import { metricsRange, type Range } from './predicate.ts'
import { isPrimitive } from './primitive.ts'
import { fieldById } from './schema.ts'
import type { DataFile, DeleteFile, LiveFile, NestedField, TableMetadata } from './types.ts'
import { compareValues } from './value.ts'

/** Field id of `file_path` in position delete files (spec, "Reserved Field IDs"). */
export const DELETE_FILE_PATH = 2147483546

/** Which delete files apply to the rows of a data file (spec, "Scan Planning"); those that surely hit none are left out. */
export function deleteFinder(deletes: readonly DeleteFile[]): (live: LiveFile) => readonly DeleteFile[] {
  if (deletes.length === 0) return () => NONE
  const index = indexOf(deletes)
  return live => deletesOf(live, index)
}

const NONE: readonly DeleteFile[] = []

function deletesOf(live: LiveFile, index: DeleteIndex): readonly DeleteFile[] {
  const { file, sequence_number } = live
  const partition = partitionKeyOf(file)
  const path = Buffer.from(file.file_path)
  const rangeOf = rangesOf(file)
  const positions = [
    ...since(index.ofPath.get(file.file_path), sequence_number),
    ...since(index.ofPartition.get(partition), sequence_number).filter(each => mayName(each, path)),
  ]
  // A row that came with the delete, or after it, is a new one of the same key: an upsert keeps it.
  const equalities = [index.equality.get(partition), index.equality.get(EVERYWHERE)].flatMap(each =>
    since(each, sequence_number + 1n).filter(({ ranges }) => mayEqual(ranges, rangeOf)),
  )
  return [...positions, ...equalities].map(each => each.live)
}

interface DeleteIndex {
  /** Position deletes that point into one file, by its path. */
  readonly ofPath: ReadonlyMap<string, readonly Indexed[]>
  /** Other position deletes, by partition. */
  readonly ofPartition: ReadonlyMap<string, readonly Indexed[]>
  /** Equality deletes, by partition; those of an unpartitioned spec apply to all files of the table. */
  readonly equality: ReadonlyMap<string, readonly Indexed[]>
}

interface Indexed {
  readonly live: DeleteFile
  readonly ranges: readonly ColumnRange[]
}

const EVERYWHERE = ''

function indexOf(deletes: readonly DeleteFile[]): DeleteIndex {
  const ordered = deletes
    .toSorted((left, right) => compareValues(left.sequence_number, right.sequence_number))
    .map((live): Indexed => ({ live, ranges: (live.columns ?? []).flatMap(column => columnRange(live.file, column)) }))
  const equality = ordered.filter(({ live }) => live.file.content === 2)
  const positions = Map.groupBy(
    ordered.filter(({ live }) => live.file.content === 1),
    ({ live }) => onlyPath(live.file),
  )
  return {
    ofPath: new Map([...positions].filter((entry): entry is [string, Indexed[]] => entry[0] !== undefined)),
    ofPartition: Map.groupBy(positions.get(undefined) ?? [], ({ live }) => partitionKeyOf(live.file)),
    equality: Map.groupBy(equality, ({ live }) => (live.everywhere ? EVERYWHERE : partitionKeyOf(live.file))),
  }
}

/** Those of at least a sequence number, of a list in its order. */
function since(ordered: readonly Indexed[] = [], sequence: bigint): readonly Indexed[] {
  let [low, high] = [0, ordered.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ordered[middle] as Indexed).live.sequence_number < sequence) low = middle + 1
    else high = middle
  }
  return ordered.slice(low)
}

// --- Position deletes ----------------------------------------------------------------------------------------------

/** The one file that a position delete file points into, if its writer says so; Iceberg Java takes equal bounds for that. */
function onlyPath(file: DataFile): string | undefined {
  if (file.referenced_data_file !== null) return file.referenced_data_file
  const [lower, upper] = [file.lower_bounds.get(DELETE_FILE_PATH), file.upper_bounds.get(DELETE_FILE_PATH)]
  return lower && upper && lower.equals(upper) ? lower.toString('utf8') : undefined
}

function mayName({ live: { file } }: Indexed, path: Buffer): boolean {
  const [lower, upper] = [file.lower_bounds.get(DELETE_FILE_PATH), file.upper_bounds.get(DELETE_FILE_PATH)]
  return (lower === undefined || lower.compare(path) <= 0) && (upper === undefined || upper.compare(path) >= 0)
}

// --- Equality deletes ----------------------------------------------------------------------------------------------

/** A live entry of a delete manifest, with what the table's metadata says of it. */
export function deleteFile(metadata: TableMetadata, live: LiveFile): DeleteFile {
  if (live.file.content !== 2) return live
  const spec = specById(metadata, live.file.spec_id)
  // Removed fields stay in specs of version 1 as void: such a spec has no partitions either.
  const everywhere = spec.fields.every(field => field.transform === 'void')
  return { ...live, columns: equalityColumns(metadata, live.file), everywhere }
}

/** The columns of an equality delete, by the newest schema that has each: it applies to old files after they were dropped, too. */
function equalityColumns(metadata: TableMetadata, { equality_ids, file_path }: DataFile): readonly NestedField[] {
  const current = currentSchema(metadata)
  const schemas = [current, ...metadata.schemas.filter(schema => schema !== current).toReversed()]
  if (!equality_ids || equality_ids.length === 0)
    throw new LakeError('table-corrupt', 'an equality delete file does not say which columns it compares', {
      file: file_path,
    })
  return equality_ids.map(id => {
    const found = schemas.map(schema => schema.fields.find(field => field.id === id)).find(field => field !== undefined)
    if (found && isPrimitive(found.type)) return found
    const isNested = schemas.some(schema => fieldById(schema, id) !== undefined)
    throw isNested
      ? new LakeError('unsupported', 'the table has equality deletes by a field inside a struct', {
          file: file_path,
          id,
        })
      : new LakeError('table-corrupt', `no schema has the column ${id} that an equality delete compares`, {
          file: file_path,
        })
  })
}

interface ColumnRange {
  readonly id: number
  readonly type: string
  readonly range: Range
}

/** Bounds leave NaN out, which equals itself here, and writers disagree on the order of a uuid: those columns decide nothing. */
function columnRange(file: DataFile, { id, type }: NestedField): readonly ColumnRange[] {
  if (!isPrimitive(type) || type === 'float' || type === 'double' || type === 'uuid') return []
  return [{ id, type, range: metricsRange(file, id, type) }]
}

/** The ranges of a data file's columns, each worked out once. */
function rangesOf(file: DataFile): (column: ColumnRange) => Range {
  const known = new Map<number, Range>()
  return ({ id, type }) => {
    const range = known.get(id) ?? metricsRange(file, id, type)
    known.set(id, range)
    return range
  }
}

/** Whether a row can equal a deleted one in every column: null equals null, and for the rest the bounds must meet. */
function mayEqual(ranges: readonly ColumnRange[], rangeOf: (column: ColumnRange) => Range): boolean {
  return ranges.every(column => {
    const [deleted, held] = [column.range, rangeOf(column)]
    if (deleted.hasNull !== false && held.hasNull !== false) return true
    if (deleted.hasNotNull === false || held.hasNotNull === false) return false
    return !isBelow(deleted, held) && !isBelow(held, deleted)
  })
}

function isBelow({ upper }: Range, { lower }: Range): boolean {
  return upper !== undefined && lower !== undefined && compareValues(upper, lower) < 0
}
