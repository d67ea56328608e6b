// CSV by a declared dialect: the strict way and the scanner read the same rows, a broken line is refused alone, and nothing ever
// shifts into a neighbour's column.
import { describe, expect, test } from 'vitest'
import { type CsvDialect, type DatasetSpec, defineDataset } from '#lake/dataset.ts'
import { type Decoded, decoded } from './decoding.ts'

type Spec = Partial<DatasetSpec<string>> & { readonly csv?: Partial<CsvDialect> }

const table = ({ csv = {}, ...rest }: Spec = {}) =>
  defineDataset({
    name: 'lines',
    source: { system: 's', format: 'csv', match: '*', csv },
    columns: { a: 'long', b: 'string', c: 'double' },
    ...rest,
  })

const cells = ({ table: rows }: Decoded) => rows.map(row => [row['a'], row['b'], row['c']])
const refused = ({ refusals }: Decoded) =>
  refusals.map(each => [each.ordinal, each.reason, Buffer.from(each.raw, 'latin1').toString()])

/** A clean file must take the strict way, or nothing would be said of it here. */
async function strictly(spec: Spec, text: string | Uint8Array): Promise<Decoded> {
  const result = await decoded(table(spec), text)
  expect(result.refused).toEqual([])
  return result
}

describe('a clean file', () => {
  test.each<[string, Partial<CsvDialect>, string]>([
    ['plain', {}, 'a,b,c\n1,x,0.5\n2,y,\n'],
    ['without a final newline', {}, 'a,b,c\n1,x,0.5\n2,y,'],
    ['CRLF', {}, 'a,b,c\r\n1,x,0.5\r\n2,y,\r\n'],
    ['a byte order mark', {}, '\ufeffa,b,c\n1,x,0.5\n2,y,\n'],
    ['columns in another order', {}, 'c,a,b\n0.5,1,x\n,2,y\n'],
    ['quotes', {}, '"a","b","c"\n"1","x","0.5"\n2,"y",\n'],
    ['without a header', { header: false }, '1,x,0.5\n2,y,\n'],
    ['tabs', { delimiter: '\t' }, 'a\tb\tc\n1\tx\t0.5\n2\ty\t\n'],
    ['semicolons and single quotes', { delimiter: ';', quote: "'" }, "a;b;c\n'1';'x';0.5\n2;'y';\n"],
    ['a null token', { null: 'NA' }, 'a,b,c\n1,x,0.5\n2,y,NA\n'],
    ['a null token beside empty fields', { null: '\\N' }, 'a,b,c\n1,x,0.5\n2,y,\n'],
    ['no quotes at all', { quote: '', escape: '' }, 'a,b,c\n1,x,0.5\n2,y,\n'],
    ['blank lines', {}, 'a,b,c\n1,x,0.5\n\n2,y,\n\n'],
    ['a delimiter too many at the end of a line', {}, 'a,b,c\n1,x,0.5,\n2,y,,,\n'],
  ])('%s', async (_name, csv, text) => {
    const clean = await strictly({ csv }, text)
    expect(cells(clean)).toEqual([
      ['1', 'x', 0.5],
      ['2', 'y', null],
    ])
    const separator = csv.delimiter ?? ','
    const dirty = await decoded(table({ csv }), `${text.replace(/\n*$/, '\n')}x${separator}z${separator}1\n`)
    expect(cells(dirty)).toEqual(cells(clean))
    expect(dirty.table.map(row => row['_raw_row'])).toEqual(clean.table.map(row => row['_raw_row']))
    expect(dirty.refusals).toMatchObject([{ ordinal: 3, reason: 'type:a' }])
  })

  test.each<[string, Partial<CsvDialect>, string, string | null]>([
    ['a newline in quotes', {}, '"line 1\nline 2"', 'line 1\nline 2'],
    ['CRLF in quotes', {}, '"line 1\r\nline 2"', 'line 1\r\nline 2'],
    ['a delimiter in quotes', {}, '"x,y"', 'x,y'],
    ['a doubled quote', {}, '"say ""hi"""', 'say "hi"'],
    ['an escaped quote', { escape: '\\' }, '"say \\"hi\\" \\\\"', 'say "hi" \\'],
    ['an empty quoted field, which is no null', {}, '""', ''],
    ['a quoted null token, which is no null', { null: 'NA' }, '"NA"', 'NA'],
    ['an empty field', {}, '', null],
    ['spaces', {}, ' x ', ' x '],
    ['spaces around quotes', {}, ' "x" ', 'x'],
    ['only spaces', {}, '  ', '  '],
    ['a quote in the middle', {}, 'x"y', 'x"y'],
    ['a formula', {}, "=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"],
    ['letters of four bytes', {}, '𝒳é', '𝒳é'],
    ['a backslash', {}, 'C:\\dir', 'C:\\dir'],
    ['a hash', {}, '#5', '#5'],
    ['the text null', {}, 'null', 'null'],
  ])('%s', async (_name, csv, field, value) => {
    const clean = await decoded(table({ csv }), `a,b,c\n1,${field},\n2,z,1\n`)
    const dirty = await decoded(table({ csv }), `a,b,c\n1,${field},\n2,z,1\nx,,\n`)
    expect(cells(clean)).toEqual([
      ['1', value, null],
      ['2', 'z', 1],
    ])
    expect(cells(dirty)).toEqual(cells(clean))
    expect(refused(dirty)).toEqual([[3, 'type:a', 'x,,']])
  })

  test('a header and nothing else is no row', async () => expect((await decoded(table(), 'a,b,c\n')).applied).toBe(0))
})

