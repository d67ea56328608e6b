// JSON in, rows out: what fits is exactly what was written, what does not is refused alone, with its bytes, place and reason.
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { defineDataset } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { decoded } from './decoding.ts'

const orders = defineDataset({
  name: 'orders',
  source: { system: 'shop', format: 'ndjson', match: 'orders/*' },
  columns: {
    id: { type: 'long', required: true },
    amount: 'decimal(12,2)',
    ratio: 'double',
    at: 'timestamptz',
    day: 'date',
    paid: 'boolean',
    note: 'string',
    device: { struct: { os: 'string', version: 'int' } },
    tags: { list: 'string' },
    scores: { map: { key: 'string', value: 'int' } },
  },
})

const lean = defineDataset({
  name: 'lean',
  source: { system: 'shop', format: 'ndjson', match: '*' },
  columns: { a: 'long', b: 'string' },
})
const reasons = async (text: string | Uint8Array, dataset = lean): Promise<string[]> =>
  (await decoded(dataset, text)).refusals.map(each => each.reason)

describe('a clean file', () => {
  test('keeps every value and ordinal', async () => {
    const line =
      '{"id":9007199254740993,"amount":12.50,"ratio":0.1,"at":"2024-03-01T10:00:00+02:00","day":"2024-02-29","paid":true,"note":"é\\n\\"x\\"","device":{"os":"ios","version":17},"tags":["a",null],"scores":{"x":1}}'
    const { table, reasons } = await decoded(orders, `${line}\n{"id":2}\n`)
    expect(reasons).toEqual({})
    expect(table).toEqual([
      {
        id: '9007199254740993',
        amount: '12.50',
        ratio: 0.1,
        at: '2024-03-01 08:00:00+00',
        day: '2024-02-29',
        paid: true,
        note: 'é\n"x"',
        device: { os: 'ios', version: 17 },
        tags: ['a', null],
        scores: [{ key: 'x', value: 1 }],
        _rescued: null,
        _raw_row: '1',
      },
      {
        id: '2',
        amount: null,
        ratio: null,
        at: null,
        day: null,
        paid: null,
        note: null,
        device: null,
        tags: null,
        scores: null,
        _rescued: null,
        _raw_row: '2',
      },
    ])
  })

  test('gives the same rows by the strict way and by the scanner', async () => {
    const lines = Array.from({ length: 50 }, (_, at) =>
      JSON.stringify({
        id: at,
        amount: at / 4,
        at: `2024-01-01T00:00:${String(at).padStart(2, '0')}Z`,
        device: at % 3 ? { os: 'a', version: at } : null,
        tags: [`t${at}`],
        scores: { k: at },
        note: at % 2 ? `n${at}` : null,
      }),
    )
    const strict = await decoded(orders, `${lines.join('\n')}\n`)
    const scanned = await decoded(orders, `${lines.join('\n')}\nbroken\n`)
    expect(strict.refused).toEqual([])
    expect(scanned.refusals).toHaveLength(1)
    expect(scanned.table).toEqual(strict.table)
  })

  test.each([
    ['gzip', gzipSync('{"a":1}\n{"a":2}\n')],
    ['gzip of two members', Buffer.concat([gzipSync('{"a":1}\n'), gzipSync('{"a":2}\n')])],
    ['gzip padded with zeros', Buffer.concat([gzipSync('{"a":1}\n{"a":2}\n'), Buffer.alloc(64)])],
    ['zstd', zstdCompressSync('{"a":1}\n{"a":2}\n')],
    ['a byte order mark', '\ufeff{"a":1}\n{"a":2}\n'],
    ['CRLF, blank lines and no final newline', '{"a":1}\r\n\r\n\n{"a":2}'],
    ['objects back to back', '{"a":1}{"a":2}'],
    ['objects over several lines', '{\n "a": 1\n}\n{\n "a": 2\n}\n'],
  ])('reads %s', async (_name, bytes) => {
    const { table, reasons } = await decoded(lean, bytes)
    expect(reasons).toEqual({})
    expect(table.map(row => [row['a'], row['_raw_row']])).toEqual([
      ['1', '1'],
      ['2', '2'],
    ])
  })

  test('an empty file has no rows', async () => expect((await decoded(lean, '')).applied).toBe(0))
})

