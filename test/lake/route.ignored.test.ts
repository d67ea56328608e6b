// What writers leave beside the data is ignored by its key, data with a similar name is not.
import { expect, test } from 'vitest'
import { ignoredKey } from '../../lake/route.ts'

test.each([
  ['orders/', 'folder-marker'],
  ['/', 'folder-marker'],
  ['orders/_SUCCESS', 'success-marker'],
  ['_SUCCESS', 'success-marker'],
  ['orders/.part-0000.json.crc', 'checksum-file'],
  ['orders/_temporary/0/part-0000.json', 'temporary'],
  ['_temporary/x', 'temporary'],
  ['orders/_SUCCESS.json', undefined],
  ['orders/_temporary', undefined],
  ['orders/my_temporary/x', undefined],
  ['orders/crc', undefined],
  ['orders/a.json', undefined],
  ['orders//a.json', undefined],
])('%j: %s', (key, reason) => {
  expect(ignoredKey(key)).toBe(reason)
})