describe('one bad line', () => {
  test.each<[string, string]>([
    ['arity', '2,y'],
    ['arity', '2,y,1,z'],
    ['arity', '2,y,1,""'],
    ['arity', '2,y,,,1'],
    ['arity', '2'],
    ['quote', '2,"y"z,1'],
    ['type:a', '"1,234",y,1'],
    ['type:a', '1e3,y,1'],
    ['type:a', '١٢٣,y,1'],
    ['type:c', '1,y,"1.234,50"'],
    ['type:c', '1,y,NaN'],
  ])('%s: %s', async (reason, line) => {
    const result = await decoded(table(), `a,b,c\n1,x,\n${line}\n3,z,\n`)
    expect(cells(result)).toEqual([
      ['1', 'x', null],
      ['3', 'z', null],
    ])
    expect(refused(result)).toEqual([[2, reason, line]])
    expect(result.table.map(row => row['_raw_row'])).toEqual(['1', '3'])
  })

  test('invalid UTF-8 is kept byte for byte', async () => {
    const result = await decoded(table(), Buffer.from('a,b,c\r\n1,\xff,\r\n3,z,\r\n', 'latin1'))
    expect(cells(result)).toEqual([['3', 'z', null]])
    expect(result.refusals).toMatchObject([{ reason: 'utf8', raw: '1,\xff,', offset: 7, length: 4 }])
  })

  test('a quote that is never closed costs its own line', async () => {
    const result = await decoded(table(), 'a,b,c\n1,x,\n2,"y,\n3,z,\n4,w,\n')
    expect(cells(result).map(row => row[0])).toEqual(['1', '3', '4'])
    expect(refused(result)).toEqual([[2, 'quote', '2,"y,']])
  })

  test('a quote that is not closed for longer than a record may be costs its own line', async () => {
    const lines = Array.from({ length: 200_000 }, (_, at) => `${at + 2},text of a line,1.5`)
    const small = table({ limits: { recordBytesMax: 1_500_000 } })
    const result = await decoded(small, `a,b,c\n1,"x,\n${lines.join('\n')}\n`)
    expect(result.applied).toBe(200_000)
    expect(refused(result)).toEqual([[1, 'too_long', '1,"x,']])
  })

  test('a record of the wrong arity over several lines is refused whole: its text never becomes a row', async () => {
    const result = await decoded(table(), 'a,b,c\n1,"x\n7,y,1\n",1,1\n2,z,\n')
    expect(cells(result)).toEqual([['2', 'z', null]])
    expect(refused(result)).toEqual([[1, 'arity', '1,"x\n7,y,1\n",1,1']])
  })

  test('a repeated header is no record', async () => {
    const result = await decoded(table(), 'a,b,c\n1,x,\na,b,c\n2,y,\n')
    expect(result.table.map(row => [row['a'], row['_raw_row']])).toEqual([
      ['1', '1'],
      ['2', '2'],
    ])
    expect(result.reasons).toEqual({})
  })

  test('a table of one column', async () => {
    const single = table({ columns: { a: 'string' } })
    const { table: rows } = await decoded(single, 'a\nx\n\n""\ny\n')
    expect(rows.map(row => row['a'])).toEqual(['x', '', 'y'])
  })
})

