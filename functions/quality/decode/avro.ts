import type { Session } from '#lake/duckdb/engine.ts'
import { AvroContainer, damaged } from './avro-container.ts'
import { AvroInput, PastEnd } from './avro-input.ts'
import { avroToJson } from './avro-json.ts'
import { decodeJson } from './json.ts'
import { LineFile } from './records.ts'
import type { ScannedObject } from './scanned.ts'
import type { DecodeTask } from './typed-copy.ts'

/**
 * Avro object container files. Records are written as JSON, one at a time, in which form they take the way of JSON, so that
 * every rule of the contract exists once; the raw form of a refused row is that JSON.
 */
export async function decodeAvro(session: Session, task: DecodeTask): Promise<ScannedObject> {
  return decodeJson(session, { ...task, path: await avroAsJson(task) }, { columnar: true })
}

/** The file as the JSON that its refused rows are kept in. */
export async function avroAsJson(task: DecodeTask): Promise<string> {
  const lines = await LineFile.create(`${task.base}.avro.ndjson`)
  try {
    await writeRecords(task, lines)
  } finally {
    await lines.close()
  }
  return lines.path
}

const NEWLINE = 0x0a

async function writeRecords(task: DecodeTask, lines: LineFile): Promise<void> {
  const container = await AvroContainer.open(task.path, task.contract.dataset.limits)
  try {
    const write = avroToJson(container.schema)
    for await (const { records, bytes } of container.blocks()) {
      const input = new AvroInput(bytes)
      for (let record = 0; record < records; record++) {
        write(input, lines.bytes, 0)
        lines.bytes.byte(NEWLINE)
        await lines.drain()
      }
      if (input.left > 0) throw damaged('a block does not end where its last record does')
    }
  } catch (error) {
    if (error instanceof PastEnd || error instanceof RangeError)
      throw damaged('a record does not end in its block', error)
    throw error
  } finally {
    await container.close()
  }
}
