import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Lake, ObjectInfo } from '#lake/lake.ts'
import { type ChangeFile, type CountryRecord, countryChanges, type JobRecord, jobChanges } from './demo-changes.ts'

/** Real files, from the npm package vega-datasets, and the landing keys under which producers would drop them. */
const FILES: readonly (readonly [file: string, key: string])[] = [
  ['airports.csv', 'airports/airports.csv'],
  ['birdstrikes.csv', 'birdstrikes/1990-2002.csv'],
  ['earthquakes.json', 'earthquakes/2018-02-07.json'],
  ['flights-200k.json', 'delays/sample.json'],
  ['flights-3m.parquet', 'flights/2001-h1.parquet'],
  ['movies.json', 'movies/movies.json'],
]

/** The last files of each change stream: they land when all others are in the tables. */
const LATE_FILES = 2

/** Lets the demo's files land, in two goes: `land` is told of each, and waits until what landed is done. */
export async function landDemoData(lake: Lake, land: (objects: readonly ObjectInfo[]) => Promise<void>): Promise<void> {
  const streams = await demoChanges()
  const put = (files: readonly ChangeFile[]): Promise<readonly ObjectInfo[]> =>
    Promise.all(files.map(({ key, text }) => lake.storage.put(`${lake.zones.landing}/${key}`, Buffer.from(text))))
  const early = await put(streams.flatMap(files => files.slice(0, -LATE_FILES)))
  await land([...(await landFiles(lake)), ...early])
  await land(await put(streams.flatMap(files => files.slice(-LATE_FILES))))
}

/** The real files, gzipped JSON lines made from one of them, and a file that is broken. */
async function landFiles(lake: Lake): Promise<readonly ObjectInfo[]> {
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

/** Files of two change streams, in the order in which they land: the full load of one comes after its changes. */
export async function demoChanges(): Promise<readonly (readonly ChangeFile[])[]> {
  const [countries, jobs] = await Promise.all([
    demoRecords<CountryRecord>('gapminder.json'),
    demoRecords<JobRecord>('jobs.json'),
  ])
  return [countryChanges(countries), jobChanges(jobs)]
}

/** A file of vega-datasets that is one JSON array. */
export const demoRecords = async <T>(file: string): Promise<readonly T[]> =>
  JSON.parse(await readFile(datasetPath(file), 'utf8')) as readonly T[]

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
