// Real files that nobody made for this: rows in the table plus refused records are what the files hold, and values are theirs.
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { defineDataset } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { decoded } from './decoding.ts'

const file = (name: string): Buffer => readFileSync(`node_modules/vega-datasets/data/${name}`)
const json = (match: string, records?: string) =>
  ({ system: 'vega', format: 'json', match, ...(records ? { records } : {}) }) as const

test('movies: mixed types, nulls, dates in words', async () => {
  const movies = defineDataset({
    name: 'movies',
    source: json('movies*'),
    columns: {
      title: { type: 'string', from: 'Title' },
      gross: { type: 'long', from: 'US Gross' },
      released: { type: 'date', from: 'Release Date', format: '%b %d %Y' },
      rating: { type: 'double', from: 'IMDB Rating' },
    },
  })
  const bytes = file('movies.json')
  const source = JSON.parse(bytes.toString()) as Readonly<Record<string, unknown>>[]
  const { applied, reasons, table } = await decoded(movies, bytes)
  const refused = Object.values(reasons).reduce((sum, count) => sum + count, 0)
  expect(applied + refused).toBe(source.length)
  const grossOf = (row: Readonly<Record<string, unknown>>) => row['US Gross']
  const known = new Set(table.map(row => Number(row['_raw_row'])))
  const sum = source.filter((_row, at) => known.has(at + 1)).reduce((all, row) => all + Number(grossOf(row) ?? 0), 0)
  expect(table.reduce((all, row) => all + Number(row['gross'] ?? 0), 0)).toBe(sum)
  // Titles that are numbers in the source stay as they are written there.
  expect(table.find(row => row['title'] === '300')).toBeDefined()
})

test('earthquakes: records under a field of the document, nested, instants as numbers', async () => {
  const earthquakes = defineDataset({
    name: 'earthquakes',
    source: json('earthquakes*', 'features'),
    columns: {
      id: { type: 'string', required: true },
      properties: { struct: { mag: 'double', place: 'string', time: { type: 'timestamptz', format: 'epoch-millis' } } },
      geometry: { struct: { coordinates: { list: 'double' } } },
    },
  })
  const bytes = file('earthquakes.json')
  const source = (JSON.parse(bytes.toString()) as { features: { properties: { mag: number; time: number } }[] })
    .features
  const select = sql`properties.mag AS mag, CAST(epoch_ms(properties.time) AS VARCHAR) AS time, len(geometry.coordinates)::INTEGER AS axes, _raw_row`
  const { table, reasons } = await decoded(earthquakes, gzipSync(bytes), { select })
  expect(reasons).toEqual({})
  expect(table).toEqual(
    source.map(({ properties: { mag, time } }, at) => ({ mag, time: String(time), axes: 3, _raw_row: String(at + 1) })),
  )
})

test('flights: 231,083 records in one array, read strictly, with one bad element by the scanner', async () => {
  const flights = defineDataset({
    name: 'flights',
    source: json('flights*'),
    columns: { delay: 'int', distance: 'int', time: 'double' },
  })
  const bytes = file('flights-200k.json')
  const source = JSON.parse(bytes.toString()) as { delay: number; distance: number; time: number }[]
  const total = (of: 'delay' | 'distance' | 'time') => source.reduce((sum, row) => sum + row[of], 0)
  const select = sql`sum(delay)::INTEGER AS delay, sum(distance)::INTEGER AS distance, round(sum(time), 3) AS time, count(*)::INTEGER AS rows, max(_raw_row)::INTEGER AS last, 1 AS _raw_row`
  const expected = {
    delay: total('delay'),
    distance: total('distance'),
    time: expect.closeTo(total('time'), 2),
    rows: source.length,
  }
  const strict = await decoded(flights, bytes, { select })
  expect([strict.refused, strict.table]).toEqual([[], [{ ...expected, last: source.length, _raw_row: 1 }]])
  const end = bytes.lastIndexOf(']')
  const dirty = Buffer.concat([
    bytes.subarray(0, end),
    Buffer.from(',{"delay":1.5},{"delay":0,"distance":0,"time":0}]'),
  ])
  const scanned = await decoded(flights, dirty, { select })
  expect(scanned.refusals).toMatchObject([{ ordinal: source.length + 1, reason: 'type:delay', raw: '{"delay":1.5}' }])
  expect(scanned.table).toEqual([{ ...expected, rows: source.length + 1, last: source.length + 2, _raw_row: 1 }])
})

test('airports and birdstrikes: CSV', async () => {
  const airports = defineDataset({
    name: 'airports',
    source: { system: 'vega', format: 'csv', match: 'airports*' },
    columns: { iata: { type: 'string', required: true }, name: 'string', latitude: 'double', longitude: 'double' },
  })
  const { applied, reasons, table } = await decoded(airports, file('airports.csv'), {
    select: sql`iata, name, _rescued, _raw_row`,
  })
  const linesOfFile = file('airports.csv').toString().trimEnd().split('\n').length - 1
  expect([applied, reasons]).toEqual([linesOfFile, {}])
  expect(table[0]).toMatchObject({
    iata: '00M',
    name: 'Thigpen',
    _rescued: '{"city":"Bay Springs","state":"MS","country":"USA"}',
  })
})
