import { hashText } from '#lake/batch.ts'
import { CANARY_MINUTES, CANARY_PREFIX } from '#lake/canary.ts'
import { isLakeError } from '#lake/errors.ts'
import type { Lake, ObjectInfo, Uri } from '#lake/lake.ts'

export interface CanaryReport {
  readonly uri: Uri
  /** What the row of it has as `id`. */
  readonly id: string
  readonly putMs: number
  /** undefined when another run of the same quarter of an hour was first. */
  readonly object: ObjectInfo | undefined
}

/** Puts the canary of this quarter of an hour into landing, as any producer would: once, however often it is asked to. */
export async function canary(lake: Lake): Promise<CanaryReport> {
  const slotMs = CANARY_MINUTES * 60_000
  return putCanary(lake, Math.floor(lake.clock.nowMs() / slotMs) * slotMs)
}

/** The canary of a moment. */
export async function putCanary(lake: Lake, momentMs: number): Promise<CanaryReport> {
  const time = new Date(momentMs).toISOString()
  const id = hashText('canary', time).slice(0, 16)
  const uri = `${lake.zones.landing}/${CANARY_PREFIX}${time.replaceAll(':', '-')}.ndjson`
  const putMs = lake.clock.nowMs()
  const body = Buffer.from(`${JSON.stringify({ id, put_at: new Date(putMs).toISOString() })}\n`)
  try {
    const object = await lake.storage.put(uri, body, { ifNoneMatch: true, contentType: 'application/x-ndjson' })
    lake.log.info('canary put', { uri })
    return { uri, id, putMs, object }
  } catch (error) {
    if (!isLakeError(error, 'already-exists')) throw error
    return { uri, id, putMs, object: undefined }
  }
}
