// Contract: a text falls into the tokens of AWS's grammar; what is none becomes a problem, at its place, and reading goes on behind it.
import { describe, expect, test } from 'vitest'
import { lex, type Mode } from '#lake/dqdl/lexer.ts'

const tokens = (text: string): readonly string[] =>
  lex(text, 'aws')
    .tokens.slice(0, -1)
    .map(({ kind, text }) => `${kind} ${text}`)

const problems = (text: string, mode: Mode = 'aws'): readonly string[] =>
  lex(text, mode).diagnostics.map(({ severity, span, message }) => `${span.start}-${span.end} ${severity}: ${message}`)

describe('tokens', () => {
  test.each([
    ['RowCount > 1', ['word RowCount', 'sign >', 'number 1']],
    ['a>=1.5', ['word a', 'sign >=', 'number 1.5']],
    ['> =', ['sign >', 'sign =']],
    [
      '5 5a 1.5.2 1. .5 1e5 a.b _a',
      ['number 5', 'word 5a', 'word 1.5.2', 'word 1.', 'word .5', 'word 1e5', 'word a.b', 'word _a'],
    ],
    ['-5', ['sign -', 'number 5']],
    ['a-b', ['word a', 'sign -', 'word b']],
    [
      'now() now () xnow() now',
      ['now now()', 'word now', 'sign (', 'sign )', 'word xnow', 'sign (', 'sign )', 'word now'],
    ],
    ['days Days KB kb labels', ['keyword days', 'word Days', 'keyword KB', 'word kb', 'keyword labels']],
    ['and AND And or OR Or', ['keyword and', 'keyword AND', 'word And', 'keyword or', 'keyword OR', 'word Or']],
    ['null NULL Null', ['keyword null', 'keyword NULL', 'word Null']],
    ['"a" "" "a\nb"', ['string a', 'string ', 'string a\nb']],
    ['"2024-01-01" "2024-1-01" "9999-99-99"', ['date 2024-01-01', 'string 2024-1-01', 'date 9999-99-99']],
    ['"9:30 AM" "09:30 PM" "9:30 am"', ['time 9:30 AM', 'time 09:30 PM', 'string 9:30 am']],
    ['"09:30" "9:30"', ['time 09:30', 'string 9:30']],
    ['"a\\"b" "c"', ['string a\\"b', 'string c']],
    ['"a\\\\" "b"', ['string a\\\\', 'string b']],
    ['"a\\b"', ['string a\\b']],
    ['"C:\\"', ['string C:\\']],
    ['"C:\\" and "d"', ['string C:\\" and ', 'word d']],
    ['a#b\nc', ['word a', 'word c']],
    [
      '{}[](),:$!=<>+-*/',
      [...'{}[](),:$!']
        .map(each => `sign ${each}`)
        .concat('sign =', 'sign <', 'sign >', 'sign +', 'sign -', 'sign *', 'sign /'),
    ],
  ])('%j', (text, expected) => {
    expect(tokens(text).slice(0, expected.length)).toEqual(expected)
  })

  test('each has its place, and an end follows', () => {
    expect(lex(' "a" >=\n b', 'aws').tokens.map(({ span }) => [span.start, span.end])).toEqual([
      [1, 4],
      [5, 7],
      [9, 10],
      [10, 10],
    ])
    expect(lex('', 'aws').tokens).toEqual([{ kind: 'end', text: '', span: { start: 0, end: 0 } }])
  })
})

describe('problems', () => {
  test.each([
    ['a @ b', ['2-3 error: unexpected character "@"']],
    ['a @@é b', ['2-5 error: unexpected characters, the first "@"']],
    ['a\u00a0b', ['1-2 error: unexpected character U+00A0']],
    ['a \u0007', ['2-3 error: unexpected character U+0007']],
    ['😀', ['0-2 error: unexpected character "😀"']],
    ['a // b\nc', ['2-6 error: // begins no comment in DQDL']],
    ['"a', ['0-1 error: a quoted text that never ends']],
    ["'a'", ['0-3 error: texts stand in straight double quotes ("), not in \'']],
    ['„a“', ['0-3 error: texts stand in straight double quotes ("), not in „']],
    ['# a', ['0-3 error: AWS wants a line break behind the last comment']],
    ['a\r\nb\r\n', ['1-2 error: AWS refuses carriage returns (Windows line ends)']],
    ['\ufeffa', ['0-1 error: AWS refuses a byte order mark']],
    ['matches /a\\/b/i', ['8-15 error: patterns stand in double quotes, not in //']],
    ['# a\r\n"\r"', []],
    ['1 / 2', []],
  ])('%j', (text, expected) => {
    expect(problems(text)).toEqual(expected)
  })

  test('what the lenient mode takes is a warning', () => {
    expect(problems('\ufeffa\r\n# b', 'lenient').map(each => each.split(' ')[1])).toEqual([
      'warning:',
      'warning:',
      'warning:',
    ])
    expect(problems('@', 'lenient')[0]).toContain('error')
  })

  test('what was meant is read in their place', () => {
    expect(tokens("'a' ; && ||")).toEqual(['string a', 'sign ,', 'keyword and', 'keyword or'])
    expect(tokens('“a” s3://b/c matches /d/ "e\nf')).toEqual([
      'string a',
      'string s3://b/c',
      'keyword matches',
      'string d',
      'string e',
      'word f',
    ])
  })
})
