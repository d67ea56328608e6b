import { hashText, type LandedRecord, landedUri, writeDocumentOnce } from '#lake/batch.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import type { InvalidMessage } from './event.ts'

/** What ingest could not take and why: `ops/dead-letters/ingest/<id>.json`. Bytes stay where they are, in landing. */
export interface DeadLetter {
  readonly reason: string
  readonly message: string
  readonly recordedMs: number
  readonly sourceUri?: Uri
  readonly sourceVersion?: string
  /** The queue message as it came, cut at 64 KB. */
  readonly body?: string
}

export type Rejection = LandedRecord & { readonly outcome: { readonly kind: 'rejected' } }

export const deadLetterUri = (lake: Lake, id: string): Uri => `${lake.zones.ops}/dead-letters/ingest/${id}.json`

/** The letter first: when the landed record says "rejected", the letter is there. */
export async function rejectObject(lake: Lake, rejection: Rejection): Promise<void> {
  const { reason, message } = rejection.outcome
  await writeLetter(lake, rejection.rawObject, {
    reason,
    message,
    recordedMs: lake.clock.nowMs(),
    sourceUri: rejection.sourceUri,
    sourceVersion: rejection.sourceVersion,
  })
  await writeDocumentOnce(lake, landedUri(lake, rejection.sourceUri, rejection.rawObject), rejection)
}

/** The same message gives the same letter, however often it comes. */
export async function rejectMessage(lake: Lake, message: InvalidMessage): Promise<void> {
  await writeLetter(lake, `message-${hashText(message.body).slice(0, 32)}`, {
    reason: 'event-invalid',
    message: message.reason,
    recordedMs: lake.clock.nowMs(),
    body: message.body.slice(0, 65_536),
  })
}

async function writeLetter(lake: Lake, id: string, letter: DeadLetter): Promise<void> {
  await writeDocumentOnce(lake, deadLetterUri(lake, id), letter)
}
