import { LakeError } from '../errors.ts'
import type { Clock, Ids } from '../lake.ts'

const ATTEMPTS_MAX = 5
const DELAY_MS = 100
const DELAY_MS_MAX = 5_000

export interface Retrying {
  readonly clock: Pick<Clock, 'sleep'>
  readonly ids: Pick<Ids, 'uuid' | 'random'>
}

/**
 * For what the SDK's own retries do not cover: bodies that break off, requests in conflict, items of a batch. At most five
 * attempts, with full jitter between them; the last error is thrown as it came.
 */
export async function attempts<T>(
  retrying: Retrying,
  again: (error: LakeError) => boolean,
  work: (attempt: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt)
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || !(error instanceof LakeError) || !again(error)) throw error
      await pause(retrying, attempt)
    }
  }
}

/** Exponential backoff with full jitter. */
export function pause(retrying: Retrying, attempt: number): Promise<void> {
  return retrying.clock.sleep(Math.ceil(retrying.ids.random() * Math.min(DELAY_MS_MAX, DELAY_MS * 2 ** attempt)))
}

/** Runs the work of an iterator with at most `width` pieces under way; the first failure ends it once those are done. */
export async function inParallel<T>(
  width: number,
  pieces: AsyncIterable<T>,
  work: (piece: T) => Promise<void>,
): Promise<void> {
  const iterator = pieces[Symbol.asyncIterator]()
  let failed = false
  const worker = async (): Promise<void> => {
    for (let next = await iterator.next(); !next.done && !failed; next = await iterator.next()) await work(next.value)
  }
  const guarded = async (): Promise<void> => {
    try {
      await worker()
    } catch (error) {
      failed = true
      throw error
    }
  }
  const outcomes = await Promise.allSettled(Array.from({ length: width }, guarded))
  // Lets a generator that was left early close what it holds.
  await iterator.return?.()
  const failure = outcomes.find(outcome => outcome.status === 'rejected')
  if (failure !== undefined) throw failure.reason
}
