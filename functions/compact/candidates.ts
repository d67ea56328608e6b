import type { DataFile, ScanFile } from '#lake/iceberg/types.ts'
import { deletedRatio, hasManyDeletes, isSmall, SMALL_SHARE } from '#lake/small-files.ts'
import type { CompactionSettings } from './settings.ts'

/** Iceberg's own share of the target (SizeBasedFileRewritePlanner): above it a file is cut. */
const LARGE_SHARE = 1.8
/** Without another file the last of several may be this much larger than the target (SizeBasedFileRewritePlanner, 10 %). */
const STRETCH_SHARE = 1.1
/** Results differ by some per cent: when they are meant to be larger than this, none of them comes out small. */
const EVEN_SHARE = 0.85

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
    small: isSmall(scanned, settings),
    large: bytes > settings.targetFileBytes * LARGE_SHARE,
    deleted: hasManyDeletes(scanned, settings),
    unordered: !isOrdered(scanned.file),
  }
}

export const isFaulty = (fault: Fault): boolean => Object.values(fault).some(each => each)

/** Bytes of all files, with rows that are deleted. */
export const bytesOf = (files: readonly (DataFile | Pick<ScanFile, 'file'>)[]): number =>
  files.reduce((sum, each) => sum + Number(('file' in each ? each.file : each).file_size_in_bytes), 0)

/** Bytes of the rows that are left, as far as manifests tell. */
export function liveBytes({ file, deletes }: ScanFile): number {
  return Number(file.file_size_in_bytes) * (1 - deletedRatio(file, deletes))
}

/**
 * How many files so many bytes become: Iceberg's rule (SizeBasedFileRewritePlanner.expectedOutputFiles), which keeps a remainder as a
 * file of its own only when that is not small, and otherwise spreads it. Where Iceberg would then cut files that are all small, and
 * that it would rewrite the next time and every time, one less is written: each result is within the bounds of faultOf.
 */
export function outputFiles(bytes: number, targetFileBytes: number): number {
  if (bytes < targetFileBytes) return 1
  const fewer = Math.floor(bytes / targetFileBytes)
  const more = Math.ceil(bytes / targetFileBytes)
  if (bytes - fewer * targetFileBytes > targetFileBytes * SMALL_SHARE) return more
  if (bytes / fewer < targetFileBytes * STRETCH_SHARE) return fewer
  return bytes / more >= targetFileBytes * EVEN_SHARE ? more : fewer
}