describe('one bad record', () => {
  test.each([
    ['json', '{"a":NaN}'],
    ['json', '{"a":1,}'],
    ['json', "{'a':1}"],
    ['json', '{"a":1 // no\n}'],
    ['json', '{"a":01}'],
    ['json', 'garbage'],
    ['json', '{"a":1,"b":"x'],
    ['not_object', '[1,2]'],
    ['not_object', '7'],
    ['not_object', 'null'],
    ['duplicate_key', '{"a":1,"a":2}'],
    ['ambiguous_column', '{"a":1,"A":2}'],
    ['surrogate', '{"b":"\\ud800"}'],
    ['type:a', '{"a":"x"}'],
    ['type:a', '{"a":1.5}'],
    ['type:a', '{"a":true}'],
    ['type:a', '{"a":{"x":1}}'],
    ['type:a', '{"a":9223372036854775808}'],
    ['type:a', '{"a":1e400}'],
    ['depth', `{"b":${'['.repeat(200)}${']'.repeat(200)}}`],
  ])('%s: %s', async (reason, bad) => {
    const { table, refusals } = await decoded(lean, `{"a":1}\n${bad}\n{"a":3}\n`)
    expect(table.map(row => row['a'])).toEqual(['1', '3'])
    expect(refusals.length).toBeGreaterThan(0)
    expect(refusals[0]?.reason).toBe(reason)
    expect(bad.startsWith(refusals[0]?.raw.split('\n')[0] as string)).toBe(true)
  })

  test('invalid UTF-8 is kept byte for byte', async () => {
    const { table, refusals } = await decoded(lean, Buffer.from('{"a":1}\n{"b":"\xff"}\n{"a":3}\n', 'latin1'))
    expect(table.map(row => row['a'])).toEqual(['1', '3'])
    expect(refusals).toMatchObject([{ reason: 'utf8', raw: '{"b":"\xff"}', ordinal: 2, offset: 8, length: 9 }])
  })

  test('a truncated last record leaves the others', async () => {
    const { table, refusals } = await decoded(lean, '{"a":1}\n{"a":2')
    expect(table).toHaveLength(1)
    expect(refusals).toMatchObject([{ reason: 'truncated', raw: '{"a":2' }])
  })

  test('in the middle of records back to back', async () => {
    const { table, refusals } = await decoded(lean, '{"a":1}{"a":x}{"a":3}')
    expect(table.map(row => row['a'])).toEqual(['1', '3'])
    expect(refusals).toMatchObject([{ reason: 'json', raw: '{"a":x}', ordinal: 2 }])
  })

  test('a reason that the scanner and the contract both give is counted once for each record', async () => {
    const { reasons, table } = await decoded(lean, '{"a":{"x":1}}\n{"a":"x"}\n{"a":[]}\n{"a":3}\n')
    expect(reasons).toEqual({ 'type:a': 3 })
    expect(table).toHaveLength(1)
  })

  test('beside a good record of several megabytes', async () => {
    const { table, reasons } = await decoded(lean, `{"a":1,"b":"${'é'.repeat(3_000_000)}"}\nno\n{"a":2}\n`, {
      select: sql`a, len(b)::INTEGER AS letters, _raw_row`,
    })
    expect([table.map(row => row['letters']), reasons]).toEqual([[3_000_000, null], { json: 1 }])
  })

  test('longer than the dataset allows', async () => {
    const small = defineDataset({ ...base(), limits: { recordBytesMax: 2_000_000 } })
    const { table, refusals } = await decoded(small, `{"a":1}\n{"b":"${'x'.repeat(5_000_000)}"}\n{"a":3}\n`)
    expect(table.map(row => row['a'])).toEqual(['1', '3'])
    expect(refusals).toMatchObject([{ reason: 'too_long', length: 5_000_008 }])
  })
})

