import { assert } from '#lake/errors.ts'
import { eventsOf, type StreamError, streamErrors } from '#lake/stream-error.ts'
import { misfitOf } from '#lake/stream-fit.ts'
import { isStreamed, type StreamDataset } from '#lake/stream-route.ts'
import type { PlainTask } from './decode.ts'
import { linesOf } from './lines.ts'
import { LineFile, type RefusedRecord } from './records.ts'
import type { ScannedObject } from './scanned.ts'

/** Reasons of records that came by way of the errors of a stream and break no rule of the contract. */
export const STREAM_REASON = 'stream:'

/**
 * Records that a delivery stream could not process. Each event is refused by itself, with its own bytes: those are what can be released once the
 * cause is gone. Its reason is what is wrong with it, or, when nothing is, what Firehose says.
 */
export async function decodeStreamErrors(task: PlainTask): Promise<ScannedObject> {
  const { dataset } = task.contract
  assert(isStreamed(dataset), `${dataset.name} takes no single events, but has errors of a stream`)
  const files = {
    plain: await LineFile.create(`${task.base}.events`),
    refused: await LineFile.create(`${task.base}.stream-errors.ndjson`),
  }
  const reasons = new Map<string, number>()
  try {
    let place = { ordinal: 0, offset: 0 }
    for await (const { bytes } of linesOf(task.path)) {
      const text = bytes.toString('utf8').trim()
      for (const error of text === '' ? [] : streamErrors(text))
        for (const { raw, ...why } of refusalsOf(dataset, error)) {
          const refused: RefusedRecord = {
            ...why,
            ordinal: place.ordinal + 1,
            offset: place.offset,
            length: raw.length,
          }
          files.plain.bytes.copy(raw, 0, raw.length)
          files.refused.write(`${JSON.stringify(refused)}\n`)
          reasons.set(why.reason, (reasons.get(why.reason) ?? 0) + 1)
          place = { ordinal: refused.ordinal, offset: place.offset + raw.length }
        }
      await files.plain.drain()
      await files.refused.drain()
    }
  } finally {
    await files.plain.close()
    await files.refused.close()
  }
  const { plain, refused } = files
  return {
    rows: undefined,
    refused: [refused.path],
    plain: plain.path,
    applied: 0,
    reasons: Object.fromEntries(reasons),
  }
}

interface Refusal {
  readonly raw: Buffer
  readonly reason: string
  readonly message: string
}

function refusalsOf(dataset: StreamDataset, error: StreamError): readonly Refusal[] {
  const said = `Firehose: ${error.code}${error.message === '' ? '' : `: ${error.message}`}`
  const general = { reason: `${STREAM_REASON}${error.code}`, message: said }
  if (error.raw === undefined) return [{ raw: Buffer.from(error.text), ...general }]
  const events = eventsOf(dataset, error.raw)
  if (events.length === 0) return [{ raw: error.raw, ...general }]
  return events.map(({ text, fields }) => {
    const misfit = misfitOf(dataset, fields)
    const why = misfit === undefined ? general : { reason: misfit.reason, message: `${misfit.message}; ${said}` }
    return { raw: Buffer.from(text), ...why }
  })
}
