import { formatBytes, formatDuration } from './units.ts'

export interface Progress {
  readonly doneBytes: number
  readonly totalBytes: number
  /** What is worked on, or how many of it are done: `3 of 12 files`. */
  readonly text: string
}

const BAR_WIDTH = 20

/** `██████░░░░░░░░░░░░░░  33 %  90.1 MB of 270.0 MB, 45.0 MB/s, 4.00 s left  3 of 12 files` */
export function progressBar({ doneBytes, totalBytes, text }: Progress, elapsedMs: number): string {
  const share = totalBytes === 0 ? 1 : Math.min(1, doneBytes / totalBytes)
  const filled = Math.round(share * BAR_WIDTH)
  const speed = doneBytes === 0 || elapsedMs === 0 ? [] : speedOf(doneBytes, totalBytes, elapsedMs)
  const amounts = [`${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`, ...speed].join(', ')
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled)
  return `${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${amounts}  ${text}`
}

function speedOf(doneBytes: number, totalBytes: number, elapsedMs: number): readonly string[] {
  const leftMs = ((totalBytes - doneBytes) * elapsedMs) / doneBytes
  return [`${formatBytes((doneBytes / elapsedMs) * 1_000)}/s`, `${formatDuration(Math.max(0, leftMs))} left`]
}
