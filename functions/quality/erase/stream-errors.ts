import type { StreamError } from '#lake/stream-error.ts'
import { recordWithout } from '#lake/stream-error.ts'
import type { StreamDataset } from '#lake/stream-route.ts'
import { LineFile } from '../decode/records.ts'
import { refusalsOf, streamErrorsIn } from '../decode/stream-errors.ts'

export interface ErrorsRewrite {
  readonly source: string
  readonly target: string
  readonly dataset: StreamDataset
  readonly ordinals: ReadonlySet<number>
}

/** Writes the errors of a stream again, line for line: only those change that have an event which is to go, and all events keep their numbers. */
export async function errorsWithout({ source, target, dataset, ordinals }: ErrorsRewrite): Promise<void> {
  const lines = await LineFile.create(target)
  try {
    let before = 0
    for await (const error of streamErrorsIn(source)) {
      const first = before + 1
      const count = refusalsOf(dataset, error).length
      const isGone = (at: number): boolean => ordinals.has(first + at)
      const isTouched = Array.from({ length: count }, (_, at) => isGone(at)).includes(true)
      lines.write(`${isTouched ? lineWithout(dataset, error, isGone) : error.text}\n`)
      await lines.drain()
      before += count
    }
  } finally {
    await lines.close()
  }
}

/** Not with what was said of the record, which may quote it. */
function lineWithout(dataset: StreamDataset, { code, raw }: StreamError, isGone: (at: number) => boolean): string {
  if (raw === undefined) return '{}'
  return JSON.stringify({ errorCode: code, rawData: recordWithout(dataset, raw, isGone).toString('base64') })
}
