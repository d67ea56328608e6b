import { gunzipSync } from 'node:zlib'
import { quarantineTableName } from '#lake/dataset.ts'
import type { HeldLetter, Lake, Uri } from '#lake/lake.ts'
import { keyMentions, mentions, WORD_LENGTH_MIN } from '#lake/mentions.ts'
import { rejectionsPrefix } from '#lake/rejection.ts'
import type { EraseRequest } from './request.ts'

export interface DocumentSearch {
  readonly files: number
  readonly hits: readonly Uri[]
}

export interface LetterHit {
  readonly id: string
  readonly queue: string
}

/** Those that may quote what was read: plans with bounds of columns, letters, verdicts. All others hold names and counts. */
export async function searchDocuments(lake: Lake, request: EraseRequest): Promise<DocumentSearch> {
  const { dataset } = request
  const { ops, staging } = lake.zones
  const tables = [dataset.name, quarantineTableName(dataset)]
  const prefixes = [
    ...tables.map(table => `${ops}/compactions/${table}/`),
    rejectionsPrefix(lake),
    `${staging}/${dataset.name}/`,
  ]
  const hits: Uri[] = []
  let files = 0
  for (const prefix of prefixes)
    for await (const { uri } of lake.storage.list(prefix)) {
      if (!uri.endsWith('.json')) continue
      files++
      if (quotesAll(Buffer.from(await lake.storage.get(uri)), request)) hits.push(uri)
    }
  return { files, hits }
}

/** Records that wait in a stream on a folder: whoever delivers them brings them to landing. What waits in Firehose nobody can look at. */
export async function searchStream(lake: Lake, { parts }: EraseRequest): Promise<DocumentSearch> {
  const hits: Uri[] = []
  let files = 0
  for await (const { uri } of lake.storage.list(`${lake.zones.ops}/stream/`)) {
    files++
    const text = Buffer.from(await lake.storage.get(uri)).toString('utf8')
    const records = [...text.matchAll(/"([A-Za-z0-9+/]+={0,2})"/g)].map(found => inflated(found[1] as string))
    if (parts.every(({ value }) => records.some(record => mentions(record, value)))) hits.push(uri)
  }
  return { files, hits }
}

/** A record may be gzipped. */
function inflated(base64: string): Buffer {
  const bytes = Buffer.from(base64, 'base64')
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  try {
    return gunzipSync(bytes, { maxOutputLength: RECORD_BYTES_MAX })
  } catch {
    return bytes
  }
}

const RECORD_BYTES_MAX = 67_108_864

const quotesAll = (bytes: Buffer, { parts }: EraseRequest): boolean => parts.every(({ value }) => quotes(bytes, value))

/** So many code points of a text stand in the bounds of a column. */
const BOUND_LENGTH = 16

function quotes(bytes: Buffer, value: string): boolean {
  const bounds = [value, [...value].slice(0, BOUND_LENGTH).join('')].map(text => Buffer.from(text).toString('base64'))
  if (bounds.some(bound => bytes.includes(`"${bound}"`))) return true
  return value.length < WORD_LENGTH_MIN
    ? bytes.includes(JSON.stringify(value))
    : mentions(bytes, value) || keyMentions(bytes.toString('utf8'), value)
}

// --- Letters -------------------------------------------------------------------------------------------------------

const TAKING = { lettersMax: 1_000, holdSeconds: 60 }

/** Only looked at: they are given back. */
export async function searchLetters(lake: Lake, request: EraseRequest): Promise<readonly LetterHit[]> {
  const held = await takeAll(lake)
  await lake.deadLetters.release(held)
  return held.filter(letter => isMeant(letter, request)).map(({ id, queue }) => ({ id, queue }))
}

export async function dropLetters(lake: Lake, request: EraseRequest): Promise<void> {
  const held = await takeAll(lake)
  await lake.deadLetters.remove(held.filter(letter => isMeant(letter, request)))
  await lake.deadLetters.release(held.filter(letter => !isMeant(letter, request)))
}

async function takeAll(lake: Lake): Promise<readonly HeldLetter[]> {
  const held: HeldLetter[] = []
  for (const { name } of await lake.deadLetters.queues()) {
    // The same letter may come twice; the receipt that counts is the last one.
    const letters = new Map((await lake.deadLetters.take(name, TAKING)).map(letter => [letter.id, letter]))
    held.push(...letters.values())
  }
  return held
}

const isMeant = ({ body, message }: HeldLetter, request: EraseRequest): boolean =>
  quotesAll(Buffer.from(`${body}${message ?? ''}`), request)
