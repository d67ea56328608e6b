// `*` matches within a segment, `**` across segments, `**/` also nothing; every other character is itself. Two globs meet exactly
// when some key matches both, and no key, however long, makes matching slow.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareSpecificity, globMatches, globsMeet } from '../../lake/glob.ts'

test.each([
  ['orders/*.json', 'orders/a.json', true],
  ['orders/*.json', 'orders/.json', true],
  ['orders/*.json', 'orders/a/b.json', false],
  ['orders/*.json', 'orders/a.json.gz', false],
  ['orders/*.json*', 'orders/a.json.gz', true],
  ['orders/**', 'orders/a/b/c', true],
  ['orders/**', 'orders/', true],
  ['orders/**', 'orders', false],
  ['orders/**', 'reorders/a', false],
  ['orders/**/*.json', 'orders/a.json', true],
  ['orders/**/*.json', 'orders/x/y/a.json', true],
  ['orders/**/*.json', 'ordersx/a.json', false],
  ['**/*.csv', 'a.csv', true],
  ['**/*.csv', 'x/y/a.csv', true],
  ['**', '', true],
  ['*', 'a/b', false],
  ['a**b', 'a/x/b', true],
  ['a***b', 'a/x/b', true],
  ['a?.{json}[x]', 'a?.{json}[x]', true],
  ['a?.json', 'ab.json', false],
  ['a.json', 'aXjson', false],
  ['A.json', 'a.json', false],
  ['*.json', '🦀.json', true],
  ['dt=*/x', 'dt=a%2Fb/x', true],
  ['a\n*', 'a\nb', true],
])('%j on %j: %s', (glob, key, matches) => {
  expect(globMatches(glob, key)).toBe(matches)
})

test.each([
  ['a/*.json', 'a/*.csv', false],
  ['a/*', 'a/b/*', false],
  ['a/**', 'a/b/*', true],
  ['a*', '*b', true],
  ['*/x', 'y/*', true],
  ['*/x/*', 'a/**/b', true],
  ['**/*.gz', '**/*.json', false],
  ['**/*.gz', '**/*.json.*', true],
  ['a*b', 'a/b', false],
])('%j and %j meet: %s', (one, other, meet) => {
  expect(globsMeet(one, other)).toBe(meet)
  expect(globsMeet(other, one)).toBe(meet)
})

/** What the words of the contract say, as a regular expression, for letters and slashes: slow on bad keys, right on short ones. */
const asRegExp = (glob: string): RegExp =>
  new RegExp(
    `^${glob
      .split(/((?<=^|\/)\*\*+\/|\*\*+|\*)/)
      .map(part => (/^\*\*+\/$/.test(part) ? '(?:.*/)?' : part.startsWith('**') ? '.*' : part === '*' ? '[^/]*' : part))
      .join('')}$`,
    's',
  )

const glob = fc.array(fc.constantFrom('a', 'b', '/', '*', '**', '**/'), { maxLength: 6 }).map(parts => parts.join(''))
const key = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 6 }).map(parts => parts.join(''))

test('matching agrees with the regular expression that the contract describes', () => {
  fc.assert(
    fc.property(glob, key, (pattern, text) => {
      expect(globMatches(pattern, text)).toBe(asRegExp(pattern).test(text))
    }),
    { numRuns: 2_000 },
  )
})

test('globs that both match a key meet', () => {
  fc.assert(
    fc.property(glob, glob, key, (one, other, text) => {
      if (globMatches(one, text) && globMatches(other, text)) expect(globsMeet(one, other)).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})

test('a key that makes backtracking explode is answered at once', () => {
  const started = performance.now()
  expect(globMatches('**a**a**a**b', 'a'.repeat(1_024))).toBe(false)
  expect(performance.now() - started).toBeLessThan(1_000)
})

test('more literal text is more specific, then fewer `**`, then fewer `*`', () => {
  const globs = ['**', 'a/**', 'a/*', 'a/**/*.json', 'a/*.json', 'a/x.json']
  expect(globs.toSorted(compareSpecificity)).toEqual(['a/x.json', 'a/**/*.json', 'a/*.json', 'a/*', 'a/**', '**'])
})
