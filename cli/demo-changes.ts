import { createHash } from 'node:crypto'

/** A file of changes: its landing key and what is in it. */
export interface ChangeFile {
  readonly key: string
  readonly text: string
}

/** A record of `gapminder.json` in vega-datasets. */
export interface CountryRecord {
  readonly country: string
  readonly year: number
  readonly cluster: number
  readonly pop: number
  readonly life_expect: number
  readonly fertility: number
}

/** A record of `jobs.json` in vega-datasets. */
export interface JobRecord {
  readonly job: string
  readonly sex: string
  readonly year: number
  readonly count: number
  readonly perc: number
}

/** What Gapminder's numbers of regions stand for. */
export const REGIONS: readonly string[] = [
  ...['South Asia', 'Europe & Central Asia', 'Sub-Saharan Africa'],
  ...['America', 'East Asia & Pacific', 'Middle East & North Africa'],
]

const PLACEHOLDER = '__debezium_unavailable_value'
/** The year from which a country goes by the name that the source gives it throughout: a change of the key. */
const RENAMED = { from: 'Hong Kong', to: 'Hong Kong, China', year: 2000 } as const

const FIRST_LSN = 24_023_128

/**
 * The history of a table `countries` in PostgreSQL as Debezium tells it, had there been a row for each country, updated whenever new figures
 * came: snapshot reads for the first year, updates without the region, which never changes, and one country under a new name.
 */
export function countryChanges(records: readonly CountryRecord[]): readonly ChangeFile[] {
  const inOrder = records.toSorted((left, right) => left.year - right.year)
  const first = inOrder[0]?.year
  const events = inOrder.flatMap((record, at) => countryEvents(record, { at, isRead: record.year === first }))
  const lines = (some: readonly CountryEvent[]): readonly string[] => some.map(event => JSON.stringify(event))
  const reads = lines(events.filter(({ op }) => op === 'r'))
  const changes = shuffledWithRepeats(lines(events.filter(({ op }) => op !== 'r')))
  const size = 150
  // As the S3 sink of Kafka Connect calls them: topic, partition, first offset.
  const key = (offset: number): string =>
    `countries/gapminder.public.countries+0+${String(offset).padStart(10, '0')}.ndjson`
  const changed = filesOf(changes, { header: '', size, key: at => key(reads.length + at * size) })
  return [...changed, ...filesOf(reads, { header: '', size: reads.length, key })]
}

interface CountryEvent {
  readonly before: object | null
  readonly after: object | null
  readonly source: object
  readonly op: 'r' | 'c' | 'u' | 'd'
}

function countryEvents(
  record: CountryRecord,
  { at, isRead }: { readonly at: number; readonly isRead: boolean },
): readonly CountryEvent[] {
  const { year, cluster } = record
  const isMoved = record.country === RENAMED.to && year === RENAMED.year
  const after = {
    country: nameThen(record),
    year,
    region: isRead || isMoved ? REGIONS[cluster] : PLACEHOLDER,
    population: record.pop,
    life_expectancy: record.life_expect,
    fertility: record.fertility,
  }
  const source = postgres({ lsn: FIRST_LSN + at * 128, year, isRead })
  if (!isMoved) return [{ before: null, after, source, op: isRead ? 'r' : 'u' }]
  // A key that changes is two events of one position. Of the row before, PostgreSQL knows no more than the key.
  return [
    { before: { country: RENAMED.from }, after: null, source, op: 'd' },
    { before: null, after, source, op: 'c' },
  ]
}

/** What a country was called in the year of the record. */
export const nameThen = ({ country, year }: CountryRecord): string =>
  country === RENAMED.to && year < RENAMED.year ? RENAMED.from : country

interface Moment {
  readonly lsn: number
  readonly year: number
  readonly isRead: boolean
}

function postgres({ lsn, year, isRead }: Moment): object {
  const database = { version: '3.2.0.Final', connector: 'postgresql', name: 'gapminder', db: 'gapminder' }
  const table = { schema: 'public', table: 'countries' }
  return { ...database, ts_ms: Date.UTC(year), snapshot: String(isRead), ...table, txId: year, lsn, xmin: null }
}

/**
 * The history of a table `jobs` as DMS writes it, had there been a row for each occupation that people worked in: a full load at the first
 * census; after it updates, inserts of new occupations and deletes of those that nobody works in any more.
 */
export function jobChanges(records: readonly JobRecord[]): readonly ChangeFile[] {
  const inOrder = records.toSorted((left, right) => left.year - right.year)
  const first = inOrder[0]?.year
  const load: string[] = []
  const changes: string[] = []
  const live = new Map<string, JobRecord>()
  for (const [at, record] of inOrder.entries()) {
    const key = `${record.job}\n${record.sex}`
    const before = live.get(key)
    if (record.count > 0) live.set(key, record)
    else live.delete(key)
    // `$AR_H_CHANGE_SEQ`: the time to hundredths of a second, and a counter. A full load has none.
    const sequence = `${record.year}060100000000${String(at).padStart(19, '0')}`
    if (record.year === first) load.push(...(record.count > 0 ? [csvLine(record, '')] : []))
    else if (record.count > 0) changes.push(`${before === undefined ? 'I' : 'U'},${csvLine(record, sequence)}`)
    else if (before !== undefined) changes.push(`D,${csvLine(before, sequence)}`)
  }
  const header = 'job,sex,year,count,perc,change_seq'
  const loaded = filesOf(load, {
    header,
    size: load.length,
    key: at => `jobs/LOAD${String(at + 1).padStart(8, '0')}.csv`,
  })
  const changed = filesOf(shuffledWithRepeats(changes), {
    header: `Op,${header}`,
    key: at => `jobs/20260501-0600${String(at).padStart(2, '0')}000.csv`,
    size: 1_000,
  })
  return [...changed, ...loaded]
}

function csvLine({ job, sex, year, count, perc }: JobRecord, sequence: string): string {
  const quoted = /[",]/.test(job) ? `"${job.replaceAll('"', '""')}"` : job
  return [quoted, sex, year, count, perc, sequence].join(',')
}

/** In the order of their hashes: no order at all, and the same each time. One in sixteen comes again, after all others. */
function shuffledWithRepeats(lines: readonly string[]): readonly string[] {
  const hashed = lines.map(line => ({ line, hash: createHash('sha256').update(line).digest('hex') }))
  const shuffled = hashed.toSorted((left, right) => (left.hash < right.hash ? -1 : 1))
  const again = shuffled.filter(({ hash }) => hash.endsWith('0'))
  return [...shuffled, ...again].map(({ line }) => line)
}

interface Cut {
  readonly header: string
  readonly key: (at: number) => string
  readonly size: number
}

function filesOf(lines: readonly string[], { header, key, size }: Cut): readonly ChangeFile[] {
  return Array.from({ length: Math.ceil(lines.length / size) }, (_, at) => {
    const part = lines.slice(at * size, (at + 1) * size)
    return { key: key(at), text: `${[...(header === '' ? [] : [header]), ...part].join('\n')}\n` }
  })
}
