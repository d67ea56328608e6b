import { type FileHandle, open } from 'node:fs/promises'
import type { RawObject } from '#lake/batch.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { type CopiedFile, copyToParquet } from '#lake/iceberg/data-file.ts'
import type { Schema } from '#lake/iceberg/types.ts'
import { linesOf } from './decode/lines.ts'
import { LineFile, type RefusedRecord } from './decode/records.ts'
import { STREAM_REASON } from './decode/stream-errors.ts'
import { RULE_REASON } from './split.ts'

export interface RefusedObject {
  readonly object: RawObject
  /** Files of refused records with the plain file they came from; none when the whole file is refused. */
  readonly records?: { readonly files: readonly string[]; readonly plain: string }
  readonly file?: { readonly reason: string; readonly message: string }
}

export interface QuarantineTask {
  /** In whose account the records of an object stand: a batch that judges quarantined records again leaves them where they were. */
  readonly batchOf: (rawObject: string) => string
  readonly contractVersion: number
  readonly schema: Schema
  readonly base: string
}

const RAW_BYTES_MAX = 1_048_576

/** Writes what was refused, with its raw bytes, in the form of the quarantine table. undefined when nothing was. */
export async function writeQuarantine(
  session: Session,
  refused: readonly RefusedObject[],
  task: QuarantineTask,
): Promise<CopiedFile | undefined> {
  const lines = await LineFile.create(`${task.base}.quarantine.ndjson`)
  try {
    for (const each of refused) await writeObject(each, task, lines)
  } finally {
    await lines.close()
  }
  const columns = sql`{_raw_object: 'VARCHAR', _raw_row: 'BIGINT', landed_us: 'BIGINT', raw: 'VARCHAR', raw_uri: 'VARCHAR', source_uri: 'VARCHAR', record: 'BIGINT', byte_offset: 'BIGINT', byte_length: 'BIGINT', stage: 'VARCHAR', reason: 'VARCHAR', message: 'VARCHAR', contract_version: 'INTEGER', batch: 'VARCHAR'}`
  const rows = sql`SELECT * REPLACE (from_base64(raw) AS raw), make_timestamp(landed_us) AS _ingested_at FROM read_json(${lines.path}, format = 'newline_delimited', columns = ${columns}, maximum_object_size = 16777216)`
  const copied = await copyToParquet(session, {
    source: rows,
    schema: task.schema,
    path: `${task.base}.quarantine.parquet`,
  })
  return copied.rows > 0 ? copied : undefined
}

async function writeObject(refused: RefusedObject, task: QuarantineTask, lines: LineFile): Promise<void> {
  const { object } = refused
  const common = {
    _raw_object: object.id,
    landed_us: object.landedMs * 1_000,
    raw_uri: object.uri,
    source_uri: object.sourceUri,
    contract_version: task.contractVersion,
    batch: task.batchOf(object.id),
  }
  if (refused.file) {
    lines.write(
      `${JSON.stringify({ ...common, _raw_row: 0, record: 0, byte_offset: 0, byte_length: object.bytes, stage: stageOf(refused.file.reason), raw: null, ...refused.file })}\n`,
    )
    return
  }
  if (!refused.records) return
  const plain = await open(refused.records.plain)
  try {
    for (const file of refused.records.files) {
      for await (const { bytes } of linesOf(file)) {
        const record = JSON.parse(bytes.toString('utf8')) as RefusedRecord
        const raw = (await rawBytes(plain, record)).toString('base64')
        const place = {
          _raw_row: record.ordinal,
          record: record.ordinal,
          byte_offset: record.offset,
          byte_length: record.length,
        }
        lines.write(
          `${JSON.stringify({ ...common, ...place, stage: stageOf(record.reason), reason: record.reason, message: record.message, raw })}\n`,
        )
        await lines.drain()
      }
    }
  } finally {
    await plain.close()
  }
}

async function rawBytes(file: FileHandle, place: RefusedRecord): Promise<Buffer> {
  const length = Math.min(Number(place.length), RAW_BYTES_MAX)
  const { buffer, bytesRead } = await file.read({
    buffer: Buffer.alloc(length),
    length,
    position: Number(place.offset),
  })
  return buffer.subarray(0, bytesRead)
}

const CONTRACT_REASONS = /^(type:|required:|unknown_column|ambiguous_column|contract_version)/

function stageOf(reason: string): string {
  if (reason.startsWith(RULE_REASON)) return 'quality'
  if (reason.startsWith(STREAM_REASON)) return 'stream'
  return CONTRACT_REASONS.test(reason) ? 'contract' : 'decode'
}
