// The header of a CSV file is its first line that is not empty, by RFC 4180, whatever stands in the names; the delimiter is the one that
// it has most of outside of quotes, unless the format says which.
import { expect, test } from 'vitest'
import { csvHeader } from '../../cli/check-head.ts'

test.each([
  ['a,b\n1,2', [',', 'a', 'b']],
  ['a;b;c,d\n', [';', 'a', 'b', 'c,d']],
  ['a\tb\n', ['\t', 'a', 'b']],
  ['a|b|c', ['|', 'a', 'b', 'c']],
  ['only\n1\n', [',', 'only']],
  ['"a,b";"c;d"\n', [';', 'a,b', 'c;d']],
  ['"say ""hi""",b\n', [',', 'say "hi"', 'b']],
  ['"two\nlines",b\r\n1,2', [',', 'two\nlines', 'b']],
  ['a,\r1,2', [',', 'a', '']],
  ['\ufeffa,b\n', [',', 'a', 'b']],
])('%j', (text, [delimiter, ...names]) => {
  expect(csvHeader(text)).toMatchObject({ delimiter, names })
})

test('a given delimiter stands', () => {
  expect(csvHeader('a,b\tc\n', '\t')?.names).toEqual(['a,b', 'c'])
})

test.each([
  ['a\n', 0],
  ['\na\n', 1],
  ['\r\n\r\na\n', 2],
  ['\r\ra\r', 2],
])('%j: blank lines before it are counted', (text, blankLines) => {
  expect(csvHeader(text)).toMatchObject({ names: ['a'], blankLines })
})

test.each(['', '\n', '\r\n\n', '\ufeff'])('%j has no header', text => {
  expect(csvHeader(text)).toBeUndefined()
})
