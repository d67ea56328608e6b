/** `3,000,000` */
export function formatCount(count: number | bigint | string): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** `45.1 MB`, in powers of 1,000. */
export function formatBytes(bytes: number | bigint): string {
  let value = Number(bytes)
  let unit = 0
  // 999.95 would round to 1000.0.
  while (value >= (unit === 0 ? 1_000 : 999.95) && unit < UNITS.length - 1) {
    value /= 1_000
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`
}

/** `2026-11-21 02:34:05Z` */
export function formatTime(ms: number): string {
  return `${isoTime(ms).slice(0, 19).replace('T', ' ')}Z`
}

/** Milliseconds are kept: two snapshots may be that close. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

/** `0.42 s`, `12.3 s`, `3 min 20 s`, `5 h 12 min`, `12 d 3 h` */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`
  if (seconds < 99.95) return `${seconds.toFixed(1)} s`
  const [minutes, hours] = [Math.round(seconds / 60), Math.round(seconds / 3_600)]
  if (seconds < 7_199.5) return `${Math.floor(Math.round(seconds) / 60)} min ${Math.round(seconds) % 60} s`
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** `1 row`, `2 rows` */
export function counted(count: number | bigint, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${Number(count) === 1 ? noun : plural}`
}
