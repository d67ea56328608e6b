import { isLakeError } from '#lake/errors.ts'
import type { Lake, ObjectInfo } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import { ignoredKey } from '#lake/route.ts'
import { isTaken } from '#lake/taken.ts'

/** What was dropped into landing and `ingest` has not taken up. */
export interface LandingBacklog {
  readonly objects: number
  /** When the oldest of them landed; undefined where only their number is known. */
  readonly oldestMs: number | undefined
}

const HEADS_AT_ONCE = 32
const PAGE = 1_024

/**
 * On AWS the queue of `ingest` says how many messages it holds; where it is in the memory of another process, every object in landing must have
 * a record of `ingest`, and is looked for by its name. undefined when the queue is not known here.
 */
export async function landingBacklog(lake: Lake): Promise<LandingBacklog | undefined> {
  try {
    const objects = await lake.deadLetters.waiting('ingest')
    return objects === undefined ? await unrecorded(lake) : { objects, oldestMs: undefined }
  } catch (error) {
    if (isLakeError(error, 'unsupported')) return undefined
    throw error
  }
}

async function unrecorded(lake: Lake): Promise<LandingBacklog> {
  let [objects, oldestMs] = [0, Number.POSITIVE_INFINITY]
  let page: ObjectInfo[] = []
  const count = async (): Promise<void> => {
    const waiting = await mapParallel(page, HEADS_AT_ONCE, async object =>
      (await isTaken(lake, object)) ? [] : [object],
    )
    for (const { modifiedMs } of waiting.flat()) {
      objects++
      oldestMs = Math.min(oldestMs, modifiedMs)
    }
    page = []
  }
  for await (const object of lake.storage.list(`${lake.zones.landing}/`)) {
    if (object.bytes > 0 && ignoredKey(object.uri.slice(lake.zones.landing.length + 1)) === undefined) page.push(object)
    if (page.length === PAGE) await count()
  }
  await count()
  return { objects, oldestMs: objects === 0 ? undefined : oldestMs }
}
