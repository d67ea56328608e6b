// Contract: no text makes the parser throw, hang or answer without a reason: it gives a ruleset, or an error within the text, and of these
// never more than somebody would read.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { showDiagnostic } from '#lake/dqdl/diagnostics.ts'
import { parseRuleset } from '#lake/dqdl/parser.ts'
import { printRuleset } from '#lake/dqdl/printer.ts'

function survives(text: string): void {
  for (const mode of ['aws', 'lenient'] as const) {
    const { ruleset, diagnostics } = parseRuleset(text, { mode })
    const errors = diagnostics.filter(each => each.severity === 'error')
    const outside = diagnostics.filter(
      ({ span }) => !(0 <= span.start && span.start <= span.end && span.end <= text.length),
    )
    const shown = diagnostics.slice(0, 3).map(each => showDiagnostic(text, each))
    expect({
      hasRuleset: ruleset !== undefined,
      isReadable: errors.length <= 200 && shown.every(each => /^\d+:\d+: /.test(each)),
      outside,
      isLonger: ruleset !== undefined && printRuleset(ruleset).length > 4 * text.length + 100,
    }).toEqual({ hasRuleset: errors.length === 0, isReadable: true, outside: [], isLonger: false })
  }
}

test('any text', () => {
  const unit = fc.oneof(fc.nat(127), fc.nat(0xffff)).map(code => String.fromCharCode(code))
  fc.assert(fc.property(fc.string({ unit, maxLength: 60 }), survives), { numRuns: 1_000 })
})

const WORDS =
  'Rules Analyzers Metadata DataSources DefaultLabels = [ ] { } ( ) , : $ ! > >= < <= + - * / and or of between in not matches where with labels threshold now() now days KB NULL EMPTY RowCount IsComplete ColumnValues FileSize DataFreshness CustomSql "a" "2024-01-01" "9:30" "Version" "Primary" x 1 2.5 # // \' " \\ \r \n é ; %'.split(
    ' ',
  )

test('any order of the words of the language', () => {
  const text = fc.array(fc.constantFrom(...WORDS), { maxLength: 40 }).map(words => words.join(' '))
  fc.assert(fc.property(text, survives), { numRuns: 1_000 })
  const ruleset = text.map(inner => `Rules = [ RowCount > 1, ${inner} ]`)
  fc.assert(fc.property(ruleset, survives), { numRuns: 1_000 })
})

test('a ruleset with a part cut out', () => {
  const whole =
    'Metadata = { "Version": "1.0" } DataSources = { "Primary": "a", "AdditionalDataSources": ["b"] } x = ["a", "b"] DefaultLabels = ["k"="v"] Rules = [ (ColumnValues "c" in $x where "d > 1" labels=["k"="w"] with threshold between 0.5 and 1 * (2 + avg(last(3)))) and (DataFreshness "t" <= 3 days), FileSize in [5 KB, 1 GB] ] Analyzers = [ Completeness of c ]\n'
  expect(parseRuleset(whole, { mode: 'aws' }).diagnostics).toEqual([])
  const cut = fc
    .tuple(fc.nat(whole.length), fc.nat(40))
    .map(([at, length]) => whole.slice(0, at) + whole.slice(at + length))
  fc.assert(fc.property(cut, survives), { numRuns: 500 })
})

const MANY = 50_000

describe('large and deep', () => {
  test.each([
    ['a million backslashes', '\\'.repeat(1_000_000)],
    ['a million backslashes in a quoted text', `Rules = [ IsComplete "${'\\'.repeat(1_000_000)}`],
    ['escaped quotes that nothing closes', `"${'\\"'.repeat(MANY)}`],
    ['parentheses around a rule', `Rules = [ ${'('.repeat(MANY)}`],
    ['parentheses around a number', `Rules = [ RowCount > ${'('.repeat(MANY)}1${')'.repeat(MANY)} ]`],
    ['calls', `Rules = [ RowCount > ${'f('.repeat(MANY)}`],
    ['a long sum', `Rules = [ RowCount > 1${' + 1'.repeat(MANY)} ]`],
    ['a long chain', `Rules = [ RowCount > 1${' and RowCount > 1'.repeat(5_000)} ]`],
    ['many parameters', `Rules = [ IsUnique${' a'.repeat(MANY)} ]`],
    ['commas', `Rules = [${','.repeat(MANY)}]`],
    ['brackets', `Rules = [ ColumnValues "a" in ${'['.repeat(MANY)}`],
    ['unreadable characters', '@ '.repeat(MANY)],
    ['carriage returns', '\r'.repeat(MANY)],
    ['comments', '#\n'.repeat(MANY)],
    ['quotes', '"'.repeat(MANY)],
    ['single quotes', "'".repeat(MANY)],
    ['variables', `${Array.from({ length: 5_000 }, (_, at) => `v${at} = "x"`).join('\n')} Rules = [ RowCount > 1 ]`],
    ['one long word', `Rules = [ ${'a'.repeat(MANY)} ]`],
  ])('%s', (_name, text) => {
    survives(text)
  })

  test('what is refused for its depth says so', () => {
    const nested = (depth: number) => `Rules = [ ${'('.repeat(depth)}RowCount > 1${')'.repeat(depth)} ]`
    expect(parseRuleset(nested(200), { mode: 'aws' }).ruleset?.rules).toHaveLength(1)
    expect(parseRuleset(nested(201), { mode: 'aws' }).diagnostics[0]?.message).toBe('rules may be nested 200 deep')
    const sum = (terms: number) => `Rules = [ RowCount > 1${' + 1'.repeat(terms)} ]`
    expect(parseRuleset(sum(1_000), { mode: 'aws' }).ruleset?.rules).toHaveLength(1)
    expect(parseRuleset(sum(1_001), { mode: 'aws' }).diagnostics[0]?.message).toBe(
      'an expression may have 1000 operators',
    )
  })
})
