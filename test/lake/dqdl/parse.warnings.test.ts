// Contract: what AWS drops or takes otherwise than it is meant is a warning, never silence; and what the lenient mode takes beyond AWS's
// parser is a warning too, so that nobody learns of it only when the rules move to Glue.
import { describe, expect, test } from 'vitest'
import { placeOf } from '#lake/dqdl/diagnostics.ts'
import { parseRuleset } from '#lake/dqdl/parser.ts'

function told(text: string, mode: 'aws' | 'lenient'): readonly string[] {
  const { ruleset, diagnostics } = parseRuleset(text, { mode })
  expect(ruleset).toBeDefined()
  return diagnostics.map(({ severity, message, span }) => {
    const { line, column } = placeOf(text, span.start)
    return `${line}:${column} ${severity}: ${message}`
  })
}

const STOPS = 'AWS stops reading here, without a word about what follows'
const LOSES = 'AWS stops reading here: the rules and analyzers that follow are never evaluated'

describe.each(['aws', 'lenient'] as const)('in mode %s', mode => {
  test.each([
    ['Rules = [ RowCount > 1 ]', []],
    ['Rules = [ RowCount > 1 ]\n# all\n', []],
    ['Rules = [ RowCount > 1 ] ]', [`1:26 warning: ${STOPS}`]],
    ['Rules = [ RowCount > 1 ]\nx', [`2:1 warning: ${STOPS}`]],
    ['Rules = [ RowCount > 1 ] // x', [`1:26 warning: ${STOPS}`]],
    ['Rules = [ RowCount > 1 ] "x', [`1:26 warning: ${STOPS}`]],
    ['Rules = [ RowCount > 1 ]\nRules = [ RowCount > 2 ]', [`2:1 warning: ${LOSES}`]],
    ['Analyzers = [ RowCount ] Rules = [ RowCount > 1 ]', [`1:26 warning: ${LOSES}`]],
    ['Rules = [ RowCount > 1 ] ] @\r\n', [`1:26 warning: ${STOPS}`]],
    ['x = NULL Rules = [ RowCount > 1 ]', ['1:5 warning: AWS takes NULL in a variable for the text "NULL"']],
    ['Analyzers = [ Completeness $x ]', ['1:29 warning: AWS does not put in the value of a variable here']],
    [
      'Rules = [ ColumnValues "a" > now () ]',
      ['1:30 warning: AWS reads this as a function of numbers, not as the present time'],
    ],
    [
      'DataSources = { "AdditionalDataSources": ["a b"] } Rules = [ RowCount > 1 ]',
      ['1:43 warning: AWS drops spaces and brackets from these names, and cuts them at commas'],
    ],
    [
      'Rules = [ (IsComplete "a" labels=["k"="v"]) labels=["l"="w"] ]',
      ['1:45 warning: the labels within the parentheses are dropped for these'],
    ],
  ] as const)('%j', (text, expected) => {
    expect(told(text, mode)).toEqual(expected)
  })
})

test.each([
  ['Rules = [\r\n RowCount > 1\r\n]\r\n', ['1:10 warning: AWS refuses carriage returns (Windows line ends)']],
  ['Rules = [ RowCount > 1 ]\r\n', ['1:25 warning: AWS refuses carriage returns (Windows line ends)']],
  ['\ufeffRules = [ RowCount > 1 ]', ['1:1 warning: AWS refuses a byte order mark']],
  ['Rules = [ RowCount > 1 ] # end', ['1:26 warning: AWS wants a line break behind the last comment']],
  ['Rules = [ RowCount > 1 with x = 1 where "a" ]', ['1:35 warning: AWS refuses "where" here']],
  ['Rules = [ RowCount > 1 with x = 1 labels=["k"="v"] ]', ['1:35 warning: AWS refuses "labels" here']],
  ['Rules = [ RowCount > 1 labels=["k"="v"] where "a" ]', ['1:41 warning: AWS refuses "where" here']],
  ['Rules = [ RowCount > 1 labels=["k"=""] ]', ['1:36 warning: AWS refuses empty values of labels']],
  ['Rules = [ RowCount > 1 with "x" = 1 ]', ['1:29 warning: AWS refuses quotes around the name of a tag']],
] as const)('taken by the lenient mode alone: %j', (text, expected) => {
  expect(told(text, 'lenient')).toEqual(expected)
  const { ruleset, diagnostics } = parseRuleset(text, { mode: 'aws' })
  expect(ruleset).toBeUndefined()
  expect(diagnostics).toContainEqual(expect.objectContaining({ severity: 'error' }))
})
