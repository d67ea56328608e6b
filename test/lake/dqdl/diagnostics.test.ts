// Contract: an error names line and column, shows the line with a caret under the place, says what was expected and, in the mistakes that
// people make, what to write instead; every mistake of a text shows at once, each once.
import { describe, expect, test } from 'vitest'
import { placeOf, showDiagnostic } from '#lake/dqdl/diagnostics.ts'
import type { Mode } from '#lake/dqdl/lexer.ts'
import { parseRuleset } from '#lake/dqdl/parser.ts'

function shown(text: string, mode: Mode = 'lenient'): string {
  const { diagnostics } = parseRuleset(text, { mode })
  return `\n${diagnostics.map(each => showDiagnostic(text, each)).join('\n')}\n`
}

test('place, line, caret, fix', () => {
  expect(shown('Rules = [\n  RowCount > 1,\n\tDataFreshness "t" <= 1 day\n]\n')).toBe(`
3:23: error: "1 day" is no duration and no size
  \tDataFreshness "t" <= 1 day
  \t                     ^^^^^
  write 1 days
`)
})

test('in the mode of AWS also what AWS says, where that leads nobody to the cause', () => {
  expect(shown('Rules = [ IsUnique "a" labels=[key=value] ]', 'aws')).toBe(`
1:32: error: expected the key of a label in double quotes, found "key"
  Rules = [ IsUnique "a" labels=[key=value] ]
                                 ^^^
  write "key"
  AWS says: No rules or analyzers provided.
`)
  expect(shown('Rules = [ IsShine "a" ]', 'aws')).not.toContain('AWS says')
  expect(shown('Rules = [ IsUnique "a" labels=[key=value] ]', 'lenient')).not.toContain('AWS says')
})

test('every mistake at once, each once', () => {
  expect(shown('Rules = [\n  rowCount > 1,\n  Mean "a" >,\n  IsComplete "a" > 1 # x\n  RowCount > 2,\n]\n')).toBe(`
2:3: error: Rule Type: rowCount is not valid
    rowCount > 1,
    ^^^^^^^^
  did you mean RowCount?
3:13: error: expected a value, found ","
    Mean "a" >,
              ^
4:18: error: Unexpected condition for rule of type IsComplete with boolean return type
    IsComplete "a" > 1 # x
                   ^^^
  take the condition away
5:15: error: a comma behind the last item
    RowCount > 2,
                ^
  take it away
`)
})

test('behind a missing comma reading goes on', () => {
  const lines = shown('Rules = [ RowCount > 1\n IsComplete "a" > 1\n Mean "b" ]').split('\n')
  expect(lines.filter(line => line.includes(': error: '))).toEqual([
    '2:2: error: expected "," or "]", found "IsComplete"',
    '2:17: error: Unexpected condition for rule of type IsComplete with boolean return type',
  ])
})

