const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const
/** Where there is no number. */
const GAP = '·'

/** A column for each value, lowest for the least and highest for the greatest of them, or of a scale; values that are all equal lie in the middle. */
export function sparkline(values: readonly (number | null)[], scale: readonly number[] = []): string {
  const numbers = [...scale, ...values.filter(value => value !== null)]
  const least = Math.min(...numbers)
  const range = Math.max(...numbers) - least
  const barOf = (value: number): string => {
    // Two numbers may be so far apart that their difference is no number any more.
    const share = range > 0 && Number.isFinite(range) ? (value - least) / range : 0.5
    return BARS[Math.round(share * (BARS.length - 1))] as string
  }
  return values.map(value => (value === null ? GAP : barOf(value))).join('')
}
