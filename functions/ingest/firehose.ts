import type { Dataset } from '#lake/dataset.ts'
import { LakeError } from '#lake/errors.ts'
import type { Lake } from '#lake/lake.ts'
import type { PartitionKeys } from '#lake/stream.ts'
import { type StreamRouter, streamRouter } from '#lake/stream-route.ts'
import { failed, type Transformed, transformRecord } from './transform-record.ts'

/** The answer for one record, as Firehose wants it (https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html). */
export type Answer =
  | {
      readonly recordId: string
      readonly result: 'Ok'
      readonly data: string
      readonly metadata: { readonly partitionKeys: PartitionKeys }
    }
  | { readonly recordId: string; readonly result: 'Dropped' | 'ProcessingFailed' }

export interface FirehoseAnswer {
  readonly records: readonly Answer[]
}

/** Lambda answers with 6 MB at most (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html); above it the whole invocation fails. */
const ANSWER_BYTES_MAX = 6_000_000

/**
 * Transforms what a delivery stream has gathered: routes, checks and places each record by itself. Every record id is answered exactly once.
 * What does not fit into the answer has failed: Firehose keeps its bytes and delivers them with the errors. Putting it into the stream
 * again instead would double it whenever the invocation is repeated.
 */
export async function firehose(lake: Lake, datasets: readonly Dataset[], event: unknown): Promise<FirehoseAnswer> {
  const router = streamRouter(datasets)
  const records = recordsOf(event)
  const answers: Answer[] = []
  const reasons = new Map<string, number>()
  const count = (reason: string): void => void reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  let room = ANSWER_BYTES_MAX - records.reduce((sum, record) => sum + sizeOf(refusal(record.recordId)), 0)
  for (const record of records) {
    const transformed = transformOne(lake, router, record)
    const answer = answerOf(record.recordId, transformed)
    const extra = sizeOf(answer) - sizeOf(refusal(record.recordId))
    if (transformed.kind !== 'ok') count(transformed.reason)
    if (extra > room) count('answer-too-large')
    answers.push(extra > room ? refusal(record.recordId) : answer)
    room -= extra > room ? 0 : extra
  }
  report(lake, answers, reasons)
  return { records: answers }
}

interface StreamRecord {
  readonly recordId: string
  readonly data: unknown
  readonly arrivalMs: number | undefined
}

/** A record id that came twice with the same bytes is one record; with other bytes it is nobody's, because there can be one answer only. */
function recordsOf(event: unknown): readonly StreamRecord[] {
  const records = field(event, 'records')
  if (!Array.isArray(records))
    throw new LakeError('event-invalid', 'the event has no records: this function transforms what Firehose gives it')
  const byId = new Map<string, StreamRecord>()
  for (const each of records as readonly unknown[]) {
    const recordId = field(each, 'recordId')
    if (typeof recordId !== 'string')
      throw new LakeError('event-invalid', 'a record has no recordId: Firehose gives every record one')
    const arrival = field(each, 'approximateArrivalTimestamp')
    const data = field(each, 'data')
    const known = byId.get(recordId)
    const isOther = known !== undefined && known.data !== data
    const isMoment = typeof arrival === 'number' && arrival >= 0 && arrival < 253_402_300_800_000
    byId.set(recordId, { recordId, data: isOther ? undefined : data, arrivalMs: isMoment ? arrival : undefined })
  }
  return [...byId.values()]
}

function transformOne(lake: Lake, router: StreamRouter, { data, arrivalMs }: StreamRecord): Transformed {
  if (typeof data !== 'string') return failed('no-data')
  try {
    return transformRecord(router, Buffer.from(data, 'base64'), arrivalMs ?? lake.clock.nowMs())
  } catch (error) {
    // A bug of ours costs the record its place in the table, not the stream its other records.
    lake.log.error('a record could not be transformed', { error: error instanceof Error ? error.name : 'unknown' })
    return failed('failure')
  }
}

function answerOf(recordId: string, transformed: Transformed): Answer {
  if (transformed.kind === 'dropped') return { recordId, result: 'Dropped' }
  if (transformed.kind === 'failed') return refusal(recordId)
  const { data, keys } = transformed
  return { recordId, result: 'Ok', data: data.toString('base64'), metadata: { partitionKeys: keys } }
}

const refusal = (recordId: string): Answer => ({ recordId, result: 'ProcessingFailed' })

/** Of its JSON, with the comma behind it; the data alone is what has any length, and base64 is as long in JSON. */
function sizeOf(answer: Answer): number {
  if (answer.result !== 'Ok') return Buffer.byteLength(JSON.stringify(answer)) + 1
  return Buffer.byteLength(JSON.stringify({ ...answer, data: '' })) + answer.data.length + 1
}

function report(lake: Lake, answers: readonly Answer[], reasons: ReadonlyMap<string, number>): void {
  const of = (result: Answer['result']): number => answers.filter(answer => answer.result === result).length
  const fields = {
    records: answers.length,
    ok: of('Ok'),
    dropped: of('Dropped'),
    failed: of('ProcessingFailed'),
    reasons: Object.fromEntries(reasons),
  }
  if (fields.failed > 0) lake.log.warn('transformed', fields)
  else lake.log.info('transformed', fields)
}

const field = (value: unknown, name: string): unknown =>
  // A parse border: whatever stands there is looked at before it is used.
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined
