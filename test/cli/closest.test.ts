// Suggestions are what somebody may have meant: near in spelling, or containing what was written; never just anything.
import { expect, test } from 'vitest'
import { closest } from '../../cli/closest.ts'

const NAMES = ['flights', 'flights__quarantine', 'movies', 'birdstrikes', 'a']

test.each([
  ['flight', ['flights', 'flights__quarantine']],
  ['fligths', ['flights']],
  ['MOVIES', ['movies']],
  ['moveis', ['movies']],
  ['quarantine', ['flights__quarantine']],
  ['xyz', []],
])('%j may mean %j', (word, found) => {
  expect(closest(word, NAMES)).toEqual(found)
})

test('at most as many as are asked for', () => {
  expect(closest('ab', ['ac', 'ad', 'ae', 'af'], 2)).toEqual(['ac', 'ad'])
})
