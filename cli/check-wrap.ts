import { textWidth } from './text-width.ts'

/** Stands for a space at which a line is broken only when it must be. */
export const NO_BREAK = '\u00a0'

/** Lines of at most so many columns, broken at spaces; longer words are broken behind a mark, or where the line ends. */
export function wrapCell(text: string, width: number): readonly string[] {
  if (textWidth(text) <= width) return [text]
  const lines: string[] = ['']
  const words = text.split(' ').flatMap(word => (textWidth(word) > width ? word.split(NO_BREAK) : [word]))
  for (const word of words.flatMap(each => pieces(each, width))) {
    const line = lines.at(-1) as string
    if (line === '') lines[lines.length - 1] = word
    else if (textWidth(line) + 1 + textWidth(word) <= width) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines
}

const segments = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** A word as parts that fit. The names of metrics and files have marks in them at which they read well in two lines. */
function pieces(word: string, width: number): readonly string[] {
  const parts: string[] = []
  let rest = word
  while (textWidth(rest) > width) {
    const taken = beginning(rest, width)
    const marked = taken.search(/[.,/_-][^.,/_-]*$/) + 1
    const part = marked > taken.length / 2 ? taken.slice(0, marked) : taken
    parts.push(part)
    rest = rest.slice(part.length)
  }
  return [...parts, rest].filter(part => part !== '')
}

/** At least one sign, or nothing would ever be done. */
function beginning(text: string, width: number): string {
  let taken = ''
  for (const { segment } of segments.segment(text)) {
    if (taken !== '' && textWidth(taken + segment) > width) break
    taken += segment
  }
  return taken
}
