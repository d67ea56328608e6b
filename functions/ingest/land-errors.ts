import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type LandedRecord, landedUri, readDocument } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { isLakeError } from '#lake/errors.ts'
import type { Lake, ObjectInfo } from '#lake/lake.ts'
import { rawId, type SourceVersion } from '#lake/raw-id.ts'
import type { StreamRouter } from '#lake/stream-route.ts'
import { stageVersion, uploadRaw } from './copy.ts'
import type { Arrival } from './event.ts'
import { type Landing, type LandOptions, landFile, rejectVersion, sourceOf } from './land.ts'
import { splitErrors } from './split-errors.ts'

export interface ErrorOptions extends Pick<LandOptions, 'hold'> {
  readonly datasets: readonly Dataset[]
  readonly streams: StreamRouter
}

/** Firehose buffers 128 MB at most; what is much larger nobody but a stranger wrote. */
const OBJECT_BYTES_MAX = 1_073_741_824

/**
 * Lands an object of records that Firehose could not process: for each dataset in it the lines that are its own, as one raw object, from which
 * `quality` quarantines them. What no dataset takes becomes a dead letter, and its bytes stay where they are. Never throws.
 */
export async function landErrors(lake: Lake, arrival: Arrival, options: ErrorOptions): Promise<readonly Landing[]> {
  try {
    const info = await lake.storage.head(arrival.uri, arrival.version === undefined ? {} : { version: arrival.version })
    if (info === undefined) return [{ kind: 'superseded' }]
    if (info.bytes === 0) return [{ kind: 'ignored', reason: 'empty' }]
    if (info.bytes > OBJECT_BYTES_MAX) {
      const message = `${info.bytes} bytes, but a delivery stream writes at most ${OBJECT_BYTES_MAX}`
      return [await rejectVersion(lake, { arrival, source: sourceOf(arrival, info) }, { reason: 'too-large', message })]
    }
    return await options.hold(info.bytes * 2, () => landParts(lake, arrival, { ...options, info }))
  } catch (error) {
    return [{ kind: 'failed', error }]
  }
}

interface PartOptions extends ErrorOptions {
  readonly info: ObjectInfo
}

async function landParts(lake: Lake, arrival: Arrival, options: PartOptions): Promise<readonly Landing[]> {
  const { info } = options
  const source = sourceOf(arrival, info)
  const folder = join(lake.limits.scratch, `errors-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  try {
    const staged = await stageVersion(lake, { source, info }, folder)
    if (staged === undefined) return [{ kind: 'superseded' }]
    const { parts, strays } = await splitErrors(staged.path, { router: options.streams, folder })
    const owners = [...parts.keys()]
    const main = await mainOwner(lake, arrival, { source, owners })
    const landings: Landing[] = []
    for (const [owner, file] of parts) {
      const dataset = options.datasets.find(({ name }) => name === owner) as Dataset
      const own = owner === main ? source : { ...source, part: owner }
      const bring = () => uploadRaw(lake, { dataset, source: own, info }, file)
      landings.push(await orFailed(landFile(lake, { arrival, source: own, info, dataset, bring })))
    }
    if (strays.records > 0) {
      const own = main === undefined ? source : { ...source, part: '' }
      const message = `${counted(strays.records)} that Firehose could not process: of no dataset, the first of them ${strays.code}`
      landings.push(await rejectVersion(lake, { arrival, source: own }, { reason: 'stream-error', message }))
    }
    return landings.length === 0 ? [{ kind: 'ignored', reason: 'empty' }] : landings
  } catch (error) {
    if (!isLakeError(error, 'file-unreadable')) throw error
    return [await rejectVersion(lake, { arrival, source }, { reason: 'stream-error', message: error.message })]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const counted = (records: number): string => (records === 1 ? '1 record' : `${records} records`)

async function orFailed(landing: Promise<Landing>): Promise<Landing> {
  try {
    return await landing
  } catch (error) {
    return { kind: 'failed', error }
  }
}

interface Owners {
  readonly source: SourceVersion
  readonly owners: readonly string[]
}

/**
 * One part goes by the id of the object itself, so that whoever asks what became of it finds a record; the others by ids of their own. Which one it
 * is stays as it was when datasets have been added since.
 */
async function mainOwner(lake: Lake, arrival: Arrival, { source, owners }: Owners): Promise<string | undefined> {
  const record = await readDocument<LandedRecord>(lake, landedUri(lake, arrival.uri, rawId(source)))
  return owners.find(owner => owner === record?.dataset) ?? owners[0]
}
