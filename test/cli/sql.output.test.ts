// Results in three forms. JSON and CSV hold every row and every digit; a table shows the first 1,000 rows and says when there are
// more. No form needs the whole result in memory, and a reader that goes away ends the query quietly.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CommandBench, commandBench } from './command-bench.ts'

let bench: CommandBench
beforeAll(async () => {
  bench = commandBench()
  await bench.lake.storage.put(`${bench.lake.zones.ops}/x`, Buffer.from('x'))
})
afterAll(() => bench.remove())

const VALUES = `select 9007199254740993::bigint as a, 170141183460469231731687303715884105727::hugeint as b, 1.50::decimal(10,2) as c,
  null as d, '' as e, 'x,"y' as f, {k: 9223372036854775807::bigint, l: [1.1::float, null]} as g,
  timestamptz '2024-01-01 02:00:00+02' as h, 'nan'::double as i, true as j, date '2024-02-29' as k`

test('JSON: one object a line, numbers with all their digits at every depth', async () => {
  const ran = await bench.run(['sql', VALUES, '--json'])
  expect(ran).toEqual({
    code: 0,
    err: '',
    out:
      '{"a":9007199254740993,"b":170141183460469231731687303715884105727,"c":1.50,"d":null,"e":"","f":"x,\\"y",' +
      '"g":{"k":9223372036854775807,"l":[1.1,null]},"h":"2024-01-01 00:00:00+00","i":"NaN","j":true,"k":"2024-02-29"}\n',
  })
})

test('CSV: RFC 4180, NULL and empty text apart', async () => {
  const ran = await bench.run(['sql', VALUES, '--csv'])
  expect(ran.out).toBe(
    'a,b,c,d,e,f,g,h,i,j,k\r\n' +
      '9007199254740993,170141183460469231731687303715884105727,1.50,,"","x,""y",' +
      '"{""k"":9223372036854775807,""l"":[1.1,null]}",2024-01-01 00:00:00+00,NaN,true,2024-02-29\r\n',
  )
})

test('CSV quotes line breaks and does not touch formulas', async () => {
  const ran = await bench.run(['sql', "select E'a\\nb' as \"x,y\", '=1+1' as z", '--csv'])
  expect(ran.out).toBe('"x,y",z\r\n"a\nb",=1+1\r\n')
})

test('a table: numbers right, the rest left, NULL, rows and seconds', async () => {
  const ran = await bench.run([
    'sql',
    "select * from (values ('a', 1, null), ('bb', 22, 1.5)) t(name, n, d) order by n",
  ])
  expect(ran.out).toMatch(
    /^name {3}n {5}d\n──── {2}── {2}────\na {6}1 {2}NULL\nbb {4}22 {3}1\.5\n2 rows in \d\.\d\d s\n$/,
  )
})

test('columns of one name all stay', async () => {
  expect((await bench.run(['sql', 'select 1 as a, 2 as a, 3 as a_1', '--json'])).out).toBe(
    '{"a":1,"a_1":2,"a_1_1":3}\n',
  )
  expect((await bench.run(['sql', 'select 1 as a, 2 as a'])).out).toMatch(/^a {2}a\n─ {2}─\n1 {2}2\n/)
})

test('text from strangers cannot write to the terminal', async () => {
  const ran = await bench.run(['sql', "select chr(27) || '[2J' || chr(10) || 'x' as t"])
  expect(ran.out).toContain('\n\\u{1b}[2J\\nx\n')
})

test('a table is cut to the terminal, --full is not', async () => {
  const query = "select repeat('x', 200) as long, 123456789 as n"
  const cut = await bench.run(['sql', query], { columns: 40 })
  expect(cut.out.split('\n')[2]).toBe(`${'x'.repeat(28)}…  123456789`)
  const full = await bench.run(['sql', query, '--full'], { columns: 40 })
  expect(full.out.split('\n')[2]).toBe(`${'x'.repeat(200)}  123456789`)
  const piped = await bench.run(['sql', query])
  expect(piped.out.split('\n')[2]).toBe(`${'x'.repeat(200)}  123456789`)
})

test('columns that do not fit are named', async () => {
  const ran = await bench.run(['sql', "select 'some text' as first, 1234567890 as second, 1234567890 as third"], {
    columns: 30,
  })
  expect(ran.out).toContain('not shown, for want of room: third; --full shows all\n1 row in ')
})

const MANY = 'select i from range(5000) t(i) order by i'

test.each([
  [[], 1_000, true],
  [['--limit', '3'], 3, true],
  [['--limit', '4999'], 4_999, true],
  [['--limit', '5000'], 5_000, false],
  [['--limit', '9999'], 5_000, false],
  [['--limit', '0'], 0, true],
] as const)('a table with %j shows %i rows', async (more, rows, isCut) => {
  const ran = await bench.run(['sql', MANY, ...more])
  const lines = ran.out.trimEnd().split('\n')
  expect(lines).toHaveLength(rows + 3)
  expect(lines.at(-1)?.includes('there are more')).toBe(isCut)
  if (rows > 0) expect(lines[rows + 1]?.trim()).toBe(String(rows - 1))
})

test('JSON and CSV hold all rows unless there is a limit', async () => {
  expect((await bench.run(['sql', MANY, '--json'])).out.split('\n')).toHaveLength(5_001)
  expect((await bench.run(['sql', MANY, '--csv'])).out.split('\r\n')).toHaveLength(5_002)
  expect((await bench.run(['sql', MANY, '--json', '--limit', '7'])).out.split('\n')).toHaveLength(8)
  expect((await bench.run(['sql', MANY, '--csv', '--limit', '7'])).out.split('\r\n')).toHaveLength(9)
  expect((await bench.run(['sql', MANY, '--csv', '--limit', '0'])).out).toBe('i\r\n')
})

const LARGE = "select i, repeat('x', 400) as t from range(1000000) t(i)"

test('a large result is printed as it is computed', async () => {
  let bytes = 0
  let rssMax = 0
  const before = process.memoryUsage().rss
  const onOut = (text: string): void => {
    bytes += text.length
    rssMax = Math.max(rssMax, process.memoryUsage().rss)
  }
  expect(await bench.run(['sql', LARGE, '--csv'], { onOut, forgets: true })).toEqual({ code: 0, out: '', err: '' })
  expect(bytes).toBeGreaterThan(400_000_000)
  expect(rssMax - before).toBeLessThan(300_000_000)
})

test.each([['--csv'], ['--json'], ['--limit', '1000000']])(
  'a reader that goes away ends the query: %s',
  async (...more) => {
    let writes = 0
    const onOut = (): void => {
      writes++
    }
    const ran = await bench.run(['sql', LARGE, ...more], { onOut, forgets: true, readsMax: 3 })
    expect(ran).toEqual({ code: 0, out: '', err: '' })
    expect(writes).toBe(3)
  },
)

test.each([['-1'], ['1.5'], ['ten'], ['99999999999999999999']])('--limit %s is refused', async limit => {
  const ran = await bench.run(['sql', 'select 1', `--limit=${limit}`])
  expect(ran).toMatchObject({ code: 2, out: '' })
  expect(ran.err).toContain(`--limit ${limit} is not a number of rows`)
})

test('one form at a time', async () => {
  expect((await bench.run(['sql', 'select 1', '--json', '--csv'])).err).toContain('--json and --csv exclude each other')
})
