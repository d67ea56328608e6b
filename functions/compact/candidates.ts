import { DELETE_FILE_PATH } from '#lake/iceberg/scan-deletes.ts'
import type { DataFile, LiveFile, ScanFile } from '#lake/iceberg/types.ts'
import type { CompactionSettings } from './settings.ts'

/** Iceberg's own shares of the target (SizeBasedFileRewritePlanner): below the first a file is small, above the second it is cut. */
const SMALL_SHARE = 0.75
const LARGE_SHARE = 1.8
/** Without another file the last of several may be this much larger than the target (SizeBasedFileRewritePlanner, 10 %). */
const STRETCH_SHARE = 1.1

/** Every read compares each row of the file with all keys of an equality delete, so a few of them are already many. */
const EQUALITY_WEIGHT = 5

/** What is wrong with a file; empty when nothing is. */
export interface Fault {
  readonly small: boolean
  readonly large: boolean
  readonly deleted: boolean
  readonly unordered: boolean
}

/** `isOrdered`: the rows are already in the order that is asked for. */
export function faultOf(
  scanned: ScanFile,
  settings: CompactionSettings,
  isOrdered: (file: DataFile) => boolean,
): Fault {
  const bytes = Number(scanned.file.file_size_in_bytes)
  return {
    small: bytes < settings.targetFileBytes * SMALL_SHARE,
    large: bytes > settings.targetFileBytes * LARGE_SHARE,
    deleted: hasManyDeletes(scanned, settings),
    unordered: !isOrdered(scanned.file),
  }
}

export const isFaulty = (fault: Fault): boolean => Object.values(fault).some(each => each)

function hasManyDeletes({ file, deletes }: ScanFile, settings: CompactionSettings): boolean {
  const weight = deletes.reduce((sum, each) => sum + (each.file.content === 2 ? EQUALITY_WEIGHT : 1), 0)
  return weight >= settings.deleteFilesMax || deletedRatio(file, deletes) >= settings.deletedRatioMax
}

/**
 * The share of rows that position deletes of this file alone take away, as Iceberg counts it. Those of a whole partition say nothing
 * about one file, and counting them would rewrite it again after each rewrite for as long as they apply to another.
 */
function deletedRatio(file: DataFile, deletes: readonly LiveFile[]): number {
  const own = deletes.filter(each => each.file.content === 1 && isOfOneFile(each.file))
  const rows = own.reduce((sum, each) => sum + Number(each.file.record_count), 0)
  return file.record_count === 0n ? 0 : Math.min(1, rows / Number(file.record_count))
}

/** A scan gives a file only such of these as point into it. Iceberg Java takes equal bounds of the path for one file, too. */
function isOfOneFile({ referenced_data_file, lower_bounds, upper_bounds }: DataFile): boolean {
  const [lower, upper] = [lower_bounds.get(DELETE_FILE_PATH), upper_bounds.get(DELETE_FILE_PATH)]
  return referenced_data_file !== null || (lower !== undefined && upper !== undefined && lower.equals(upper))
}

/** Bytes of the rows that are left, as far as manifests tell. */
export function liveBytes({ file, deletes }: ScanFile): number {
  return Number(file.file_size_in_bytes) * (1 - deletedRatio(file, deletes))
}

/**
 * How many files so many bytes become: Iceberg's rule (SizeBasedFileRewritePlanner.expectedOutputFiles), which keeps a remainder as a
 * file of its own only when that is not small, and otherwise spreads it. Where Iceberg would then cut files that are all small, and
 * that it would rewrite the next time and every time, one less is written: each result is within the bounds above.
 */
export function outputFiles(bytes: number, targetFileBytes: number): number {
  if (bytes < targetFileBytes) return 1
  const fewer = Math.floor(bytes / targetFileBytes)
  const more = Math.ceil(bytes / targetFileBytes)
  if (bytes - fewer * targetFileBytes > targetFileBytes * SMALL_SHARE) return more
  if (bytes / fewer < targetFileBytes * STRETCH_SHARE) return fewer
  return bytes / more >= targetFileBytes * SMALL_SHARE ? more : fewer
}