describe('the known cases', () => {
  test.each([
    ['Rules = [ DataFreshness "t" <= 3days ]', '1:32', 'write 3 days'],
    ['Rules = [ FileSize > 5KB ]', '1:22', 'write 5 KB'],
    ['Rules = [ Completeness "a" > "0.9" ]', '1:28', 'write 0.9 without quotes'],
    ['Rules = [ Completeness "a" = "0.9" ]', '1:28', 'write 0.9 without quotes'],
    ['Rules = [ ColumnValues "a" matches /re/i ]', '1:36', 'write "(?i)re"'],
    ['Rules = [ CustomSQL "select 1" > 0 ]', '1:11', 'did you mean CustomSql?'],
    ['Rules = [ RowCount == 1 ]', '1:20', 'write = instead of =='],
    ['Rules = [ RowCount <> 1 ]', '1:20', 'write != instead of <>'],
    ['Rules = [\n// all\nRowCount > 1 ]', '2:1', 'write # instead'],
    ['Rules = [ RowCount > 1\n IsComplete "a" ]', '2:2', 'rules are separated by commas: write one before IsComplete'],
    ['Rules = [ IsComplete "a"\n IsUnique "b" ]', '1:11', 'rules are separated by commas: write one before IsUnique'],
    ['Rules = [ IsComplete "a" and IsUnique "b" ]', '1:11', 'write (IsComplete …) and (IsUnique …)'],
    ['Rules = [\n RowCount > 1', '2:14', 'close the [ of Rules in line 1 with ]'],
    ['Rules = [\n RowCount > 1 ]\nAnalyzers = [ RowCount', '3:23', 'close the [ of Analyzers in line 3 with ]'],
    ['Rules = [ RowCount > 1 with threshold > 0.9 ]', '1:29', 'only ColumnValues, ColumnDataType, CustomSql'],
    ['Rules = [ RowCount > 1 Or RowCount > 2 ]', '1:24', 'write or'],
    ['Rules = [ RowCount BETWEEN 1 and 2 ]', '1:20', 'write between'],
    ['Rules = [ ColumnValues "a" is NULL ]', '1:11', 'write = … instead of is'],
    ["Rules = [ IsComplete 'a' ]", '1:22', 'write "a"'],
    ['Rules = [ IsComplete “a” ]', '1:22', 'write "a"'],
    ['Rules = [ IsComplete a-b ]', '1:23', 'write "a-b"'],
    ['Rules = [ FileSize s3://a/b > 1 B ]', '1:20', 'write "s3://a/b"'],
    ['Rules = [ IsComplete "a ]', '1:22', 'close it with "'],
    ['Rules = [ RowCount > 1; RowCount > 2 ]', '1:23', 'rules are separated by commas'],
    ['rules = [ RowCount > 1 ]', '1:1', 'write Rules'],
    ['Rules = { RowCount > 1 }', '1:9', 'write Rules = [ … ]'],
    ['Rules = [ ColumnValues "a" > now() - 3 days ]', '1:36', 'write (now() - 3 days)'],
    ['Rules = [ ColumnValues "a" in (1, 2) ]', '1:31', 'lists stand in brackets'],
    ['Rules = [ ColumnValues "a" in [1, "2"] ]', '1:31', 'quote all of them, or none'],
    ['Rules = [ AllStatistics "a" ]', '1:11', 'move it to Analyzers'],
    ['Analyzers = [ IsComplete "a" ]', '1:15', 'move it to Rules'],
    ['x = ["a"] Rules = [ CustomSql $x ]', '1:32', 'a list stands after in: in $x'],
  ])('%j', (text, place, fix) => {
    const lines = shown(text).trim().split('\n')
    expect(lines[0]).toMatch(new RegExp(`^${place}: error: `))
    expect(lines.at(-1)).toContain(fix)
    expect(lines.filter(line => line.includes(': error: '))).toHaveLength(1)
  })
})

test('of a very long line what stands around the place', () => {
  const text = `Rules = [ ${'IsComplete "a", '.repeat(100)}IsShine "b", ${'IsComplete "a", '.repeat(100)}RowCount > 1 ]`
  const [, line = '', caret = ''] = shown(text).trim().split('\n')
  expect(line).toMatch(/^ {2}… .*IsShine "b".* …$/)
  expect(line.length).toBeLessThan(130)
  expect(line.slice(caret.indexOf('^'), caret.lastIndexOf('^') + 1)).toBe('IsShine')
})

test('a Windows line end is not shown', () => {
  expect(shown('Rules = [\r\n  rowCount > 1\r\n]\r\n', 'aws')).not.toContain('\r')
})

test('lines and columns count from 1', () => {
  expect(placeOf('a\nb\n', 0)).toEqual({ line: 1, column: 1 })
  expect(placeOf('a\nb\n', 2)).toEqual({ line: 2, column: 1 })
  expect(placeOf('a\nb\n', 4)).toEqual({ line: 3, column: 1 })
  expect(shown('\n\n@')).toContain('3:1: error: unexpected character "@"\n  @\n  ^\n')
})
