import type { Lake } from '#lake/lake.ts'
import { isStreamErrorUri } from '#lake/stream-error.ts'
import { openPlain, type PlainTask } from './decode/decode.ts'
import { streamErrorsAsLines } from './decode/stream-errors.ts'
import type { DecodeTask } from './decode/typed-copy.ts'

/** The plain file of an object's records. Errors: `file-unreadable` with the reason in its context. */
export async function openRecords(lake: Lake, task: DecodeTask): Promise<PlainTask> {
  const plain = await openPlain(task)
  return isStreamErrorUri(lake.zones.landing, task.object.sourceUri) ? streamErrorsAsLines(plain) : plain
}
