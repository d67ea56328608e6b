import { createReadStream } from 'node:fs'
import { copyFile, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip, createZstdCompress } from 'node:zlib'
import type { RawObject } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join as joinSql, sql } from '#lake/duckdb/sql.ts'
import { isLakeError, LakeError } from '#lake/errors.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { columnByName, evolveSchema } from '#lake/iceberg/schema.ts'
import { duckdbType } from '#lake/iceberg/schema-text.ts'
import { loadTable } from '#lake/iceberg/table.ts'
import { tableDefinition } from '#lake/iceberg/table-definition.ts'
import type { Schema } from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'
import { isStreamErrorUri } from '#lake/stream-error.ts'
import { contentOf, decode, openPlain, type PlainTask, placesIn } from './decode/decode.ts'
import { head } from './decode/inflate.ts'
import { linesOf } from './decode/lines.ts'
import { Ordinals } from './decode/ordinals.ts'
import type { Place, RefusedRecord } from './decode/records.ts'
import type { ScannedObject } from './decode/scanned.ts'
import { avroWithout } from './erase-avro.ts'
import { mentions } from './mentions.ts'

/** Whose records: those that have this value in this column. */
export interface Subject {
  readonly column: string
  readonly value: string
}

export interface FoundRecords {
  /** From 1; 0 is the whole object, of which no record can be read. */
  readonly ordinals: readonly number[]
  /** So many of them do not fit the contract. */
  readonly quarantined: number
  /** Where those stand. */
  readonly places: readonly Place[]
}

/** A workplace for the records of a dataset's objects: one engine for all of them. */
export interface RecordBench extends AsyncDisposable {
  /** The records of a subject in an object. What cannot be read as the contract says is searched for the value as text. */
  find(object: RawObject, subject: Subject): Promise<FoundRecords>
  /** Writes the object anew, in its format and compression: in the place of each found record stands one that says nothing. */
  without(object: RawObject, found: FoundRecords): Promise<string>
}

