// Files and functions are measured as the formatter leaves them; an exception may shrink but never grow, and goes when it can.
import { expect, test } from 'vitest'
import { functionsOf, tooLong } from './lengths.ts'

const lines = (count: number, line = '  work()'): string => `${line}\n`.repeat(count)
const ofLength = (count: number): string => `export function long(): void {\n${lines(count - 2)}}\n`

test('a file has 300 lines at most, a test 400', () => {
  const of = (path: string, count: number) => tooLong([{ path, text: lines(count) }], {})
  expect(of('lake/a.ts', 300)).toEqual([])
  expect(of('lake/a.ts', 301)).toEqual(['lake/a.ts has 301 lines, 300 are allowed: split it by what it does'])
  expect(of('test/a.test.ts', 400)).toEqual([])
  expect(of('test/a.test.ts', 401)).toHaveLength(1)
  expect(of('docs/a.md', 2_000)).toEqual([])
})

test('a function has 70', () => {
  const of = (count: number) => tooLong([{ path: 'lake/a.ts', text: ofLength(count) }], {})
  expect(of(70)).toEqual([])
  expect(of(71)).toEqual(['lake/a.ts long has 71 lines, 70 are allowed: split it by what it does'])
})

test('an exception is a ratchet', () => {
  const of = (count: number, allowed: number) =>
    tooLong([{ path: 'lake/a.ts', text: ofLength(count) }], { 'lake/a.ts long': allowed })
  expect(of(80, 80)).toEqual([])
  expect(of(81, 80)).toEqual([expect.stringContaining('has 81 lines, 80 are allowed')])
  expect(of(79, 80)).toEqual(['lake/a.ts long has shrunk: lower its exception to 79'])
  expect(of(70, 80)).toEqual(['lake/a.ts long keeps to 70 lines now: drop it from the exceptions'])
  expect(tooLong([], { 'lake/a.ts long': 80 })).toEqual(['lake/a.ts long is no more: drop it from the exceptions'])
})

test('of tests in one file, which share their name, the longest counts', () => {
  const testOf = (count: number) => `test('a', () => {\n${lines(count - 2)}})\n`
  const text = testOf(80) + testOf(5)
  expect(tooLong([{ path: 'test/a.test.ts', text }], {})).toEqual([expect.stringContaining('test has 80 lines')])
})

test('functions in every form are found, other braces are not', () => {
  const text = `
export async function declared<T extends { readonly a: string }>(
  a: T,
  options: {
    readonly b: string
    readonly c: string
  },
): Promise<{ readonly d: string }> {
  if (a) {
    work({
      a,
    })
  }
}

const arrow = async (a: string): Promise<void> => {
  await work(a)
}

class Things {
  readonly #map = {
    a: 1,
    b: 2,
  }

  static async method(a: string): Promise<void> {
    for (const b of a) {
      work(b)
    }
  }

  #hidden(
    a: string,
  ): void {
    work(a)
  }
}

export const table = {
  inline: function () {
    work('{')
  },
}

interface Shape {
  readonly a: {
    readonly b: string
  }
}

describe('a group', () => {
  work()
})
`
  expect(functionsOf(text).map(({ name, lines }) => `${name} ${lines}`)).toEqual([
    'declared 13',
    'arrow 3',
    'method 5',
    '#hidden 5',
    'inline 3',
  ])
})
