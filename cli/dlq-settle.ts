import { formatDocument } from '#lake/batch.ts'
import { isLakeError, LakeError } from '#lake/errors.ts'
import type { Lake } from '#lake/lake.ts'
import { giveBack, type Letter, type LetterFilter, rejectedLetters, takeLetters } from './dlq-letters.ts'

export interface Settled {
  readonly done: number
  /** Letters that stay, because nothing can be done with them; by reason. */
  readonly left: readonly { readonly letter: Letter; readonly reason: string }[]
}

export interface Settling {
  readonly filter: LetterFilter
  readonly how: 'redriven' | 'dropped'
  /** Letters in a second. */
  readonly rate: number
  /** The AWS account that made-up S3 events must name to be believed; none in a folder. */
  readonly account?: string | undefined
  readonly onProgress?: (done: number) => void
}

const LETTERS_AT_ONCE = 100
const ROUNDS_MAX = 10_000
const HOLD_SECONDS_MIN = 60

/**
 * Sends the wanted letters again, or drops them, one after the other at a bounded rate. A letter goes only once its message is sent:
 * dying in between sends it twice, which whoever works on it bears. Letters that were seen in this run are not taken up again.
 */
export async function settleLetters(lake: Lake, settling: Settling): Promise<Settled> {
  const holdSeconds = Math.max(HOLD_SECONDS_MIN, Math.ceil((LETTERS_AT_ONCE / settling.rate) * 2))
  const seen = new Set<string>()
  const left: { letter: Letter; reason: string }[] = []
  let done = 0
  const settle = async (letter: Letter): Promise<void> => {
    if (seen.has(keyOf(letter))) return
    seen.add(keyOf(letter))
    try {
      await settleOne(lake, letter, settling)
      done++
      settling.onProgress?.(done)
    } catch (error) {
      if (!isLakeError(error) || error.retryable) throw error
      left.push({ letter, reason: error.message })
    }
    await lake.clock.sleep(1_000 / settling.rate)
  }
  const aside: Letter[] = []
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const before = seen.size
    const taken = await takeLetters(lake, settling.filter, { lettersMax: LETTERS_AT_ONCE, holdSeconds })
    for (const letter of taken.wanted) await settle(letter)
    for (const letter of taken.others) seen.add(keyOf(letter))
    aside.push(...taken.others)
    // Only letters that were met before: all others are done.
    if (seen.size === before) break
  }
  for await (const letter of rejectedLetters(lake, settling.filter)) await settle(letter)
  await giveBack(lake, [...aside, ...left.map(each => each.letter)])
  return { done, left }
}

const keyOf = ({ queue, id }: Letter): string => `${queue}/${id}`

async function settleOne(lake: Lake, letter: Letter, { how, account }: Settling): Promise<void> {
  if (how === 'redriven') await sendAgain(lake, letter, account)
  const { kept } = letter
  if (kept.kind === 'held') return lake.deadLetters.remove([kept.letter])
  const settled = { ...kept.rejection, settled: { how, atMs: lake.clock.nowMs() } }
  await lake.storage.put(kept.uri, Buffer.from(formatDocument(settled)), { contentType: 'application/json' })
}

/** State machines that an event starts; a second start under the letter's name is no second execution. */
const MACHINES: ReadonlySet<string> = new Set(['refine', 'compact'])

async function sendAgain(lake: Lake, letter: Letter, account: string | undefined): Promise<void> {
  const { kept, queue, body, id } = letter
  if (kept.kind === 'document') {
    const { sourceUri, sourceVersion } = kept.rejection
    const again = sourceUri === undefined ? body : createdAgain(lake, { sourceUri, sourceVersion, account })
    return lake.deadLetters.send('ingest', again)
  }
  if (!MACHINES.has(queue)) {
    if (queue === 'ingest') return lake.deadLetters.send(queue, body)
    throw new LakeError('unsupported', `the schedule starts ${queue} again by itself: drop the letter`, { queue })
  }
  await lake.workflows.start(queue, { name: `redrive-${id}`, input: eventIn(letter) })
}

function eventIn({ body, queue }: Letter): unknown {
  try {
    const event = JSON.parse(body) as { readonly detail?: unknown }
    // What a schedule could not deliver has no event in it.
    if (typeof event.detail === 'object' && event.detail !== null) return event
  } catch {
    // Falls through: the letter says what is wrong.
  }
  throw new LakeError('event-invalid', `its body is no event that could start ${queue}: drop the letter`, { queue })
}

/** The event of the version that was rejected, as EventBridge sends it. */
function createdAgain(
  lake: Lake,
  {
    sourceUri,
    sourceVersion,
    account,
  }: {
    readonly sourceUri: string
    readonly sourceVersion: string | undefined
    readonly account: string | undefined
  },
): string {
  const { landing } = lake.zones
  const object = {
    key: sourceUri.slice(landing.length + 1),
    ...(sourceVersion === undefined ? {} : { 'version-id': sourceVersion }),
  }
  return JSON.stringify({
    version: '0',
    source: 'aws.s3',
    'detail-type': 'Object Created',
    ...(account === undefined ? {} : { account }),
    detail: { bucket: { name: landing.slice(landing.lastIndexOf('/') + 1) }, object, reason: 'redrive' },
  })
}
