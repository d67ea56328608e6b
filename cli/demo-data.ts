import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Lake, ObjectInfo } from '#lake/lake.ts'

/** Real files, from the npm package vega-datasets, and the landing keys under which producers would drop them. */
const FILES: readonly (readonly [file: string, key: string])[] = [
  ['airports.csv', 'airports/airports.csv'],
  ['birdstrikes.csv', 'birdstrikes/1990-2002.csv'],
  ['earthquakes.json', 'earthquakes/2018-02-07.json'],
  ['flights-200k.json', 'delays/sample.json'],
  ['flights-3m.parquet', 'flights/2001-h1.parquet'],
  ['movies.json', 'movies/movies.json'],
]

/** Drops the demo's files into landing: the real ones, gzipped JSON lines made from one of them, and a file that is broken. */
export async function landDemoData(lake: Lake): Promise<readonly ObjectInfo[]> {
  const landed: ObjectInfo[] = []
  for (const [file, key] of FILES) {
    const path = datasetPath(file)
    const sha256 = createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
    landed.push(await lake.storage.upload(path, `${lake.zones.landing}/${key}`, { sha256 }))
  }
  const lines = jsonLines(await readFile(datasetPath('seattle-weather.csv'), 'utf8'))
  const gzip = gzipSync(lines)
  landed.push(await lake.storage.put(`${lake.zones.landing}/weather/seattle.ndjson.gz`, gzip))
  // Cut in the middle, as by a producer that died: the whole file goes to quarantine, because nobody knows what is missing.
  landed.push(
    await lake.storage.put(`${lake.zones.landing}/weather/seattle-cut.ndjson.gz`, gzip.subarray(0, gzip.length / 2)),
  )
  return landed
}

function datasetPath(file: string): string {
  // The package exports its code only; the files stand beside it.
  return fileURLToPath(new URL(`../data/${file}`, import.meta.resolve('vega-datasets')))
}

/** A CSV of numbers, dates and words without quotes, as JSON lines; numbers keep their digits. */
function jsonLines(csv: string): string {
  const [header = '', ...rows] = csv.trimEnd().split('\n')
  const names = header.trim().split(',')
  const value = (text: string): string => (/^-?\d+(\.\d+)?$/.test(text) ? text : JSON.stringify(text))
  const line = (row: string): string =>
    `{${row
      .trim()
      .split(',')
      .map((text, at) => `${JSON.stringify(names[at])}:${value(text)}`)
      .join(',')}}`
  return `${rows.map(line).join('\n')}\n`
}
