import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import type { FilePlace } from './data-source.ts'
import { refusal } from './refusal.ts'

/** Enough for a header, and for the first sign in a JSON file. */
const HEAD_BYTES_MAX = 1 << 20

/** The start of a file's text, unpacked. Errors: `file-unreadable`. */
export async function headOf(place: FilePlace): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const part of unpacked(place)) {
      parts.push(part)
      bytes += part.length
      if (bytes >= HEAD_BYTES_MAX) break
    }
  } catch (error) {
    throw refusal(
      'file-unreadable',
      `${place.name} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      place.compression === 'uncompressed'
        ? 'check the file and its permissions'
        : 'check that it is packed as its name says',
    )
  }
  return Buffer.concat(parts).toString('utf8')
}

function unpacked({ realPath, compression }: FilePlace): AsyncIterable<Uint8Array> {
  const file = createReadStream(realPath, { highWaterMark: 1 << 16 })
  if (compression === 'uncompressed') return file
  // Whoever reads the last stream sees the errors of both; leaving early is none.
  return pipeline(file, compression === 'gzip' ? createGunzip() : createZstdDecompress(), () => undefined)
}

export interface CsvHeader {
  readonly names: readonly string[]
  readonly delimiter: string
  /** Empty lines before it. */
  readonly blankLines: number
}

const DELIMITERS = [',', ';', '\t', '|'] as const

/** The first line that is not empty, by RFC 4180; undefined when there is none. The delimiter is the one that it has most of. */
export function csvHeader(head: string, delimiter?: string): CsvHeader | undefined {
  const text = head.replace(/^\ufeff/, '')
  const [blank = ''] = /^(?:\r\n|\n|\r)*/.exec(text) ?? []
  if (text.length === blank.length) return undefined
  const blankLines = blank.replaceAll('\r\n', '\n').length
  const record = firstRecord(text.slice(blank.length))
  const bare = record.replace(/"(?:[^"]|"")*"/g, '')
  const most = DELIMITERS.toSorted((left, right) => bare.split(right).length - bare.split(left).length)[0] as string
  const used = delimiter ?? most
  return { names: fieldsOf(record, used), delimiter: used, blankLines }
}

/** Up to the first line end outside of quotes. */
function firstRecord(text: string): string {
  return (/^(?:"(?:[^"]|"")*"|[^"\r\n])*/.exec(text) ?? [''])[0] as string
}

function fieldsOf(record: string, delimiter: string): readonly string[] {
  const fields: string[] = ['']
  for (const part of record.match(/"(?:[^"]|"")*"|[^"]/g) ?? []) {
    if (part === delimiter) fields.push('')
    else fields[fields.length - 1] += part.length > 1 ? part.slice(1, -1).replaceAll('""', '"') : part
  }
  return fields
}
