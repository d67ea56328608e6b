import type { Output } from './terminal.ts'

/** Marks text for people. Every mark is the text itself where colours are not wanted. */
export interface Style {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
}

export function styleOf(output: Pick<Output, 'colour'>): Style {
  const mark =
    (on: number, off: number) =>
    (text: string): string =>
      output.colour ? `\x1b[${on}m${text}\x1b[${off}m` : text
  return { bold: mark(1, 22), dim: mark(2, 22), red: mark(31, 39), green: mark(32, 39), yellow: mark(33, 39) }
}
