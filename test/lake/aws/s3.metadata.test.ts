// Contract: metadata of any text passes through headers that hold printable ASCII only, and comes back as it was.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { copySource, decodeMetadata, encodeMetadata, versionOf } from '#lake/aws/s3-address.ts'

test('plain values stay readable in the S3 console', () => {
  expect(encodeMetadata({ dataset: 'trips', 'source-key': 'a/b c=1&d.json' })).toEqual({
    dataset: 'trips',
    'source-key': 'a/b c=1&d.json',
  })
  expect(encodeMetadata({ k: 'ü 100% ' })).toEqual({ k: '%C3%BC 100%25%20' })
})

test('every text comes back, and only printable ASCII is sent', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), value => {
      const encoded = encodeMetadata({ value })
      expect(encoded['value']).toMatch(/^[\x20-\x7e]*$/)
      expect(encoded['value']?.trim()).toBe(encoded['value'])
      expect(decodeMetadata(encoded)).toEqual({ value: value.toWellFormed() })
    }),
    { numRuns: 2000 },
  )
})

test('values that others wrote and that do not decode are taken as they are', () => {
  expect(decodeMetadata({ a: '100%', b: '%zz', c: '%C3' })).toEqual({ a: '100%', b: '%zz', c: '%C3' })
})

test('the mark of an attempt is not metadata', () => {
  expect(decodeMetadata(encodeMetadata({ a: '1' }, 'mark'))).toEqual({ a: '1' })
})

test('versions: the id where there is one, the ETag as a validator otherwise', () => {
  expect(versionOf({ VersionId: 'v1', ETag: '"e"' })).toBe('v1')
  expect(versionOf({ VersionId: 'null', ETag: '"e"' })).toBe('etag:"e"')
  expect(copySource({ Bucket: 'b', Key: 'k/ü' }, 'v1')).toEqual({ CopySource: 'b/k/%C3%BC?versionId=v1' })
  expect(copySource({ Bucket: 'b', Key: 'k' }, 'etag:"e"')).toEqual({ CopySource: 'b/k', CopySourceIfMatch: '"e"' })
})