describe('the header', () => {
  test.each<[string, string | Uint8Array]>([
    ['a name twice', 'a,b,a\n1,x,2\n'],
    ['two names that differ in case', 'a,b,B\n1,x,2\n'],
    ['an empty name', 'a,,c\n1,x,2\n'],
    ['none of the contract', 'x,y,z\n1,2,3\n'],
    ['no header, but rows', '1,x,0.5\n2,y,1.5\n'],
    ['nothing at all', ''],
    ['a quote that is never closed', '"a,b,c\n1,x,2\n'],
    ['a line of 2 MB', `${'x'.repeat(2_000_000)}\n`],
    ['another delimiter', 'a;b;c\n1;x;2\n'],
  ])('%s', async (_name, text) => {
    await expect(decoded(table(), text)).rejects.toMatchObject({
      kind: 'file-unreadable',
      context: { reason: 'header' },
    })
  })

  test('in another encoding', async () => {
    await expect(decoded(table(), Buffer.from('a,b,c,\xe9\n1,x,2,3\n', 'latin1'))).rejects.toMatchObject({
      context: { reason: 'encoding' },
    })
  })

  test('a name and its former name are the same column', async () => {
    const renamed = table({ columns: { a: { type: 'long', from: 'old' }, b: 'string' } })
    expect((await decoded(renamed, 'old,b\n1,x\n')).table[0]).toMatchObject({ a: '1', b: 'x' })
    await expect(decoded(renamed, 'old,a\n1,2\n')).rejects.toMatchObject({ context: { reason: 'header' } })
  })

  test('names that look like SQL stay names', async () => {
    const hostile = `a" FROM x; DROP TABLE t; --`
    const odd = table({ columns: { a: 'long', [hostile]: 'string' } })
    const { table: rows } = await decoded(odd, `a,"${hostile.replaceAll('"', '""')}"\n1,x\n`)
    expect(rows[0]?.[hostile]).toBe('x')
  })
})

describe('columns that are missing', () => {
  test('are null, or their default', async () => {
    const lines = 'a\n1\n2\n'
    expect(cells(await strictly({}, lines))).toEqual([
      ['1', null, null],
      ['2', null, null],
    ])
    const columns = { a: 'long', b: { type: 'string', default: 'none' }, c: { type: 'double', default: 1.5 } } as const
    const expected = [
      ['1', 'none', 1.5],
      ['2', 'none', 1.5],
    ]
    expect(cells(await strictly({ columns }, lines))).toEqual(expected)
    expect(cells(await decoded(table({ columns }), `${lines}x\n`))).toEqual(expected)
  })

  test('an empty field is null, not the default', async () => {
    const columns = { a: 'long', b: { type: 'string', default: 'none' }, c: 'double' } as const
    expect(cells(await decoded(table({ columns }), 'a,b,c\n1,,\n2,x,\n'))).toEqual([
      ['1', null, null],
      ['2', 'x', null],
    ])
  })

  test('required ones refuse every row', async () => {
    const columns = { a: 'long', b: { type: 'string', required: true } } as const
    const result = await decoded(table({ columns }), 'a\n1\n2\n')
    expect(result.reasons).toEqual({ 'required:b': 2 })
  })
})

describe('columns that the contract does not know', () => {
  const text = 'a,b,c,n,t,e\n1,x,,7,foo,\n2,y,,8.5,,\n'
  test('discard rescues what they hold', async () => {
    const { table: rows, reasons } = await decoded(table(), text)
    expect(reasons).toEqual({})
    expect(rows.map(row => row['_rescued'])).toEqual(['{"n":7,"t":"foo"}', '{"n":8.5}'])
  })
  test('add learns their kind', async () => {
    const { unknown } = await decoded(table({ evolution: 'add' }), text)
    expect([...(unknown ?? [])]).toEqual([
      ['n', 'double'],
      ['t', 'string'],
    ])
  })
  test('freeze refuses the rows that use them', async () => {
    const result = await decoded(table({ evolution: 'freeze' }), 'a,b,c,n\n1,x,,7\n2,y,,\n')
    expect(cells(result)).toEqual([['2', 'y', null]])
    expect(result.refusals).toMatchObject([{ reason: 'unknown_column', message: 'not in the contract: n' }])
  })
})
