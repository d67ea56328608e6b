import { type LandedRecord, landedUri, readDocument } from '#lake/batch.ts'
import type { HeldLetter, Lake, Uri } from '#lake/lake.ts'
import { type Rejection, rejectionsPrefix } from '#lake/rejection.ts'

/** One dead letter, wherever it is kept: in a queue, or as a document that ingest wrote of something that it could not take. */
export interface Letter {
  readonly id: string
  /** `rejected` stands for the documents of ingest. */
  readonly queue: string
  readonly cause: string
  readonly message: string
  /** What it is about, in a few words: a landing key, a batch, a table. */
  readonly subject: string
  readonly body: string
  readonly sentMs: number
  readonly received: number
  readonly kept:
    | { readonly kind: 'held'; readonly letter: HeldLetter }
    | { readonly kind: 'document'; readonly uri: Uri; readonly rejection: Rejection }
}

export const REJECTED = 'rejected'

/** Dead-letter queues of a stage. A lake in a folder fills some of them. */
export const QUEUES: readonly string[] = ['ingest', 'refine', 'compact', 'maintain', 'watch', 'canary', 'replay']

export interface LetterFilter {
  readonly queue: string | undefined
  readonly cause: string | undefined
  /** Text that subject, message or body contains. */
  readonly match: string | undefined
}

export function isWanted(letter: Letter, { queue, cause, match }: LetterFilter): boolean {
  if (queue !== undefined && letter.queue !== queue) return false
  if (cause !== undefined && letter.cause !== cause) return false
  return match === undefined || [letter.subject, letter.message, letter.body].some(text => text.includes(match))
}

export interface Taking {
  /** So many of each queue at most. */
  readonly lettersMax: number
  readonly holdSeconds: number
}

export interface Taken {
  readonly wanted: readonly Letter[]
  /** Held as well, so that the next taking does not give them again. */
  readonly others: readonly Letter[]
}

/** Letters of the queues, held; whoever takes them gives them back. */
export async function takeLetters(lake: Lake, filter: LetterFilter, taking: Taking): Promise<Taken> {
  const taken: Letter[] = []
  for (const { name } of await lake.deadLetters.queues()) {
    if (filter.queue !== undefined && filter.queue !== name) continue
    // The same letter may come twice; the receipt that counts is the last one.
    const letters = new Map((await lake.deadLetters.take(name, taking)).map(letter => [letter.id, ofQueue(letter)]))
    taken.push(...letters.values())
  }
  return {
    wanted: taken.filter(letter => isWanted(letter, filter)),
    others: taken.filter(letter => !isWanted(letter, filter)),
  }
}

export async function giveBack(lake: Lake, letters: readonly Letter[]): Promise<void> {
  await lake.deadLetters.release(letters.flatMap(({ kept }) => (kept.kind === 'held' ? [kept.letter] : [])))
}

/** What ingest refused and nobody has settled: the object is still rejected, or the message was not sent again. */
export async function* rejectedLetters(lake: Lake, filter: LetterFilter): AsyncGenerator<Letter> {
  if (filter.queue !== undefined && filter.queue !== REJECTED) return
  const prefix = rejectionsPrefix(lake)
  for await (const { uri } of lake.storage.list(prefix)) {
    const rejection = await readDocument<Rejection>(lake, uri)
    if (rejection === undefined) continue
    const id = uri.slice(prefix.length).replace(/\.json$/, '')
    const letter = ofDocument(lake, { id, uri, rejection })
    if (isWanted(letter, filter) && (await isOpen(lake, id, rejection))) yield letter
  }
}

/** How many there are by queue, without touching any; queues without letters are left out. */
export async function openLetters(lake: Lake): Promise<Readonly<Record<string, number>>> {
  const queues = (await lake.deadLetters.queues()).filter(queue => queue.letters > 0)
  let rejected = 0
  for await (const _ of rejectedLetters(lake, { queue: undefined, cause: undefined, match: undefined }))
    if (++rejected === COUNTED_MAX) break
  return {
    ...Object.fromEntries(queues.map(({ name, letters }) => [name, letters])),
    ...(rejected > 0 ? { [REJECTED]: rejected } : {}),
  }
}

/** What ingest could not take was looked at and has its reason; what stands in a queue nobody has seen. */
export const hasLost = (letters: Readonly<Record<string, number>>): boolean =>
  Object.keys(letters).some(queue => queue !== REJECTED)

/** Each costs a read or two. */
const COUNTED_MAX = 1_000

async function isOpen(lake: Lake, id: string, { settled, sourceUri }: Rejection): Promise<boolean> {
  if (settled?.how === 'dropped') return false
  if (sourceUri === undefined) return settled === undefined
  const record = await readDocument<LandedRecord>(lake, landedUri(lake, sourceUri, id))
  return record === undefined || record.outcome.kind === 'rejected'
}

function ofQueue(letter: HeldLetter): Letter {
  const { id, queue, cause, message, body, sentMs, received } = letter
  return { id, queue, cause, message, body, sentMs, received, subject: subjectOf(body), kept: { kind: 'held', letter } }
}

function ofDocument(
  lake: Lake,
  { id, uri, rejection }: { readonly id: string; readonly uri: Uri; readonly rejection: Rejection },
): Letter {
  const { reason, message, recordedMs, sourceUri, body } = rejection
  const key = sourceUri?.slice(lake.zones.landing.length + 1)
  return {
    ...{ id, queue: REJECTED, cause: reason, message, sentMs: recordedMs, received: 1 },
    subject: key ?? subjectOf(body ?? ''),
    body: body ?? '',
    kept: { kind: 'document', uri, rejection },
  }
}

/** S3's key, a batch, a table, a function: whatever an event names; else its beginning. */
export function subjectOf(body: string): string {
  const event = parsed(body)
  const detail = objectIn(event, 'detail')
  const key = objectIn(detail, 'object')?.['key']
  const [record] = Array.isArray(event?.['Records']) ? event['Records'] : []
  const named = [
    key,
    objectIn(objectIn(record, 's3'), 'object')?.['key'],
    ...['batch', 'table'].map(field => detail?.[field]),
    objectIn(event, 'requestContext')?.['functionArn'],
  ].find(each => typeof each === 'string')
  const dataset = detail?.['dataset']
  if (typeof named === 'string') return typeof dataset === 'string' && dataset !== named ? `${dataset} ${named}` : named
  return body.slice(0, 100)
}

function parsed(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return objectOf(JSON.parse(body))
  } catch {
    return undefined
  }
}

const objectIn = (value: unknown, field: string): Readonly<Record<string, unknown>> | undefined =>
  objectOf(objectOf(value)?.[field])

const objectOf = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined
