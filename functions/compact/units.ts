import type { ScanFile } from '#lake/iceberg/types.ts'
import { bytesOf, liveBytes, outputFiles } from './candidates.ts'

/** Files that one COPY reads. */
export interface Unit {
  readonly files: readonly ScanFile[]
  /** Begin another file at about this size; undefined: everything in one. */
  readonly cutBytes: number | undefined
  /** How many files are expected. */
  readonly outputs: number
}

/**
 * How a group becomes files of even size. `ratio`: bytes written for a byte read, measured, because another codec or a longer row group
 * changes it by half. Small files are dealt out to one COPY for each result; DuckDB's own cutting (FILE_SIZE_BYTES) goes by whole row
 * groups and leaves a small last file, so it is for what cannot be dealt out: rows that are sorted, or files that are large themselves.
 */
export function unitsOf(
  files: readonly ScanFile[],
  options: { readonly targetFileBytes: number; readonly ratio: number; readonly together: boolean },
): readonly Unit[] {
  const bytes = files.reduce((sum, file) => sum + liveBytes(file), 0)
  const outputs = outputFiles(bytes * options.ratio, options.targetFileBytes)
  if (outputs === 1) return [{ files, cutBytes: undefined, outputs }]
  const share = bytes / outputs
  if (options.together || files.some(file => liveBytes(file) > share * LARGEST_SHARE))
    return [{ files, cutBytes: Math.ceil((bytes * options.ratio) / outputs), outputs }]
  return dealt(files, share).map(each => ({ files: each, cutBytes: undefined, outputs: 1 }))
}

/** Of a result: with larger files than this, results would differ by more than a quarter. */
const LARGEST_SHARE = 0.25

/** Neighbours stay together; a file belongs where its middle falls. */
function dealt(files: readonly ScanFile[], share: number): readonly (readonly ScanFile[])[] {
  let before = 0
  const bins = Map.groupBy(files, file => {
    const middle = before + liveBytes(file) / 2
    before += liveBytes(file)
    return Math.floor(middle / share)
  })
  return [...bins.values()]
}

/** Files spread over all of a group that together have at least so many rows. */
export function sampleOf(files: readonly ScanFile[], rows: number): readonly ScanFile[] {
  const total = files.reduce((sum, { file }) => sum + Number(file.record_count), 0)
  const count = Math.max(1, Math.ceil((files.length * rows) / Math.max(1, total)))
  const step = Math.max(1, Math.floor(files.length / count))
  return files.filter((_file, at) => at % step === 0).slice(0, count)
}

const ROWS_DEFAULT = 122_880
const ROWS_MIN = 2_048
const ROWS_MAX = 1_048_576

/**
 * Measured on two cores: a writing thread holds about fifteen times the compressed size of its row group (122,880 rows of 25 bytes:
 * 350 MB in all, 2.5 million: 2.2 GB), so wide rows need shorter groups.
 */
const HELD_PER_BYTE = 15
/** Of the memory of the process: the rest is for readers, for Node and for what DuckDB does not count. */
const WRITE_SHARE = 0.15

/** Rows of a row group, from the memory that there is: never fewer than DuckDB's vector, a million at most. */
export function rowGroupRows(files: readonly ScanFile[], limits: { memoryBytes: number; threads: number }): number {
  const rows = files.reduce((sum, { file }) => sum + Number(file.record_count), 0)
  if (rows === 0) return ROWS_DEFAULT
  const fitting = (limits.memoryBytes * WRITE_SHARE) / limits.threads / (HELD_PER_BYTE * (bytesOf(files) / rows))
  const whole = Math.floor(fitting / ROWS_MIN) * ROWS_MIN
  // Longer than DuckDB's own only where there is memory to spare: they are read a little faster, and written no faster.
  return Math.min(ROWS_MAX, Math.max(ROWS_MIN, whole))
}

/** DuckDB cuts between row groups: a file of eight comes out within an eighth of its size. */
const ROW_GROUPS_MIN = 8

/** Rows of a row group, short enough for the files of a unit to be cut where they should be. */
export function cutRows({ files, cutBytes, outputs }: Unit, rowsMax: number): number {
  if (cutBytes === undefined) return rowsMax
  const rows = files.reduce((sum, { file }) => sum + Number(file.record_count), 0) / outputs / ROW_GROUPS_MIN
  return Math.min(rowsMax, Math.max(ROWS_MIN, Math.floor(rows / ROWS_MIN) * ROWS_MIN))
}
