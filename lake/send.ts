import { isLakeError, LakeError } from './errors.ts'
import type { Clock, Ids, Stream } from './lake.ts'
import { PUT_LIMITS } from './stream.ts'

/** One record to put, and where it came from. */
export interface Outgoing {
  /** For people: the line of the file. */
  readonly line: number
  readonly data: Uint8Array
}

export interface Sent {
  readonly records: number
  readonly bytes: number
  readonly calls: number
  /** Records that were put again because the stream refused them or a call was not answered. */
  readonly again: number
  readonly throttled: number
}

export interface SendOptions {
  readonly stream: Stream
  readonly clock: Pick<Clock, 'nowMs' | 'sleep'>
  readonly ids: Pick<Ids, 'random'>
  /** Records a second at most; as fast as the stream takes them when not given. */
  readonly rate?: number | undefined
  /** After each call. Work that is done here holds the sending up. */
  readonly onCall?: (sent: Sent) => Promise<void> | void
}

/** Attempts without a single record being taken; with full jitter up to the longest delay they span about a minute. */
const ATTEMPTS_MAX = 12
const DELAY_MS = 100
const DELAY_MS_MAX = 10_000

/**
 * Puts records in calls of the size that the stream allows. What a call refused, and nothing else, is put again, after a delay that doubles; of a call that
 * was not answered all of it is, which may double records but loses none. Fails with the stream's own error once nothing is taken any more: its context
 * says from which line on (`line`), and what was sent (`sent`).
 */
export async function sendRecords(groups: AsyncIterable<readonly Outgoing[]>, options: SendOptions): Promise<Sent> {
  const startedMs = options.clock.nowMs()
  let sent: Sent = { records: 0, bytes: 0, calls: 0, again: 0, throttled: 0 }
  for await (const group of groups) {
    await keepRate(options, sent.records, startedMs)
    let left = group
    for (let attempt = 1; left.length > 0; attempt++) {
      const { refused, error } = await putOnce(options.stream, left)
      const taken = left.length - refused.length
      sent = addedTo(sent, left, { refused, isThrottled: isThrottled(error) })
      left = refused
      await options.onCall?.(sent)
      if (taken > 0) attempt = 0
      if (left.length === 0) break
      if (attempt === ATTEMPTS_MAX || !mayHeal(error)) throw givenUp(error, left[0]?.line ?? 0, sent)
      sent = { ...sent, again: sent.again + left.length }
      await options.clock.sleep(Math.ceil(options.ids.random() * Math.min(DELAY_MS_MAX, DELAY_MS * 2 ** attempt)))
    }
  }
  return sent
}

interface Put {
  readonly refused: readonly Outgoing[]
  readonly error: unknown
}

async function putOnce(stream: Stream, records: readonly Outgoing[]): Promise<Put> {
  try {
    const codes = await stream.put(records.map(({ data }) => data))
    const code = codes.find(each => each !== undefined)
    const error =
      code === undefined
        ? undefined
        : new LakeError(
            code === 'ServiceUnavailableException' ? 'throttled' : 'unavailable',
            `the stream refuses records: ${code}`,
            { code },
          )
    return { refused: records.filter((_record, at) => codes[at] !== undefined), error }
  } catch (error) {
    return { refused: records, error }
  }
}

const isThrottled = (error: unknown): boolean => isLakeError(error, 'throttled')
const mayHeal = (error: unknown): boolean => isLakeError(error) && error.retryable

function addedTo(
  sent: Sent,
  put: readonly Outgoing[],
  { refused, isThrottled }: { readonly refused: readonly Outgoing[]; readonly isThrottled: boolean },
): Sent {
  const bytes = (records: readonly Outgoing[]): number => records.reduce((sum, { data }) => sum + data.length, 0)
  return {
    records: sent.records + put.length - refused.length,
    bytes: sent.bytes + bytes(put) - bytes(refused),
    calls: sent.calls + 1,
    again: sent.again,
    throttled: sent.throttled + (isThrottled ? 1 : 0),
  }
}

function givenUp(error: unknown, line: number, sent: Sent): unknown {
  if (!isLakeError(error)) return error
  return new LakeError(error.kind, error.message, { ...error.context, line, sent }, { cause: error })
}

async function keepRate({ clock, rate }: SendOptions, records: number, startedMs: number): Promise<void> {
  if (rate === undefined) return
  const aheadMs = (records / rate) * 1_000 - (clock.nowMs() - startedMs)
  if (aheadMs > 0) await clock.sleep(aheadMs)
}

export interface GroupOptions {
  /** Records in a call; the stream's limit when not given. */
  readonly recordsMax?: number
  /** A group that has begun is handed on after this time, however small it is: for producers that pause. */
  readonly ageMsMax?: number
  readonly clock: Pick<Clock, 'sleep'>
}

/** Records in groups that one call may put. */
export async function* groupsOf(
  records: AsyncIterable<Outgoing>,
  { recordsMax = PUT_LIMITS.records, ageMsMax, clock }: GroupOptions,
): AsyncGenerator<readonly Outgoing[]> {
  const iterator = records[Symbol.asyncIterator]()
  let group: Outgoing[] = []
  let bytes = 0
  let due: Promise<'due'> | undefined
  const hand = (): readonly Outgoing[] => {
    const full = group
    group = []
    bytes = 0
    due = undefined
    return full
  }
  try {
    for (let next = iterator.next(); ; ) {
      const found = await (due === undefined ? next : Promise.race([next, due]))
      if (found === 'due') {
        yield hand()
        continue
      }
      if (found.done) break
      const { data } = found.value
      if (group.length >= recordsMax || bytes + data.length > PUT_LIMITS.bytes) yield hand()
      group.push(found.value)
      bytes += data.length
      due ??= ageMsMax === undefined ? undefined : clock.sleep(ageMsMax).then(() => 'due')
      next = iterator.next()
    }
    if (group.length > 0) yield hand()
  } finally {
    await iterator.return?.()
  }
}
