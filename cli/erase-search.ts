import { mentions, openRecordBench, type RecordBench, type Subject } from '#functions/quality/quality.ts'
import { landedPrefix, type RawObject } from '#lake/batch.ts'
import { type Dataset, quarantineTableName } from '#lake/dataset.ts'
import { type FileHit, searchFiles } from '#lake/erase-rows.ts'
import { erasedObjects } from '#lake/erasure.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { loadTable } from '#lake/iceberg/table.ts'
import type { Lake, ObjectInfo, TableName, Uri } from '#lake/lake.ts'
import { router } from '#lake/route.ts'
import { giveBack, type Letter, REJECTED, takeLetters } from './dlq-letters.ts'

export interface EraseRequest extends Subject {
  readonly dataset: Dataset
}

export type FoundRecords = Awaited<ReturnType<RecordBench['find']>>

export interface ObjectHit {
  readonly object: RawObject
  readonly found: FoundRecords
}

/** Everything that holds records of a subject, and how much was looked through to know. */
export interface Search {
  readonly raw: { readonly objects: number; readonly hits: readonly ObjectHit[] }
  /** `waits`: ingest has not taken it up yet. */
  readonly landing: {
    readonly objects: number
    readonly hits: readonly { readonly uri: Uri; readonly waits: boolean }[]
  }
  readonly tables: readonly TableSearch[]
  readonly staging: { readonly files: number; readonly hits: readonly Uri[] }
  readonly documents: { readonly files: number; readonly hits: readonly Uri[] }
  readonly letters: readonly Letter[]
}

export interface TableSearch {
  readonly table: TableName
  readonly snapshots: number
  readonly files: number
  readonly hits: readonly FileHit[]
}

export type OnProgress = (text: string) => void

/** Looks through everything. What stood in quarantine is known by the records that were erased from its objects, in this run or before. */
export async function search(
  lake: Lake,
  request: EraseRequest,
  onProgress: OnProgress = () => undefined,
): Promise<Search> {
  await using bench = await openRecordBench(lake, request.dataset)
  onProgress('raw objects …')
  const raw = await searchRaw(lake, bench, request)
  onProgress('landing …')
  const landing = await searchLanding(lake, bench, request)
  const places = await placesOf(lake, request.dataset, raw.hits)
  onProgress('files of tables …')
  const tables = await searchTables(lake, request, places)
  onProgress('staging and documents …')
  return {
    raw,
    landing,
    tables,
    staging: await searchStaging(lake, request, places),
    documents: await searchDocuments(lake, request),
    letters: await searchLetters(lake, request),
  }
}

/** What an erasure has not reached, however it came about. */
export const leftOver = (found: Search): number =>
  found.raw.hits.length +
  found.landing.hits.length +
  found.tables.reduce((sum, table) => sum + table.hits.length, 0) +
  found.staging.hits.length +
  found.documents.hits.length +
  found.letters.length

// --- Objects -------------------------------------------------------------------------------------------------------

async function searchRaw(
  lake: Lake,
  bench: RecordBench,
  { dataset, ...subject }: EraseRequest,
): Promise<Search['raw']> {
  const hits: ObjectHit[] = []
  let objects = 0
  for await (const { uri } of lake.storage.list(`${lake.zones.raw}/${dataset.name}/`)) {
    const info = await lake.storage.head(uri)
    if (info === undefined) continue
    objects++
    const object = rawObjectOf(lake, dataset, info)
    const found = await bench.find(object, subject)
    if (found.ordinals.length > 0) hits.push({ object, found: await news(lake, dataset, { object, found }) })
  }
  return { objects, hits: hits.filter(hit => hit.found.ordinals.length > 0) }
}

/** An object that was erased whole says nothing any more, whatever stands in it. */
async function news(lake: Lake, dataset: Dataset, { object, found }: ObjectHit): Promise<FoundRecords> {
  if (!found.ordinals.includes(0)) return found
  const erased = (await erasedObjects(lake, dataset.name, id => id === object.id)).get(object.id)
  const isGone = erased?.erasures.some(each => each.ordinals.includes(0)) && erased.sha256s.at(-1) === object.sha256
  return isGone ? { ordinals: [], quarantined: 0, places: [] } : found
}

/** From what its metadata says, as ingest wrote it. */
function rawObjectOf(
  lake: Lake,
  dataset: Dataset,
  { uri, version, bytes, metadata, modifiedMs }: ObjectInfo,
): RawObject {
  const name = uri.slice(uri.lastIndexOf('/') + 1)
  return {
    id: name.replace(/\..*$/, ''),
    uri,
    version,
    bytes,
    sha256: metadata['content-sha256'] ?? '',
    sourceUri: `${lake.zones.landing}/${metadata['source-key'] ?? ''}`,
    sourceVersion: metadata['source-version-id'] ?? '',
    landedMs: Date.parse(metadata['landed-at'] ?? '') || modifiedMs,
    contractVersion: Number(metadata['data-contract-version'] ?? dataset.contract.version),
  }
}

