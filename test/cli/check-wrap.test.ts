// Text is broken into lines that fit: at spaces, behind marks in long words, anywhere when there are none; nothing is lost, and
// it always ends.
import { expect, test } from 'vitest'
import { NO_BREAK, wrapCell } from '../../cli/check-wrap.ts'

test.each([
  ['', 5, ['']],
  ['short', 5, ['short']],
  ['two words', 5, ['two', 'words']],
  ['a bc def', 4, ['a bc', 'def']],
  ['Column.Title.Completeness is 1', 14, ['Column.Title.', 'Completeness', 'is 1']],
  ['0123456789abcdef', 7, ['0123456', '789abcd', 'ef']],
  [`Mean${NO_BREAK}6.28, Sum${NO_BREAK}18`, 12, [`Mean${NO_BREAK}6.28,`, `Sum${NO_BREAK}18`]],
  [`StandardDeviation${NO_BREAK}1.25`, 18, ['StandardDeviation', '1.25']],
  ['名前の列です', 4, ['名前', 'の列', 'です']],
  ['e\u0301e\u0301e\u0301', 2, ['e\u0301e\u0301', 'e\u0301']],
])('%j in %d', (text, width, lines) => {
  expect(wrapCell(text, width)).toEqual(lines)
})

test('a sign that is wider than the line has one for itself', () => {
  expect(wrapCell('名x名', 1)).toEqual(['名', 'x', '名'])
})
