// Keys that moves join have one key that stands for all of them, in whatever order and however often the moves are given; a key without a move stands
// for itself.
import { expect, test } from 'vitest'
import { joinKeys } from '#functions/cdc-apply/moves.ts'

/** Keys that are joined, each group in order. */
function groupsOf(keys: readonly number[], moves: readonly (readonly [number, number])[]): readonly string[] {
  const groups = Map.groupBy(keys, joinKeys(moves))
  return [...groups.values()].map(group => group.toSorted((a, b) => a - b).join(' ')).toSorted()
}

test.each([
  ['no move', [], ['0', '1', '2', '3', '4', '5']],
  [
    'a chain',
    [
      [0, 1],
      [1, 2],
      [2, 3],
    ],
    ['0 1 2 3', '4', '5'],
  ],
  [
    'a ring, and a key that moves to itself',
    [
      [0, 1],
      [1, 2],
      [2, 0],
      [5, 5],
    ],
    ['0 1 2', '3', '4', '5'],
  ],
  [
    'two groups that a last move joins',
    [
      [0, 1],
      [2, 1],
      [3, 4],
      [5, 4],
      [1, 4],
    ],
    ['0 1 2 3 4 5'],
  ],
] as const)('%s', (_what, moves, groups) => {
  const keys = [0, 1, 2, 3, 4, 5]
  expect(groupsOf(keys, moves)).toEqual(groups)
  expect(groupsOf(keys.toReversed(), [...moves, ...moves].toReversed())).toEqual(groups)
})

test('a key stands for its group, and for no other', () => {
  const rootOf = joinKeys([['a', 'b']])
  expect(rootOf('a')).toBe(rootOf('b'))
  expect(['a', 'b']).toContain(rootOf('a'))
  expect(rootOf('c')).toBe('c')
})
