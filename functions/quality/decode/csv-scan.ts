import { isUtf8 } from 'node:buffer'
import { ByteWindow } from './byte-window.ts'
import type { Layout } from './csv.ts'
import { readCsvRecord } from './csv-reader.ts'
import type { Place, RecordSink } from './records.ts'
import type { DecodeTask } from './typed-copy.ts'

/**
 * Splits a file into records. A quote that is broken or never closed damages only the line it starts on: reading goes on with
 * the next line. A record with too few or too many fields is refused whole, line ends in quotes included, so that text never
 * becomes a row. Blank lines, and lines that repeat the header, are no records.
 */
export async function scanCsv(task: DecodeTask, layout: Layout, sink: RecordSink): Promise<void> {
  const window = await ByteWindow.open(task.path)
  const emission = emissionOf(task, layout, sink)
  const { source, limits } = task.contract.dataset
  try {
    let ordinal = 0
    while (window.bytes.length > 0 || !window.complete) {
      const record = readCsvRecord(window.bytes, source.csv, window.complete)
      if (record.kind === 'more' && window.bytes.length <= limits.recordBytesMax) {
        await window.more()
        continue
      }
      if (
        record.kind === 'blank' ||
        (record.kind === 'record' && source.csv.header && isHeader(record.fields, layout))
      ) {
        window.advance(record.length)
        continue
      }
      const place = { ordinal: ++ordinal, offset: window.offset }
      if (record.kind !== 'record' || record.length > limits.recordBytesMax) {
        const problem = record.kind === 'broken' ? { reason: 'quote', message: record.message } : TOO_LONG
        sink.refuse({ ...place, length: await skipLine(window), ...problem })
      } else {
        const bytes = window.bytes.subarray(0, record.length)
        emit(record.fields, { place: { ...place, length: withoutLineEnd(bytes) }, bytes }, emission)
        window.advance(record.length)
      }
      await sink.drain()
    }
  } finally {
    await window.close()
  }
}

const TOO_LONG = {
  reason: 'too_long',
  message: 'the record is longer than the dataset allows, perhaps for a quote that is never closed',
}

function isHeader(fields: readonly (string | null)[], layout: Layout): boolean {
  return fields.length === layout.names.length && fields.every((field, at) => (field ?? '') === layout.names[at])
}

const [NEWLINE, RETURN] = [0x0a, 0x0d]

/** Goes to the next line. Returns the length of this one, without its end. */
async function skipLine(window: ByteWindow): Promise<number> {
  const start = window.offset
  for (;;) {
    const end = window.bytes.indexOf(NEWLINE)
    if (end >= 0 || window.complete) {
      const line = window.bytes.subarray(0, end < 0 ? window.bytes.length : end + 1)
      const length = window.offset - start + withoutLineEnd(line)
      window.advance(line.length)
      return length
    }
    // The last byte stays, because it may be the first half of a CRLF.
    window.advance(Math.max(window.bytes.length - 1, 0))
    await window.more()
  }
}

function withoutLineEnd(line: Buffer): number {
  const end = line.at(-1) === NEWLINE ? line.length - 1 : line.length
  return line[end - 1] === RETURN ? end - 1 : end
}

// --- One record ----------------------------------------------------------------------------------------------------

interface Emission {
  readonly sink: RecordSink
  readonly layout: Layout
  readonly freeze: boolean
  /** Fields of the contract: their position, and `"name":` of the JSON that they become. */
  readonly known: readonly (readonly [at: number, key: string])[]
  /** Members of the JSON that are the same for all records: defaults of columns that the file does not have. */
  readonly constant: string
}

function emissionOf(task: DecodeTask, layout: Layout, sink: RecordSink): Emission {
  const { columns, dataset } = task.contract
  const placed = new Set([...layout.columns.values()].map(column => column.name))
  return {
    sink,
    layout,
    freeze: dataset.evolution === 'freeze',
    known: [...layout.columns].map(([at, column]) => [at, `${JSON.stringify(column.name)}:`] as const),
    constant: columns
      .filter(column => column.default !== undefined && !placed.has(column.name))
      .map(column => `,${JSON.stringify(column.name)}:${JSON.stringify(column.default)}`)
      .join(''),
  }
}

function emit(
  fields: readonly (string | null)[],
  { place, bytes }: { readonly place: Place; readonly bytes: Buffer },
  emission: Emission,
): void {
  const present =
    emission.layout.unknown.size === 0 ? [] : [...emission.layout.unknown].filter(([at]) => fields[at] !== null)
  const problem = problemOf(fields, { bytes, unknown: present.map(([, name]) => name) }, emission)
  if (problem) {
    emission.sink.refuse({ ...place, ...problem })
    return
  }
  const members = emission.known.map(([at, key]) => key + JSON.stringify(fields[at])).join(',')
  const unknown = present.map(([at, name]) => ({ path: name, json: csvJson(fields[at] as string), top: true }))
  emission.sink.accept({ ...place, fields: Buffer.from(members + emission.constant), unknown })
}

function problemOf(
  fields: readonly (string | null)[],
  { bytes, unknown }: { readonly bytes: Buffer; readonly unknown: readonly string[] },
  { layout, freeze }: Emission,
): { readonly reason: string; readonly message: string } | undefined {
  const { length } = layout.names
  // As in DuckDB's reader, fields beyond the last that hold nothing are no fields.
  if (fields.length < length || fields.slice(length).some(field => field !== null))
    return { reason: 'arity', message: `${fields.length} fields where there should be ${length}` }
  if (!isUtf8(bytes)) return { reason: 'utf8', message: 'the record is not valid UTF-8' }
  if (freeze && unknown.length > 0)
    return { reason: 'unknown_column', message: `not in the contract: ${unknown.join(', ')}` }
  return undefined
}

/** CSV has no types: numbers and booleans are what looks exactly like them, so that an added column gets a fitting type. */
function csvJson(text: string): string {
  return /^(true|false|-?(0|[1-9][0-9]{0,17})([.][0-9]{1,15})?)$/.test(text) ? text : JSON.stringify(text)
}
