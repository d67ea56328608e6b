/** The line of a text that holds the place, and a mark below it, for messages about what a person has written. */
export function pointAt(text: string, place: number): string {
  const start = text.lastIndexOf('\n', place - 1) + 1
  const line = text.slice(start).split('\n')[0] as string
  // Only what stands around the place is shown: statements may be generated, and lines long.
  const from = Math.max(0, place - start - 50)
  return `  ${line.slice(from, from + 76)}\n  ${' '.repeat(place - start - from)}^`
}