/** Fails with `unsupported` for change streams, whose records hold a row as it was and as it is, and with `usage` for a column that there is not. */
export async function openRecordBench(lake: Lake, dataset: Dataset): Promise<RecordBench> {
  if (dataset.source.changes !== undefined)
    throw new LakeError(
      'unsupported',
      `${dataset.name} is a stream of changes: its raw objects cannot be erased from`,
      {
        dataset: dataset.name,
        next: 'delete the row in its source, whose change deletes it here; then expire the raw objects',
      },
    )
  const folder = join(lake.limits.scratch, `erase-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  const session = await lake.engine.open({
    threads: 1,
    memoryBytes: Math.floor(lake.limits.memoryBytes / 2),
    folders: [folder, ...lake.storage.folders],
    scratch: folder,
  })
  const bench: Bench = { lake, dataset, session, folder, schema: await schemaOf(lake, dataset) }
  return {
    find: (object, subject) => inFolder(bench, own => findIn(own, object, subject)),
    without: (object, found) => rewrite(bench, object, found),
    [Symbol.asyncDispose]: async () => {
      await session.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

interface Bench {
  readonly lake: Lake
  readonly dataset: Dataset
  readonly session: Session
  readonly folder: string
  readonly schema: Schema
}

/** As the table will be once the next batch has come: nothing is created or changed for a search. */
async function schemaOf(lake: Lake, dataset: Dataset): Promise<Schema> {
  const { columns } = tableDefinition(dataset)
  const table = await loadTable(lake, dataset.name)
  if (table === undefined) return evolveSchema(undefined, columns).schema
  return evolveSchema(currentSchema(table.metadata), columns, table.metadata['last-column-id']).schema
}

async function inFolder<T>(bench: Bench, work: (own: Bench) => Promise<T>): Promise<T> {
  const folder = join(bench.folder, bench.lake.ids.uuid())
  await mkdir(folder, { recursive: true })
  try {
    return await work({ ...bench, folder })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

// --- Finding -------------------------------------------------------------------------------------------------------

const WHOLE: FoundRecords = { ordinals: [0], quarantined: 1, places: [] }
const NOTHING: FoundRecords = { ordinals: [], quarantined: 0, places: [] }

async function findIn(bench: Bench, object: RawObject, subject: Subject): Promise<FoundRecords> {
  const { path } = await bench.lake.storage.stage(object.uri, bench.folder, { unhashed: true })
  // Records that a stream could not transform are encoded in it once more.
  if (isStreamErrorUri(bench.lake.zones.landing, object.sourceUri))
    return mentions(decodedErrors(await readFile(path, 'utf8')), subject.value) ? WHOLE : NOTHING
  const task = taskOf(bench, object, path)
  try {
    const plain = await openPlain(task)
    const decoded = await decode(bench.session, plain)
    return await matching(bench, decoded, subject)
  } catch (error) {
    if (!isLakeError(error, 'file-unreadable')) throw error
    const partly = await readFile(`${task.base}.plain`).catch(() => Buffer.alloc(0))
    return mentions(Buffer.concat([await readFile(path), partly]), subject.value) ? WHOLE : NOTHING
  }
}

function decodedErrors(text: string): Buffer {
  const encoded = [...text.matchAll(/"rawData"\s*:\s*"([A-Za-z0-9+/=]+)"/g)]
  return Buffer.concat([Buffer.from(text), ...encoded.map(found => Buffer.from(found[1] as string, 'base64'))])
}

function taskOf(bench: Bench, object: RawObject, path: string) {
  const { dataset, schema, folder } = bench
  const columns = dataset.columns.map(column => ({ ...column, soft: false }))
  return { object, contract: { dataset, columns }, schema, path, base: join(folder, 'object') }
}

async function matching({ session, schema }: Bench, decoded: ScannedObject, subject: Subject): Promise<FoundRecords> {
  const { type } = columnByName(schema, subject.column)
  const value = sql`TRY_CAST(${subject.value} AS ${duckdbType(type)})`
  const select = decoded.rows
    ? sql`SELECT _raw_row::DOUBLE AS ordinal FROM read_parquet(${decoded.rows.path}, hive_partitioning = FALSE) WHERE ${ident(subject.column)} = ${value} ORDER BY 1`
    : sql`SELECT 0::DOUBLE AS ordinal WHERE FALSE`
  const rows = (await session.rows(select)).map(row => Number(row['ordinal']))
  const places = await refusedPlaces(decoded, subject)
  const ordinals = [...new Set([...rows, ...places.map(place => place.ordinal)])].toSorted((a, b) => a - b)
  return { ordinals, quarantined: places.length, places }
}

async function refusedPlaces(decoded: ScannedObject, { value }: Subject): Promise<readonly Place[]> {
  const places: Place[] = []
  const plain = await open(decoded.plain).catch(() => undefined)
  try {
    for (const file of decoded.refused)
      for await (const { bytes } of linesOf(file)) {
        const record = JSON.parse(bytes.toString('utf8')) as RefusedRecord
        const [ordinal, offset, length] = [record.ordinal, record.offset, record.length].map(Number) as [
          number,
          number,
          number,
        ]
        const read = await plain?.read({ buffer: Buffer.alloc(length), length, position: offset })
        if (read !== undefined && mentions(read.buffer, value)) places.push({ ordinal, offset, length })
      }
    return places
  } finally {
    await plain?.close()
  }
}

// --- Writing anew --------------------------------------------------------------------------------------------------

async function rewrite(bench: Bench, object: RawObject, found: FoundRecords): Promise<string> {
  const target = join(bench.folder, `${bench.lake.ids.uuid()}.rewritten`)
  await inFolder(bench, async own => {
    const { path } = await own.lake.storage.stage(object.uri, own.folder, { unhashed: true })
    if (found.ordinals.includes(0)) return writeFile(target, '\n')
    const plain = await openPlain(taskOf(own, object, path))
    const written = join(own.folder, 'plain')
    await writePlain(own, plain, { found, written })
    await compressAs(path, written, target)
  })
  return target
}

interface Writing {
  readonly found: FoundRecords
  readonly written: string
}

async function writePlain({ session, dataset }: Bench, plain: PlainTask, { found, written }: Writing): Promise<void> {
  const content = await contentOf(plain.path, dataset.source.format)
  if (content === 'parquet') return parquetWithout(session, plain.path, { found, written })
  if (content === 'avro') {
    const ordinals = new Set(found.ordinals)
    return avroWithout({ source: plain.path, target: written, ordinals, limits: dataset.limits })
  }
  const refused = new Set(found.places.map(place => place.ordinal))
  const wanted = new Ordinals(sql`SELECT 0 WHERE FALSE`, Math.max(0, ...found.ordinals))
  for (const ordinal of found.ordinals) if (!refused.has(ordinal)) wanted.add(ordinal)
  const places: Place[] = [...found.places]
  const sink = { place: (place: Place) => void places.push({ ...place }), drain: async () => undefined }
  await placesIn(session, plain, { wanted, sink })
  await copyFile(plain.path, written)
  const file = await open(written, 'r+')
  try {
    for (const { offset, length } of places)
      await file.write(neutral(content, Number(length)), 0, Number(length), Number(offset))
  } finally {
    await file.close()
  }
}

/** As long as what it replaces, so that all other records stay where they were, and one record, so that they keep their ordinals. */
function neutral(content: string, length: number): Buffer {
  if (content === 'csv') return Buffer.alloc(length, 'x')
  return length < 2 ? Buffer.alloc(length, '0') : Buffer.from(`{${' '.repeat(length - 2)}}`)
}

/** Rows keep their order and their number; those that go have no values. */
async function parquetWithout(session: Session, path: string, { found, written }: Writing): Promise<void> {
  const source = sql`read_parquet(${path}, hive_partitioning = FALSE, file_row_number = TRUE)`
  const columns = await session.rows(sql`DESCRIBE SELECT * EXCLUDE (file_row_number) FROM ${source}`)
  const gone = sql`list_contains(${[...found.ordinals]}, file_row_number + 1)`
  const kept = columns.map(each => {
    const name = ident(String(each['column_name']))
    return sql`CASE WHEN NOT ${gone} THEN ${name} END AS ${name}`
  })
  const [codec] = await session.rows(sql`SELECT lower(any_value(compression)) AS codec FROM parquet_metadata(${path})`)
  const known = ['snappy', 'zstd', 'gzip', 'uncompressed'].find(each => each === codec?.['codec']) ?? 'snappy'
  const select = sql`SELECT ${joinSql(kept, ', ')} FROM ${source} ORDER BY file_row_number`
  await session.run(sql`COPY (${select}) TO ${written} (FORMAT parquet, COMPRESSION ${known})`)
}

async function compressAs(original: string, plain: string, target: string): Promise<void> {
  const magic = (await head(original, 4)).toString('hex')
  if (magic.startsWith('1f8b')) await pipeline(createReadStream(plain), createGzip(), await sink(target))
  else if (magic === '28b52ffd') await pipeline(createReadStream(plain), createZstdCompress(), await sink(target))
  else await copyFile(plain, target)
}

const sink = async (path: string): Promise<NodeJS.WritableStream> => (await open(path, 'w')).createWriteStream()
