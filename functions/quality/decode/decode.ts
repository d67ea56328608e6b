import type { Session } from '#lake/duckdb/engine.ts'
import { decodeAvro } from './avro.ts'
import { decodeCsv } from './csv.ts'
import { head, inflate, unreadable } from './inflate.ts'
import { decodeJson } from './json.ts'
import { decodeParquet } from './parquet.ts'
import type { ScannedObject } from './scanned.ts'
import type { DecodeTask } from './typed-copy.ts'

/**
 * One staged raw object into rows of the table's form and refused records. `task.path` is the object as it landed. Errors:
 * `file-unreadable` with the reason in its context, when nothing of the file can be had.
 */
export async function decode(session: Session, task: DecodeTask): Promise<ScannedObject> {
  const { limits, source } = task.contract.dataset
  const { path } = await inflate(task.path, `${task.base}.plain`, {
    expansionMax: limits.expansionMax,
    bytesMax: limits.objectBytesMax * 4,
  })
  const plain = { ...task, path }
  switch (await contentOf(path, source.format)) {
    case 'parquet':
      return decodeParquet(session, plain)
    case 'avro':
      return decodeAvro(session, plain)
    case 'csv':
      return decodeCsv(session, plain)
    default:
      return decodeJson(session, plain)
  }
}

/** Formats that say what they are by their first bytes are believed; the declaration decides between the others. */
async function contentOf(path: string, declared: string): Promise<string> {
  const magic = await head(path, 4)
  if (magic.toString('latin1') === 'PAR1') return 'parquet'
  if (magic.toString('latin1') === 'Obj\x01') return 'avro'
  if (declared === 'parquet' || declared === 'avro')
    throw unreadable('format_mismatch', `the file is declared to be ${declared}, but does not begin like it`)
  if (/^(fffe|feff)/.test(magic.toString('hex'))) throw unreadable('encoding', 'the file is UTF-16; deliver UTF-8')
  return declared
}
