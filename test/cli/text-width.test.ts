// Columns line up whatever is in them, and no text that producers send has power over the terminal.
import { expect, test } from 'vitest'
import { cutText, printable, textWidth } from '../../cli/text-width.ts'

test.each([
  ['', 0],
  ['abc', 3],
  ['Zürich', 6],
  ['e\u0301', 1], // e with a combining accent
  ['日本', 4],
  ['ﾊﾝｶｸ', 4], // halfwidth katakana
  ['👍', 2],
  ['👨‍👩‍👧', 2], // three people joined into one
  ['🇩🇪', 2],
  ['€', 1],
  ['…', 1],
])('%j takes %i columns', (text, width) => {
  expect(textWidth(text)).toBe(width)
})

test.each([
  ['abcdef', 6, 'abcdef'],
  ['abcdefg', 6, 'abcde…'],
  ['日本語', 5, '日本…'],
  ['日本語', 4, '日…'], // half of a wide character is never shown
  ['👨‍👩‍👧👨‍👩‍👧', 3, '👨‍👩‍👧…'],
  ['abc', 1, '…'],
])('%j cut to %i is %j', (text, width, cut) => {
  expect(cutText(text, width)).toBe(cut)
})

test.each([
  ['a\nb\tc\r', 'a\\nb\\tc\\r'],
  ['\x1b[31mred\x1b]0;title\x07', '\\u{1b}[31mred\\u{1b}]0;title\\u{7}'],
  ['\x9b31m', '\\u{9b}31m'],
  ['safe\u202eevil', 'safe\\u{202e}evil'],
  ['\u2028', '\\u{2028}'],
  ['\ud800', '\\u{d800}'],
  ['Zürich 日本 👍', 'Zürich 日本 👍'],
])('%j is printed as %j', (text, printed) => {
  expect(printable(text)).toBe(printed)
})
