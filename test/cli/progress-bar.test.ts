// The bar says how far, how fast and how long, and is right at both ends.
import { expect, test } from 'vitest'
import { progressBar } from '../../cli/progress-bar.ts'

test.each([
  [0, 0, '░░░░░░░░░░░░░░░░░░░░   0 %  0 B of 200.0 MB  group 1 of 2'],
  [50e6, 1_000, '█████░░░░░░░░░░░░░░░  25 %  50.0 MB of 200.0 MB, 50.0 MB/s, 3.00 s left  group 1 of 2'],
  [199.9e6, 4_000, '████████████████████  99 %  199.9 MB of 200.0 MB, 50.0 MB/s, 0.00 s left  group 1 of 2'],
  [200e6, 4_000, '████████████████████ 100 %  200.0 MB of 200.0 MB, 50.0 MB/s, 0.00 s left  group 1 of 2'],
  [210e6, 4_000, '████████████████████ 100 %  210.0 MB of 200.0 MB, 52.5 MB/s, 0.00 s left  group 1 of 2'],
])('%i bytes after %i ms', (doneBytes, elapsedMs, line) => {
  expect(progressBar({ doneBytes, totalBytes: 200e6, text: 'group 1 of 2' }, elapsedMs)).toBe(line)
})

test('nothing to do is done', () => {
  expect(progressBar({ doneBytes: 0, totalBytes: 0, text: '' }, 5)).toContain('100 %')
})