async function searchLanding(
  lake: Lake,
  bench: RecordBench,
  { dataset, ...subject }: EraseRequest,
): Promise<Search['landing']> {
  const route = router([dataset])
  const hits: { uri: Uri; waits: boolean }[] = []
  let objects = 0
  for await (const info of lake.storage.list(`${lake.zones.landing}/`)) {
    if (route(info.uri.slice(lake.zones.landing.length + 1)) === undefined || info.bytes === 0) continue
    objects++
    const object = { ...rawObjectOf(lake, dataset, info), sourceUri: info.uri }
    if ((await bench.find(object, subject)).ordinals.length === 0) continue
    hits.push({ uri: info.uri, waits: !(await wasTaken(lake, info.uri)) })
  }
  return { objects, hits }
}

async function wasTaken(lake: Lake, uri: Uri): Promise<boolean> {
  for await (const _ of lake.storage.list(landedPrefix(lake, uri))) return true
  return false
}

// --- Files ---------------------------------------------------------------------------------------------------------

/** `<raw id>:<ordinal>` of everything that was or is to be erased from the dataset's objects; a whole object is ordinal 0 in quarantine, too. */
export async function placesOf(lake: Lake, dataset: Dataset, hits: readonly ObjectHit[]): Promise<readonly string[]> {
  const erased = [...(await erasedObjects(lake, dataset.name)).values()].flatMap(({ rawObject, erasures }) =>
    erasures.flatMap(each => each.ordinals.map(ordinal => `${rawObject}:${ordinal}`)),
  )
  const now = hits.flatMap(({ object, found }) => found.ordinals.map(ordinal => `${object.id}:${ordinal}`))
  return [...new Set([...erased, ...now])]
}

/** Every file in the places of the dataset's table and its quarantine. */
export async function searchTables(
  lake: Lake,
  { dataset, column, value }: EraseRequest,
  places: readonly string[],
): Promise<readonly TableSearch[]> {
  const found: TableSearch[] = []
  for (const name of [dataset.name, quarantineTableName(dataset)]) {
    const table = await loadTable(lake, name)
    if (table === undefined) continue
    const { metadata } = table
    const match = name === dataset.name ? { value: { column, value }, places } : { places }
    const { files, hits } = await searchFiles(lake, `${metadata.location}/`, { schema: currentSchema(metadata), match })
    found.push({ table: name, snapshots: metadata.snapshots.length, files, hits })
  }
  return found
}

/** Of staged files, the URIs: what becomes of them is decided batch by batch. */
async function searchStaging(
  lake: Lake,
  { dataset, column, value }: EraseRequest,
  places: readonly string[],
): Promise<Search['staging']> {
  const table = await loadTable(lake, dataset.name)
  if (table === undefined) return { files: 0, hits: [] }
  const prefix = `${lake.zones.staging}/${dataset.name}/`
  const schema = currentSchema(table.metadata)
  const rows = await searchFiles(lake, prefix, { schema, match: { value: { column, value }, places } })
  const refused = await loadTable(lake, quarantineTableName(dataset))
  const records =
    refused && (await searchFiles(lake, prefix, { schema: currentSchema(refused.metadata), match: { places } }))
  const hits = new Set([...rows.hits, ...(records?.hits ?? [])].map(hit => hit.uri))
  return { files: rows.files, hits: [...hits] }
}

// --- Documents and letters -----------------------------------------------------------------------------------------

/** Those that may quote what was read: plans with bounds of columns, letters, verdicts. All others hold names and counts. */
async function searchDocuments(lake: Lake, { dataset, value }: EraseRequest): Promise<Search['documents']> {
  const { ops, staging } = lake.zones
  const tables = [dataset.name, quarantineTableName(dataset)]
  const prefixes = [
    ...tables.map(table => `${ops}/compactions/${table}/`),
    `${ops}/dead-letters/ingest/`,
    `${staging}/${dataset.name}/`,
  ]
  const hits: Uri[] = []
  let files = 0
  for (const prefix of prefixes)
    for await (const { uri } of lake.storage.list(prefix)) {
      if (!uri.endsWith('.json')) continue
      files++
      if (quotes(Buffer.from(await lake.storage.get(uri)), value)) hits.push(uri)
    }
  return { files, hits }
}

/** So many code points of a text stand in the bounds of a column. */
const BOUND_LENGTH = 16
/** Shorter ones are in every document, as counts and parts of names: only as a text of their own do they mean somebody. */
const WORD_LENGTH_MIN = 4

export function quotes(bytes: Buffer, value: string): boolean {
  const bounds = [value, [...value].slice(0, BOUND_LENGTH).join('')].map(text => Buffer.from(text).toString('base64'))
  if (bounds.some(bound => bytes.includes(`"${bound}"`))) return true
  return value.length < WORD_LENGTH_MIN ? bytes.includes(JSON.stringify(value)) : mentions(bytes, value)
}

const LETTERS_MAX = 1_000
const HOLD_SECONDS = 60

/** Only looked at: they are given back. */
async function searchLetters(lake: Lake, { value }: EraseRequest): Promise<readonly Letter[]> {
  const filter = { queue: undefined, cause: undefined, match: undefined }
  const { wanted, others } = await takeLetters(lake, filter, { lettersMax: LETTERS_MAX, holdSeconds: HOLD_SECONDS })
  await giveBack(lake, [...wanted, ...others])
  return wanted.filter(letter => letter.queue !== REJECTED && quotes(Buffer.from(letter.body + letter.message), value))
}
