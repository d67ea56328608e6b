import type { Lake, Uri } from '#lake/lake.ts'
import { type DocumentSearch, type LetterHit, searchDocuments, searchLetters, searchStream } from './documents.ts'
import { type FileSearches, searchStaging, searchTables, type TableSearch } from './files.ts'
import { searchNames } from './names.ts'
import { type LandingSearch, type ObjectHit, placesOf, type RawSearch, searchLanding, searchRaw } from './objects.ts'
import { openRecordBench } from './records.ts'
import type { EraseRequest } from './request.ts'

/** Everything that holds records of a subject, and how much was looked through to know. */
export interface Search {
  readonly raw: RawSearch
  readonly landing: LandingSearch
  readonly tables: readonly TableSearch[]
  readonly staging: FileSearches
  readonly documents: DocumentSearch
  /** What waits to be delivered from a stream. */
  readonly stream: DocumentSearch
  /** Documents that tell of a landing key which quotes the values. */
  readonly names: readonly Uri[]
  readonly letters: readonly LetterHit[]
}

export type OnProgress = (text: string) => void

export interface SearchOptions {
  /** Keys of rows that are known to be the subject's: what was erased already cannot tell them any more. */
  readonly keys?: readonly string[]
  readonly onProgress?: OnProgress | undefined
}

/** Looks through everything. What stood in quarantine is known by the records that were erased from its objects, in this run or before. */
export async function search(lake: Lake, request: EraseRequest, options: SearchOptions = {}): Promise<Search> {
  const progress = options.onProgress ?? (() => undefined)
  await using bench = await openRecordBench(lake, request.dataset)
  progress('raw objects …')
  const raw = await searchRaw(lake, bench, { request, keys: options.keys ?? [] })
  progress('landing …')
  const landing = await searchLanding(lake, bench, { request, keys: raw.keys })
  const marks = { keys: raw.keys, places: await placesOf(lake, request, raw.hits) }
  progress('files of tables …')
  const tables = await searchTables(lake, request, marks)
  progress('staging and documents …')
  return {
    raw,
    landing,
    tables,
    staging: await searchStaging(lake, request, marks),
    documents: await searchDocuments(lake, request),
    stream: await searchStream(lake, request),
    names: await searchNames(lake, request),
    letters: await searchLetters(lake, request),
  }
}

/** What an erasure has not reached, however it came about. */
export const leftOver = (found: Search): number =>
  found.raw.hits.length +
  found.raw.named.length +
  found.raw.old.length +
  found.names.length +
  found.landing.hits.length +
  found.tables.reduce((sum, table) => sum + table.hits.length, 0) +
  found.staging.hits.length +
  found.documents.hits.length +
  found.stream.hits.length +
  found.letters.length

export type { ObjectHit }
