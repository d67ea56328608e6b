import { LakeError } from './errors.ts'

/** What Firehose writes into landing, and what it takes: shared by the transformation, by whoever sends, and by ingest. */

/** Events, by dataset; records that could not be processed, by Firehose's error type; everything as it was put, before any of it. */
export const STREAM_FOLDER = 'streams'
export const STREAM_ERROR_FOLDER = 'stream-errors'
export const STREAM_BACKUP_FOLDER = 'stream-backup'
export const STREAM_FOLDERS = [STREAM_FOLDER, STREAM_ERROR_FOLDER, STREAM_BACKUP_FOLDER] as const

/** The landing keys of a dataset's delivered events. */
export const streamGlob = (dataset: string): string => `${STREAM_FOLDER}/${dataset}/**`

export const isStreamError = (key: string): boolean => key.startsWith(`${STREAM_ERROR_FOLDER}/`)
export const isStreamBackup = (key: string): boolean => key.startsWith(`${STREAM_BACKUP_FOLDER}/`)

/** Quotas of one call of PutRecordBatch: https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html */
export const PUT_LIMITS = { records: 500, bytes: 4_194_304, recordBytes: 1_024_000 } as const

/** Fails with `usage` before anything is sent: Firehose would refuse the whole call. */
export function checkPut(records: readonly Uint8Array[]): void {
  const bytes = records.reduce((sum, record) => sum + record.length, 0)
  const largest = Math.max(0, ...records.map(record => record.length))
  if (records.length === 0 || records.some(record => record.length === 0))
    throw new LakeError('usage', 'a call puts at least one record, and none that is empty', { records: records.length })
  if (records.length > PUT_LIMITS.records || bytes > PUT_LIMITS.bytes || largest > PUT_LIMITS.recordBytes)
    throw new LakeError(
      'usage',
      `a call puts at most ${PUT_LIMITS.records} records of ${PUT_LIMITS.bytes} bytes, each at most ${PUT_LIMITS.recordBytes}`,
      { records: records.length, bytes, largest },
    )
}

/** So many folders a stream fills at a time (https://docs.aws.amazon.com/firehose/latest/dev/limits.html); more go to the errors. */
export const ACTIVE_PARTITIONS_MAX = 500

/** What the transformation tells Firehose to fill the folder names with. */
export interface PartitionKeys {
  readonly dataset: string
  readonly date: string
  readonly hour: string
  readonly key: string
}

/** The folder of delivered events; with Firehose's own expressions in place of values it is the prefix of the stream. */
export const streamFolder = ({ dataset, date, hour, key }: PartitionKeys): string =>
  `${STREAM_FOLDER}/${dataset}/event_date=${date}/event_hour=${hour}/key=${key}/`

/** The first line of a record that names its dataset itself; the events follow. Columns never begin with an underscore. */
export const DATASET_FIELD = '_dataset'

export const recordHeader = (dataset: string): string => `${JSON.stringify({ [DATASET_FIELD]: dataset })}\n`
