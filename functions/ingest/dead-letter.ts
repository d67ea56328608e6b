import { formatDocument, hashText, type LandedRecord, landedUri, writeDocumentOnce } from '#lake/batch.ts'
import type { Lake } from '#lake/lake.ts'
import { type Rejection, rejectionUri } from '#lake/rejection.ts'
import type { InvalidMessage } from './event.ts'

export type RejectedRecord = LandedRecord & { readonly outcome: { readonly kind: 'rejected' } }

/** The letter first: when the landed record says "rejected", the letter is there. */
export async function rejectObject(lake: Lake, rejection: RejectedRecord): Promise<void> {
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

/** The first letter stays, unless somebody had settled it: then this is news again. */
async function writeLetter(lake: Lake, id: string, letter: Rejection): Promise<void> {
  const uri = rejectionUri(lake, id)
  const first = await writeDocumentOnce(lake, uri, letter)
  if (first.settled === undefined) return
  await lake.storage.put(uri, Buffer.from(formatDocument(letter)), { contentType: 'application/json' })
}
