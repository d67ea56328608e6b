/** The candidates that somebody who wrote `word` may have meant, best first: those with the fewest edits, at most three and at most a third of the word. */
export function closest(word: string, candidates: readonly string[], max = 3): readonly string[] {
  const wanted = word.toLowerCase()
  const distanceMax = Math.min(3, Math.max(1, Math.floor(wanted.length / 3)))
  return candidates
    .map(candidate => ({ candidate, distance: distanceOf(wanted, candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= distanceMax)
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, max)
    .map(({ candidate }) => candidate)
}

/** Levenshtein's, where a candidate that contains the word is one edit away. */
function distanceOf(word: string, candidate: string): number {
  if (word === candidate) return 0
  if (word.length >= 3 && candidate.includes(word)) return 1
  let previous = Array.from({ length: candidate.length + 1 }, (_, index) => index)
  for (const [row, letter] of [...word].entries()) {
    const current = [row + 1]
    for (const [column, other] of [...candidate].entries()) {
      const replaced = (previous[column] as number) + (letter === other ? 0 : 1)
      current.push(Math.min(replaced, (previous[column + 1] as number) + 1, (current[column] as number) + 1))
    }
    previous = current
  }
  return previous.at(-1) as number
}
