// However damaged a file is, its bytes are accounted for: records follow each other in order, none overlaps another, and what lies
// between them is white space, commas and the brackets of the document.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { scanJson } from '#functions/quality/decode/json-scan.ts'
import { recordShape } from '#functions/quality/decode/json-shape.ts'
import type { Place } from '#functions/quality/decode/records.ts'
import { type DatasetSpec, defineDataset } from '#lake/dataset.ts'

const columns: DatasetSpec<string>['columns'] = {
  a: { type: 'long', from: 'old_a' },
  s: { type: 'string', default: 'none' },
  o: { struct: { x: 'long', y: { type: 'string', default: 'dé' } } },
  l: { list: 'double' },
  m: { map: { key: 'string', value: 'string' } },
}
const dataset = defineDataset({ name: 'd', source: { system: 's', format: 'ndjson', match: '*' }, columns })

interface Seen extends Place {
  /** What was accepted, as a record; the reason of a refusal. */
  readonly what: unknown
}

async function scan(
  bytes: string | Buffer,
  framing: 'lines' | 'document' = 'lines',
  recordBytesMax = 1_000_000,
): Promise<readonly Seen[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-scan-'))
  const seen: Seen[] = []
  const shape = recordShape({ dataset, columns: dataset.columns.map(column => ({ ...column, soft: false })) })
  const options = { shape, framing, records: undefined, columnar: false, recordBytesMax, evolution: 'discard' } as const
  try {
    await writeFile(join(folder, 'x'), bytes)
    await scanJson(join(folder, 'x'), options, {
      accept: ({ fields, unknown, ...place }) => {
        const rescued = unknown.map(each => [each.path, each.json])
        seen.push({ ...place, what: { ...JSON.parse(`{${fields}}`), ...(rescued.length ? { rescued } : {}) } })
      },
      refuse: ({ reason, message: _message, ...place }) => seen.push({ ...place, what: reason }),
      drain: async () => undefined,
    })
    return seen
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function checkPlaces(bytes: Buffer, seen: readonly Seen[], framing: 'lines' | 'document'): void {
  const between = framing === 'lines' ? /^\s*$/ : /^[\s,[\]]*$/
  let end = 0
  for (const [index, { ordinal, offset, length }] of seen.entries()) {
    expect(ordinal).toBe(index + 1)
    expect(offset).toBeGreaterThanOrEqual(end)
    // An element that is missing between two commas, or an end that is missing, has no bytes.
    expect(length).toBeGreaterThan(framing === 'lines' ? 0 : -1)
    expect(bytes.toString('latin1', end, offset)).toMatch(between)
    end = offset + length
  }
  expect(bytes.toString('latin1', end)).toMatch(between)
}

const RECORDS = [
  '{"a":1,"s":"x","o":{"x":1,"y":"é"},"l":[1,2.5],"m":{"k":"v"}}',
  '{"old_a":2}',
  '{"a":3,"zz":{"k":[1,"}"]},"o":{"q":1,"x":2}}',
  '{ "a" : 4 , "s" : "a \\"quoted\\" {" }',
]

describe('damage of any kind', () => {
  const damage = fc.array(
    fc.tuple(
      fc.nat(400),
      fc.constantFrom('', '{', '}', '[', ']', '"', '\\', ',', '\n', ':', ' ', '\xff', '1', 'null', '{"a":9}'),
    ),
    { maxLength: 4 },
  )
  test.each<['lines' | 'document', string]>([
    ['lines', `${RECORDS.join('\n')}\n`],
    ['lines', RECORDS.join('')],
    ['document', `[${RECORDS.join(',\n')}]`],
  ])('%s', async (framing, text) => {
    await fc.assert(
      fc.asyncProperty(damage, async edits => {
        let damaged = Buffer.from(text).toString('latin1')
        for (const [at, piece] of edits) damaged = damaged.slice(0, at) + piece + damaged.slice(at + 1)
        const bytes = Buffer.from(damaged, 'latin1')
        checkPlaces(bytes, await scan(bytes, framing), framing)
      }),
      { numRuns: 300, seed: 20260102 },
    )
  })
})

describe('what becomes of a record', () => {
  test.each<[string, unknown]>([
    ['{}', { s: 'none' }],
    ['{"old_a": 1}', { a: '1', s: 'none' }],
    ['{"zz":1,"a":1}', { a: '1', s: 'none', rescued: [['zz', '1']] }],
    ['{"a":1,"zz":1}', { a: '1', s: 'none', rescued: [['zz', '1']] }],
    [
      '{"zz":1,"a":1,"yy":2,"s":"x","xx":3}',
      {
        a: '1',
        s: 'x',
        rescued: [
          ['zz', '1'],
          ['yy', '2'],
          ['xx', '3'],
        ],
      },
    ],
    ['{"o":{}}', { o: { y: 'dé' }, s: 'none' }],
    ['{"o":{"q":1}}', { o: { y: 'dé' }, s: 'none', rescued: [['o.q', '1']] }],
    ['{"o":{"q":1,"x":2},"s":null}', { o: { x: '2', y: 'dé' }, s: null, rescued: [['o.q', '1']] }],
    ['{"o":{"x":2,"q":1},"s":"é"}', { o: { x: '2', y: 'dé' }, s: 'é', rescued: [['o.q', '1']] }],
    ['{"o":{"y":"z","x":2},"a":1}', { o: { y: 'z', x: '2' }, a: '1', s: 'none' }],
    ['{\n "a": 1,\r\n "l": [\n 1,\n 2 ],\n "m": {\n "k": 5 } }', { a: '1', l: ['1', '2'], m: { k: '5' }, s: 'none' }],
    ['{"\\u0061":1}', { a: '1', s: 'none' }],
    ['{"s":{"b": [1, 2.50]}}', { s: '{"b":[1,2.5]}' }],
    [
      '{"__proto__":1,"constructor":2}',
      {
        s: 'none',
        rescued: [
          ['__proto__', '1'],
          ['constructor', '2'],
        ],
      },
    ],
  ])('%s', async (text, what) =>
    expect(await scan(text)).toEqual([{ ordinal: 1, offset: 0, length: Buffer.byteLength(text), what }]),
  )

  test('in many records of changing order', async () => {
    const texts = Array.from({ length: 500 }, (_, at) => (at % 3 ? `{"a":${at},"s":"x"}` : `{"s":"y","a":${at}}`))
    const seen = await scan(texts.join('\n'))
    expect(seen.map(each => each.what)).toEqual(texts.map((_text, at) => ({ a: String(at), s: at % 3 ? 'x' : 'y' })))
  })
})

describe('length', () => {
  const long = `{"s":"${'x'.repeat(5_000)}"}`
  test('a record over the limit is refused whole, in lines and in the one line of a document', async () => {
    const lines = await scan(`{"a":1}\n${long}\n{"a":2}`, 'lines', 4_000)
    expect(lines.map(each => [each.what, each.length])).toEqual([
      [{ a: '1', s: 'none' }, 7],
      ['too_long', 5_008],
      [{ a: '2', s: 'none' }, 7],
    ])
    const document = await scan(`[{"a":1},${long},{"a":2}]`, 'document', 4_000)
    expect(document.map(each => each.what)).toEqual([{ a: '1', s: 'none' }, 'too_long', { a: '2', s: 'none' }])
  })
  test('records larger than what is read at a time', async () => {
    const huge = `{"s":"${'é'.repeat(2_000_000)}"}`
    const seen = await scan(`${huge}{"a":1}\n${huge}`, 'lines', 10_000_000)
    expect(seen.map(each => each.length)).toEqual([4_000_008, 7, 4_000_008])
    const small = await scan(`${huge}\n{"a":1}\n${huge}`, 'lines', 1_000_000)
    expect(small.map(each => [each.what, each.length])).toEqual([
      ['too_long', 4_000_008],
      [{ a: '1', s: 'none' }, 7],
      ['too_long', 4_000_008],
    ])
  })
  test('a width and a depth', async () => {
    const wide = `{"s":"x","o":{${Array.from({ length: 10_001 }, (_, at) => `"k${at}":1`).join()}}}`
    expect((await scan(wide)).map(each => each.what)).toEqual(['width'])
    expect((await scan(`{"s":${'['.repeat(70)}${']'.repeat(70)}}`)).map(each => each.what)).toEqual(['depth'])
  })
})
