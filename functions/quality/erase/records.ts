import { copyFile, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RawObject } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join as joinSql, sql } from '#lake/duckdb/sql.ts'
import type { ErasedCounts } from '#lake/erasure.ts'
import { assert, isLakeError, LakeError } from '#lake/errors.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { columnByName, evolveSchema } from '#lake/iceberg/schema.ts'
import { duckdbType } from '#lake/iceberg/schema-text.ts'
import { loadTable } from '#lake/iceberg/table.ts'
import { tableDefinition } from '#lake/iceberg/table-definition.ts'
import type { Schema } from '#lake/iceberg/types.ts'
import type { Lake, ReadOptions } from '#lake/lake.ts'
import { mentions } from '#lake/mentions.ts'
import { releasedRecords } from '#lake/quarantine/released.ts'
import { isStreamErrorUri } from '#lake/stream-error.ts'
import { isStreamed, type StreamDataset } from '#lake/stream-route.ts'
import { decode, openPlain, type PlainTask } from '../decode/decode.ts'
import { linesOf } from '../decode/lines.ts'
import type { Place, RefusedRecord } from '../decode/records.ts'
import type { ScannedObject } from '../decode/scanned.ts'
import { decodeStreamErrors, streamErrorsAsLines } from '../decode/stream-errors.ts'
import type { Sought } from '../decode/typed-copy.ts'
import { changesFound, countsOfRecords, unwrapped } from './changes.ts'
import { errorsWithout } from './stream-errors.ts'
import { compressAs, writeWithout } from './write.ts'

/**
 * Whose records: those that have these values in their columns. Of a stream of changes, those of every row that ever had them, by the keys of
 * these rows: `keys` are those that are known.
 */
export type Subject = Sought

export interface FoundRecords {
  /** From 1; 0 is the whole object, of which no record can be read. */
  readonly ordinals: readonly number[]
  /** So many of them do not fit the contract. */
  readonly quarantined: number
  /** So many are no rows of any table. */
  readonly skipped: number
  /** Where those stand that do not fit. */
  readonly places: readonly Place[]
  /** Keys of change events that were not known to be of the subject. */
  readonly keys: readonly string[]
}

/** A workplace for the records of a dataset's objects: one engine for all of them. */
export interface RecordBench extends AsyncDisposable {
  /** The records of a subject in an object. What cannot be read as the contract says is searched for the value as text. */
  find(object: RawObject, subject: Subject, read?: ReadOptions): Promise<FoundRecords>
  /** What these records are to the account of the dataset, which may be another than the one whose records were sought. */
  accountOf(object: RawObject, ordinals: readonly number[]): Promise<ErasedCounts>
  /** Writes the object anew, in its format and compression: in the place of each found record stands one that says nothing. As it is where none was found. */
  without(object: RawObject, found: FoundRecords): Promise<string>
}