const base = () => ({
  name: 'small',
  source: { system: 's', format: 'ndjson' as const, match: '*' },
  columns: { a: 'long' as const, b: 'string' as const },
})

describe('numbers', () => {
  const wide = defineDataset({ ...base(), columns: { a: 'decimal(38,18)', b: 'decimal(5,2)' } })
  test('decimals keep every digit', async () => {
    const { table } = await decoded(
      wide,
      '{"a":12345678901234567890.123456789012345678,"b":1.10}\n{"a":"0.000000000000000001","b":"-3"}\n',
    )
    expect(table.map(row => [row['a'], row['b']])).toEqual([
      ['12345678901234567890.123456789012345678', '1.10'],
      ['0.000000000000000001', '-3.00'],
    ])
  })
  test.each(['1.234', '1000', '"1,5"', '""', '"0x1"'])('%s is not decimal(5,2)', async text =>
    expect(await reasons(`{"b":${text}}`, wide)).toEqual(['type:b']),
  )
  test('a whole number may be written 3.0, and quoted', async () => {
    const { table } = await decoded(lean, '{"a":3.0}\n{"a":"4"}\n')
    expect(table.map(row => row['a'])).toEqual(['3', '4'])
  })
  test.each(['"1e3"', '"1_000"', '" "', '"0x1f"', '"١٢٣"'])('%s is no whole number', async text =>
    expect(await reasons(`{"a":${text}}`)).toEqual(['type:a']),
  )
})

describe('dates and times', () => {
  const times = defineDataset({
    ...base(),
    columns: {
      d: 'date',
      t: 'time',
      ts: 'timestamp',
      tz: 'timestamptz',
      ms: { type: 'timestamptz', format: 'epoch-millis' },
      us: { type: 'date', format: '%m/%d/%Y' },
    },
  })
  test('ISO 8601 and declared formats', async () => {
    const { table } = await decoded(
      times,
      '{"d":"1969-12-31","t":"23:59:59.999999","ts":"1969-12-31T23:59:59.5","tz":"2024-01-01 00:00:00-05:30","ms":1517966773840,"us":"02/29/2024"}\n',
    )
    expect(table[0]).toMatchObject({
      d: '1969-12-31',
      t: '23:59:59.999999',
      ts: '1969-12-31 23:59:59.5',
      tz: '2024-01-01 05:30:00+00',
      ms: '2018-02-07 01:26:13.84+00',
      us: '2024-02-29',
    })
  })
  test.each([
    ['d', '02/03/04'],
    ['d', '2024-02-30'],
    ['d', 'infinity'],
    ['d', '2024-01-01T00:00:00Z'],
    ['t', '24:00:00'],
    ['ts', '2024-01-01T00:00:00Z'],
    ['ts', 'epoch'],
    ['tz', '2024-06-30T23:59:60Z'],
    ['us', '2024-02-29'],
    ['ms', 'soon'],
  ])('%s: %s is refused', async (name, text) =>
    expect(await reasons(JSON.stringify({ [name]: text }), times)).toEqual([`type:${name}`]),
  )
})

describe('whole files', () => {
  test.each([
    ['truncated', gzipSync('{"a":1}\n'.repeat(1000)).subarray(0, 40)],
    ['checksum', corrupt(gzipSync('{"a":1}\n'))],
    ['corrupt', Buffer.concat([gzipSync('{"a":1}\n'), Buffer.from('garbage')])],
    ['format', gzipSync(gzipSync('{"a":1}\n'))],
    ['format', Buffer.from('504b0304aaaaaaaaaa', 'hex')],
    ['ratio', gzipSync(Buffer.alloc(64_000_000, 0x20))],
    ['encoding', Buffer.from('\ufeff{"a":1}', 'utf16le')],
  ])('%s', async (reason, bytes) => {
    await expect(decoded(lean, bytes)).rejects.toMatchObject({ kind: 'file-unreadable', context: { reason } })
  })
})

