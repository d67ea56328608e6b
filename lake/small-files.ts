import { partitionKeyOf } from './iceberg/operations/overwrite.ts'
import { DELETE_FILE_PATH } from './iceberg/scan-deletes.ts'
import type { DataFile, LiveFile, ScanFile } from './iceberg/types.ts'

/** When files of a table are worth rewriting: asked after every commit, and by the plan of a compaction. */
export interface FileSizes {
  readonly targetFileBytes: number
  /** So many small files of one partition are worth rewriting. */
  readonly minFiles: number
}

/** Iceberg's own bound (SizeBasedFileRewritePlanner): a file below three quarters of the target is small. */
export const SMALL_SHARE = 0.75

export function isSmall({ file }: LiveFile, { targetFileBytes }: Pick<FileSizes, 'targetFileBytes'>): boolean {
  return Number(file.file_size_in_bytes) < targetFileBytes * SMALL_SHARE
}

/** Whether some partition has as many small files as are worth rewriting, or some file too many deletes. */
export function compactionDue(files: readonly ScanFile[], sizes: FileSizes): boolean {
  const counts = new Map<string, number>()
  for (const { file } of files.filter(live => isSmall(live, sizes))) {
    const key = partitionKeyOf(file)
    const count = (counts.get(key) ?? 0) + 1
    if (count >= sizes.minFiles && count > 1) return true
    counts.set(key, count)
  }
  return files.some(live => hasManyDeletes(live))
}

// --- Deletes -------------------------------------------------------------------------------------------------------

export interface DeleteLimits {
  /** So many delete files on one data file are too many, whatever they delete. */
  readonly deleteFilesMax: number
  /** Such a share of a file's rows being deleted is worth rewriting it. */
  readonly deletedRatioMax: number
}

/** Iceberg's own delete-ratio-threshold. Its delete-file-threshold is off by default; every delete file costs each read a join. */
export const DELETE_LIMITS: DeleteLimits = { deleteFilesMax: 10, deletedRatioMax: 0.3 }

/** Every read compares each row of the file with all keys of an equality delete, so a few of them are already many. */
const EQUALITY_WEIGHT = 5

export function hasManyDeletes({ file, deletes }: ScanFile, limits: DeleteLimits = DELETE_LIMITS): boolean {
  const weight = deletes.reduce((sum, each) => sum + (each.file.content === 2 ? EQUALITY_WEIGHT : 1), 0)
  return weight >= limits.deleteFilesMax || deletedRatio(file, deletes) >= limits.deletedRatioMax
}

/**
 * The share of rows that position deletes of this file alone take away, as Iceberg counts it. Those of a whole partition say nothing
 * about one file, and counting them would rewrite it again after each rewrite for as long as they apply to another.
 */
export function deletedRatio(file: DataFile, deletes: readonly LiveFile[]): number {
  const own = deletes.filter(each => each.file.content === 1 && isOfOneFile(each.file))
  const rows = own.reduce((sum, each) => sum + Number(each.file.record_count), 0)
  return file.record_count === 0n ? 0 : Math.min(1, rows / Number(file.record_count))
}

/** A scan gives a file only such of these as point into it. Iceberg Java takes equal bounds of the path for one file, too. */
function isOfOneFile({ referenced_data_file, lower_bounds, upper_bounds }: DataFile): boolean {
  const [lower, upper] = [lower_bounds.get(DELETE_FILE_PATH), upper_bounds.get(DELETE_FILE_PATH)]
  return referenced_data_file !== null || (lower !== undefined && upper !== undefined && lower.equals(upper))
}