export async function openRecordBench(lake: Lake, dataset: Dataset): Promise<RecordBench> {
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
    find: (object, subject, read) => inFolder(bench, own => findIn(own, object, { subject, read })),
    accountOf: (object, ordinals) => inFolder(bench, own => accountIn(own, object, ordinals)),
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

export const NOTHING: FoundRecords = { ordinals: [], quarantined: 0, skipped: 0, places: [], keys: [] }
const WHOLE: FoundRecords = { ...NOTHING, ordinals: [0], quarantined: 1 }

async function findIn(
  bench: Bench,
  object: RawObject,
  { subject, read }: { readonly subject: Subject; readonly read: ReadOptions | undefined },
): Promise<FoundRecords> {
  const { path } = await bench.lake.storage.stage(object.uri, bench.folder, { ...read, unhashed: true })
  const task = { ...taskOf(bench, object, path), sought: subject }
  try {
    const plain = await openPlain(task)
    if (isErrors(bench, object)) return await errorsFound(bench, plain, subject)
    const decoded = await decode(bench.session, plain)
    const places = await refusedPlaces(decoded, subject)
    return decoded.records === undefined
      ? await matching(bench, decoded, { subject, places })
      : await changesFound(bench.session, decoded.records, { subject, places })
  } catch (error) {
    if (!isLakeError(error, 'file-unreadable')) throw error
    const partly = await readFile(`${task.base}.plain`).catch(() => Buffer.alloc(0))
    return mentionsAll(Buffer.concat([await readFile(path), partly]), subject) ? WHOLE : NOTHING
  }
}

const isErrors = ({ lake }: Bench, { sourceUri }: RawObject): boolean => isStreamErrorUri(lake.zones.landing, sourceUri)

/**
 * Of what a stream could not process every event has a place of its own. One that fits the contract is told by its columns, as a row is; the others
 * are searched for the values.
 */
async function errorsFound(bench: Bench, plain: PlainTask, subject: Subject): Promise<FoundRecords> {
  const { session, lake, dataset } = bench
  const whole = await decodeStreamErrors({ ...plain, contract: { ...plain.contract, dataset: streamedOf(dataset) } })
  const fitting = await decode(session, await streamErrorsAsLines(plain))
  const { ordinals: own } = await matching(bench, fitting, { subject, places: [] })
  const quoting = (await refusedPlaces(whole, subject)).map(place => place.ordinal)
  const rows = fitting.rows
    ? await session.rows(
        sql`SELECT _raw_row::DOUBLE AS ordinal FROM read_parquet(${fitting.rows.path}, hive_partitioning = FALSE) WHERE list_contains(${quoting}::BIGINT[], _raw_row)`,
      )
    : []
  const fit = new Set(rows.map(row => Number(row['ordinal'])))
  const ordinals = [...own, ...quoting.filter(ordinal => !fit.has(ordinal))].toSorted((a, b) => a - b)
  const released = (await releasedRecords(lake, dataset.name, plain.object.id)) ?? []
  const isRow = (ordinal: number): boolean => released.some(([first, last]) => first <= ordinal && ordinal <= last)
  return { ...NOTHING, ordinals, quarantined: ordinals.filter(ordinal => !isRow(ordinal)).length }
}

/** Where the stream is not declared any more, nobody can tell which events of a record are the dataset's, nor what their numbers are. */
function streamedOf(dataset: Dataset): StreamDataset {
  if (isStreamed(dataset)) return dataset
  throw new LakeError('unsupported', `${dataset.name} takes no single events any more, but has records of its stream`, {
    dataset: dataset.name,
    next: 'declare source.stream again for as long as the erasure takes',
  })
}

function taskOf(bench: Bench, object: RawObject, path: string) {
  const { dataset, schema, folder } = bench
  const columns = dataset.columns.map(column => ({ ...column, soft: false }))
  return { object, contract: { dataset, columns }, schema, path, base: join(folder, 'object') }
}

const mentionsAll = (bytes: Buffer, { parts }: Subject): boolean => parts.every(({ value }) => mentions(bytes, value))

async function matching(
  { session, schema }: Bench,
  decoded: ScannedObject,
  { subject, places }: { readonly subject: Subject; readonly places: readonly Place[] },
): Promise<FoundRecords> {
  const equal = subject.parts.map(({ column, value }) => {
    const { type } = columnByName(schema, column)
    return sql`${ident(column)} = TRY_CAST(${value} AS ${duckdbType(type)})`
  })
  const select = decoded.rows
    ? sql`SELECT _raw_row::DOUBLE AS ordinal FROM read_parquet(${decoded.rows.path}, hive_partitioning = FALSE) WHERE ${joinSql(equal, ' AND ')} ORDER BY 1`
    : sql`SELECT 0::DOUBLE AS ordinal WHERE FALSE`
  const rows = (await session.rows(select)).map(row => Number(row['ordinal']))
  const ordinals = [...new Set([...rows, ...places.map(place => place.ordinal)])].toSorted((a, b) => a - b)
  return { ...NOTHING, ordinals, quarantined: places.length, places }
}

/** Refused records that quote the values: no column of theirs is to be relied on. */
async function refusedPlaces(decoded: ScannedObject, subject: Subject): Promise<readonly Place[]> {
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
        if (read !== undefined && mentionsAll(unwrapped(read.buffer), subject)) places.push({ ordinal, offset, length })
      }
    return places
  } finally {
    await plain?.close()
  }
}

async function rewrite(bench: Bench, object: RawObject, found: FoundRecords): Promise<string> {
  const target = join(bench.folder, `${bench.lake.ids.uuid()}.rewritten`)
  await inFolder(bench, async own => {
    const { path } = await own.lake.storage.stage(object.uri, own.folder, { unhashed: true })
    if (found.ordinals.length === 0) return copyFile(path, target)
    if (found.ordinals.includes(0)) return writeFile(target, '\n')
    const plain = await openPlain(taskOf(own, object, path))
    const written = join(own.folder, 'plain')
    const ordinals = new Set(found.ordinals)
    await (isErrors(own, object)
      ? errorsWithout({ source: plain.path, target: written, dataset: streamedOf(own.dataset), ordinals })
      : writeWithout(own.session, plain, { found, written }))
    await compressAs(path, written, target)
  })
  return target
}

// --- The account of others -----------------------------------------------------------------------------------------

async function accountIn(bench: Bench, object: RawObject, ordinals: readonly number[]): Promise<ErasedCounts> {
  const { path } = await bench.lake.storage.stage(object.uri, bench.folder, { unhashed: true })
  const whole = { quarantined: 1, skipped: 0, elsewhere: 0 }
  if (ordinals.includes(0)) return whole
  const decoded = await decode(bench.session, await openPlain(taskOf(bench, object, path)))
  assert(decoded.records !== undefined, 'only tables of one stream of changes share their objects')
  return countsOfRecords(bench.session, decoded.records, ordinals)
}
