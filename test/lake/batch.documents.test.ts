// Documents in `ops/` and `staging/` come back as they were written, 64-bit numbers and bytes included; the first one written under a
// name stays; and names are functions of what they are about.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  claimUri,
  commitUri,
  formatDocument,
  hashText,
  landedPrefix,
  landedUri,
  manifestUri,
  parseDocument,
  readDocument,
  verdictUri,
  writeDocumentOnce,
} from '../../lake/batch.ts'
import { memoryLake } from '../../lake/disk/disk-lake.ts'

const lake = memoryLake()

test('what JSON has no words for survives', () => {
  const document = {
    big: 9_223_372_036_854_775_807n,
    negative: -1n,
    bytes: Buffer.from([0, 255, 128]),
    empty: Buffer.alloc(0),
    counts: new Map([
      [1, 5n],
      [1_000, 0n],
    ]),
    bounds: new Map([[2, Buffer.from('é')]]),
    none: null,
    list: [1, 'two', [true]],
  }
  expect(parseDocument(formatDocument(document))).toEqual(document)
})

test('64-bit numbers are plain digits in the text', () => {
  expect(formatDocument({ id: 9_007_199_254_740_993n })).toContain('9007199254740993')
  expect(formatDocument({ id: 9_007_199_254_740_993n })).not.toContain('9007199254740993n')
})

test('every JSON value comes back', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), value => {
      const plain = JSON.parse(JSON.stringify(value))
      expect(parseDocument(formatDocument(plain))).toEqual(plain)
    }),
  )
})

test('the first document stays and is what every writer gets', async () => {
  const uri = `${lake.zones.ops}/once.json`
  expect(await readDocument(lake, uri)).toBeUndefined()
  expect(await writeDocumentOnce(lake, uri, { by: 'one' })).toEqual({ by: 'one' })
  expect(await writeDocumentOnce(lake, uri, { by: 'two' })).toEqual({ by: 'one' })
  expect(await readDocument(lake, uri)).toEqual({ by: 'one' })
})

test('of many writers at one time one wins, and all agree who', async () => {
  const uri = `${lake.zones.ops}/race.json`
  const answers = await Promise.all([1, 2, 3, 4, 5].map(by => writeDocumentOnce(lake, uri, { by })))
  expect(new Set(answers.map(answer => answer.by)).size).toBe(1)
})

test('other errors than a lost race are passed on', async () => {
  const broken = memoryLake({
    storageFaults: moment => {
      if (moment === 'before put' || moment === 'before get') throw new Error('down')
    },
  })
  await expect(writeDocumentOnce(broken, `${broken.zones.ops}/x`, {})).rejects.toThrow('down')
  await expect(readDocument(broken, `${broken.zones.ops}/x`)).rejects.toThrow('down')
})

test('where documents are', () => {
  expect(manifestUri(lake, 'orders', 'B1')).toBe('s3://memory-ops/batches/orders/B1/manifest.json')
  expect(commitUri(lake, 'orders', 'B1')).toBe('s3://memory-ops/batches/orders/B1/commit.json')
  expect(verdictUri(lake, 'orders', 'B1')).toBe('s3://memory-staging/orders/B1/verdict.json')
  expect(claimUri(lake, 'orders', 'abc')).toBe('s3://memory-ops/claims/orders/abc.json')
})

test('landed records are found by the URI of the landing object, whose text is not in their name', () => {
  const source = 's3://memory-landing/../../é\n.json'
  expect(landedUri(lake, source, 'R1')).toMatch(/^s3:\/\/memory-ops\/landed\/[0-9a-f]{32}\/R1\.json$/)
  expect(landedUri(lake, source, 'R1').startsWith(landedPrefix(lake, source))).toBe(true)
  expect(landedPrefix(lake, 's3://memory-landing/a')).not.toBe(landedPrefix(lake, 's3://memory-landing/b'))
})

test('a hash knows where one part ends and the next begins', () => {
  expect(hashText('ab', 'c')).not.toBe(hashText('a', 'bc'))
  expect(hashText('a', '')).not.toBe(hashText('a'))
  expect(hashText('1:a')).not.toBe(hashText('a'))
  expect(hashText('a')).toMatch(/^[0-9a-f]{64}$/)
})