function corrupt(gzip: Buffer): Buffer {
  const copy = Buffer.from(gzip)
  copy[copy.length - 6] = (copy[copy.length - 6] as number) ^ 1
  return copy
}

describe('documents', () => {
  const array = defineDataset({ ...base(), source: { system: 's', format: 'json', match: '*' } })
  test('an array is a record for each element', async () => {
    const { table, reasons } = await decoded(array, '[{"a":1},\n{"a":2}]')
    expect(reasons).toEqual({})
    expect(table.map(row => row['a'])).toEqual(['1', '2'])
  })
  test('a bad element is refused alone', async () => {
    const { table, refusals } = await decoded(array, '[{"a":1}, {"a":x, "b":[1,{}]}, 5, {"a":3}]')
    expect(table.map(row => row['a'])).toEqual(['1', '3'])
    expect(refusals.map(each => [each.reason, each.raw])).toEqual([
      ['json', '{"a":x, "b":[1,{}]}'],
      ['not_object', '5'],
    ])
  })
  test('an array that does not end keeps what came before', async () => {
    const { table, refusals } = await decoded(array, '[{"a":1},{"a":2}')
    expect(table).toHaveLength(2)
    expect(refusals.map(each => each.reason)).toEqual(['truncated'])
  })
  test('records under a field of the document', async () => {
    const features = defineDataset({
      ...base(),
      source: { system: 's', format: 'json', records: 'features', match: '*' },
    })
    const { table } = await decoded(
      features,
      '{"type":"x","meta":{"features":[9]},"features":[{"a":1},{"a":2}],"bbox":[1]}',
    )
    expect(table.map(row => row['a'])).toEqual(['1', '2'])
  })
})

describe('what the contract does not know', () => {
  const nested = { a: 'long', s: { struct: { x: 'long' } } } as const
  test('discard rescues it', async () => {
    const { table } = await decoded(
      defineDataset({ ...base(), columns: nested }),
      '{"a":1,"zz":{"k":[1.10]},"s":{"x":1,"y":"2"}}\n{"a":2}\n',
    )
    expect(table.map(row => row['_rescued'])).toEqual(['{"zz":{"k":[1.10]},"s.y":"2"}', null])
  })
  test('freeze refuses the row', async () => {
    const { table, refusals } = await decoded(
      defineDataset({ ...base(), evolution: 'freeze' }),
      '{"a":1}\n{"a":2,"zz":1}\n',
    )
    expect(table).toHaveLength(1)
    expect(refusals).toMatchObject([{ reason: 'unknown_column', message: 'not in the contract: zz' }])
  })
  test('add learns its kind', async () => {
    const { unknown } = await decoded(
      defineDataset({ ...base(), evolution: 'add' }),
      '{"n":1,"m":1,"x":null,"__proto__":"p"}\n{"n":2.5,"m":"t"}\n',
    )
    expect([...(unknown ?? [])]).toEqual([
      ['n', 'double'],
      ['m', 'string'],
      ['x', undefined],
      ['__proto__', 'string'],
    ])
  })
})

describe('renames, defaults, required', () => {
  const renamed = defineDataset({
    ...base(),
    columns: {
      a: { type: 'long', required: true, from: ['old_a', 'older_a'] },
      b: { type: 'string', default: 'none' },
    },
  })
  test('former names and absent fields', async () => {
    const { table } = await decoded(renamed, '{"a":1,"b":"x"}\n{"old_a":2}\n{"older_a":3,"b":null}\n')
    expect(table.map(row => [row['a'], row['b']])).toEqual([
      ['1', 'x'],
      ['2', 'none'],
      ['3', null],
    ])
  })
  test('both names, or none', async () => {
    expect(await reasons('{"a":1,"old_a":2}\n{"b":"x"}\n{"a":null}\n', renamed)).toEqual([
      'ambiguous_column',
      'required:a',
      'required:a',
    ])
  })
})
