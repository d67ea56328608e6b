// A line of bars shows how numbers went: by its own scale or by a given one, with a dot where there is none.
import { expect, test } from 'vitest'
import { sparkline } from '../../cli/sparkline.ts'

test.each([
  ['from the least to the greatest', [0, 1, 2, 3, 4, 5, 6, 7], [], '▁▂▃▄▅▆▇█'],
  ['negative numbers are as good as others', [-10, 0, 10], [], '▁▅█'],
  ['equal ones lie in the middle', [3, 3], [], '▅▅'],
  ['a dot where there is none', [1, null, 2], [], '▁·█'],
  ['only dots', [null, null], [], '··'],
  ['nothing', [], [], ''],
  ['by a scale', [0, 0.5, 1, 1], [0, 1], '▁▅██'],
  ['equal ones by a scale', [1, 1], [0, 1], '██'],
  ['so far apart that the difference overflows', [-1.7e308, 1.7e308], [], '▅▅'],
])('%s', (_name, values, scale, line) => expect(sparkline(values, scale)).toBe(line))
