import { gzipSync } from 'node:zlib'
import { firehose } from '#functions/ingest/firehose.ts'
import { readDocument, writeDocumentOnce } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import type { LocalLake } from '#lake/disk/disk-lake.ts'
import type { HeldRecord, WaitingPut } from '#lake/disk/local-stream.ts'
import { isLakeError } from '#lake/errors.ts'
import type { ObjectInfo, Uri } from '#lake/lake.ts'
import { ACTIVE_PARTITIONS_MAX, STREAM_ERROR_FOLDER, streamFolder } from '#lake/stream.ts'

/** When what waits is delivered: as on AWS, by size or by age, whichever comes first. */
export interface Buffering {
  readonly bytesMax: number
  readonly ageMsMax: number
}

/** A stack delivers after minutes (stacks/plan.ts); at a keyboard that is long. */
export const LOCAL_BUFFERING: Buffering = { bytesMax: 16 * 1_048_576, ageMsMax: 5_000 }

/** What one delivery is about, written down before anything is delivered: who dies in the middle is followed by somebody who does the same again. */
interface Plan {
  readonly id: string
  readonly startedMs: number
  readonly puts: readonly Uri[]
}

/**
 * Firehose in this process: delivers what waits in the stream and is due, through the same transformation and to the same keys. Only one process may
 * do it at a time. A delivery that was broken off is finished first, with the same objects; returned are those that are in landing now.
 */
export async function deliverDue(
  lake: LocalLake,
  datasets: readonly Dataset[],
  buffering: Buffering = LOCAL_BUFFERING,
): Promise<readonly ObjectInfo[]> {
  const delivered: ObjectInfo[] = []
  for await (const { uri } of lake.storage.list(`${lake.stream.base}/delivery/`)) {
    const plan = await readDocument<Plan>(lake, uri)
    if (plan !== undefined) delivered.push(...(await deliver(lake, datasets, plan)))
  }
  for (;;) {
    const due = dueOf(await lake.stream.waiting(), buffering, lake.clock.nowMs())
    if (due.length === 0) return delivered
    const plan: Plan = { id: lake.ids.uuid(), startedMs: lake.clock.nowMs(), puts: due.map(({ uri }) => uri) }
    await writeDocumentOnce(lake, planUri(lake, plan), plan)
    delivered.push(...(await deliver(lake, datasets, plan)))
  }
}

const planUri = (lake: LocalLake, { id }: Plan): Uri => `${lake.stream.base}/delivery/${id}.json`

/** As many of the oldest as make up the size; none while they are few and young. */
function dueOf(waiting: readonly WaitingPut[], buffering: Buffering, nowMs: number): readonly WaitingPut[] {
  let bytes = 0
  const end = waiting.findIndex(put => {
    bytes += put.bytes
    return bytes >= buffering.bytesMax
  })
  if (end >= 0) return waiting.slice(0, end + 1)
  const [oldest] = waiting
  return oldest !== undefined && nowMs - oldest.putMs >= buffering.ageMsMax ? waiting : []
}

// --- One delivery --------------------------------------------------------------------------------------------------

async function deliver(lake: LocalLake, datasets: readonly Dataset[], plan: Plan): Promise<readonly ObjectInfo[]> {
  const buffers = await transformed(lake, datasets, plan)
  const objects: ObjectInfo[] = []
  for (const [key, bytes] of buffers ?? []) objects.push(await writeOnce(lake, `${lake.zones.landing}/${key}`, bytes))
  // The plan last: while it is there a put that is gone means that everything was delivered.
  for (const put of plan.puts) await lake.stream.forget(put)
  await lake.storage.delete(planUri(lake, plan))
  return objects
}

/** Landing objects by key. undefined when a put is gone: puts are forgotten only after everything is in landing. */
async function transformed(
  lake: LocalLake,
  datasets: readonly Dataset[],
  plan: Plan,
): Promise<ReadonlyMap<string, Buffer> | undefined> {
  const parts = new Map<string, Buffer[]>()
  const errors: string[] = []
  const add = (key: string, data: Buffer): boolean => {
    const part = parts.get(key)
    if (part === undefined && parts.size >= ACTIVE_PARTITIONS_MAX) return false
    if (part === undefined) parts.set(key, [data])
    else part.push(data)
    return true
  }
  const overflow: string[] = []
  for (const put of plan.puts) {
    const records = await lake.stream.read(put)
    if (records === undefined) return undefined
    const { records: answers } = await firehose(lake, datasets, invocation(records))
    const byId = new Map(records.map(record => [record.recordId, record]))
    for (const answer of answers) {
      const record = byId.get(answer.recordId) as HeldRecord
      if (answer.result === 'ProcessingFailed') errors.push(errorLine(record, plan, PROCESSING_FAILED))
      if (answer.result !== 'Ok') continue
      const folder = streamFolder(answer.metadata.partitionKeys)
      if (!add(`${folder}${fileName(plan)}.gz`, Buffer.from(answer.data, 'base64')))
        overflow.push(errorLine(record, plan, PARTITIONS_EXCEEDED))
    }
  }
  const made = new Map([...parts].map(([key, data]) => [key, gzipSync(Buffer.concat(data))]))
  if (errors.length > 0) made.set(errorKey(plan, 'processing-failed'), Buffer.from(errors.join('')))
  if (overflow.length > 0) made.set(errorKey(plan, 'activePartitionExceeded'), Buffer.from(overflow.join('')))
  return made
}

const invocation = (records: readonly HeldRecord[]): unknown => ({
  invocationId: 'local',
  deliveryStreamArn: 'arn:aws:firehose:local:000000000000:deliverystream/local',
  region: 'local',
  records,
})

/** The name is the plan's own, so that a second attempt finds what the first one wrote. */
async function writeOnce(lake: LocalLake, uri: Uri, bytes: Buffer): Promise<ObjectInfo> {
  try {
    return await lake.storage.put(uri, bytes, { ifNoneMatch: true })
  } catch (error) {
    const found = isLakeError(error, 'already-exists') ? await lake.storage.head(uri) : undefined
    if (found === undefined) throw error
    return found
  }
}

// --- Names and errors, as Firehose gives them ----------------------------------------------------------------------

/** https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html */
const fileName = ({ id, startedMs }: Plan): string =>
  `local-1-${new Date(startedMs).toISOString().slice(0, 19).replaceAll(/[T:]/g, '-')}-${id}`

function errorKey(plan: Plan, type: string): string {
  const hour = new Date(plan.startedMs).toISOString().slice(0, 13).replaceAll(/[-T]/g, '/')
  return `${STREAM_ERROR_FOLDER}/${type}/${hour}/${fileName(plan)}`
}

interface Failure {
  readonly errorCode: string
  readonly errorMessage: string
}

const PROCESSING_FAILED: Failure = {
  errorCode: 'Lambda.ProcessingFailedStatus',
  errorMessage: 'ProcessingFailed status set for record',
}
const PARTITIONS_EXCEEDED: Failure = {
  errorCode: 'DynamicPartitioning.ActivePartitionsLimitExceeded',
  errorMessage: `The stream fills at most ${ACTIVE_PARTITIONS_MAX} partitions at a time`,
}

function errorLine(record: HeldRecord, plan: Plan, failure: Failure): string {
  const line = {
    attemptsMade: 1,
    arrivalTimestamp: record.approximateArrivalTimestamp,
    ...failure,
    attemptEndingTimestamp: plan.startedMs,
    rawData: record.data,
    lambdaArn: 'arn:aws:lambda:local:000000000000:function:firehose',
  }
  return `${JSON.stringify(line)}\n`
}
