// A file is taken apart into code, literals and comments, wherever one looks like another; nothing moves by a character.
import { expect, test } from 'vitest'
import { ignoring } from './repository.ts'
import { lineOf, readSource } from './source.ts'

const code = (text: string): string => readSource(text).code.replaceAll(/ +/g, ' ').trim()

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: source text, to be taken apart.
test.each([
  ['a // b', 'a'],
  ['a /* b\n */ c', 'a \n c'],
  [`a('it\\'s // no comment') + b`, 'a( ) + b'],
  ['a("/* neither */", b)', 'a( , b)'],
  ['a(`text // ${b + `deep ${c}` + { d: 1 }.d} more`)', 'a( b + c + { d: 1 }.d )'],
  ['a(`$5 and ${b}`, `}`)', 'a( b , )'],
  [`a.replace(/'"\\/[/'"]/g, b) // 'c'`, 'a.replace( , b)'],
  ['a / b / c', 'a / b / c'],
  [`return /'/.test(a)`, 'return .test(a)'],
  ['(a + b) / 2 // half', '(a + b) / 2'],
  ['a[0] / 2 + "/"', 'a[0] / 2 +'],
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: source text, to be taken apart.
])('%s', (text, expected) => {
  expect(code(text)).toBe(expected)
  expect(readSource(text).code).toHaveLength(text.length)
})

test('literals are found with their places, comments are not', () => {
  const text = `a('one')\n// 'two'\nb("three")`
  expect(readSource(text).literals).toEqual([
    { value: 'one', from: 2 },
    { value: 'three', from: 20 },
  ])
  expect(lineOf(text, 20)).toBe(3)
  expect(readSource(text).spoken).toBe(`a('one')\n        \nb("three")`)
})

test('text that ends in the middle of a literal is still read to its end', () => {
  expect(code('a(`b ${c')).toBe('a( c')
  expect(code('a(`b')).toBe('a(')
  expect(code("it's")).toBe("it's")
})

test('.gitignore is understood as far as it is used', () => {
  const ignored = ignoring('node_modules/\n# a comment\n\n*.log\nbench/data/\n')
  const paths = [
    'node_modules/',
    'test/node_modules/',
    'a.log',
    'cli/b.log',
    'bench/data/',
    'data/',
    'catalog',
    'bench/',
  ]
  expect(paths.filter(ignored)).toEqual(paths.slice(0, 5))
})
