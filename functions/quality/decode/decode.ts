import { rm } from 'node:fs/promises'
import type { Session } from '#lake/duckdb/engine.ts'
import { decodeChanges, placesOfChanges } from '../changes/decode-changes.ts'
import { avroAsJson, decodeAvro } from './avro.ts'
import { decodeCsv, scanCsvInto } from './csv.ts'
import { head, inflate, unreadable } from './inflate.ts'
import { decodeJson, newGlance, scanJsonInto } from './json.ts'
import type { JsonGlance } from './json-glance.ts'
import type { Ordinals } from './ordinals.ts'
import { decodeParquet, placesInParquet } from './parquet.ts'
import type { PlaceSink, RecordSink } from './records.ts'
import type { ScannedObject } from './scanned.ts'
import { type DecodeTask, hasRefused } from './typed-copy.ts'

/** An object whose plain bytes are at hand. */
export interface PlainTask extends DecodeTask {
  /** The object as it was staged; `path` may be the same file. */
  readonly staged: string
  readonly glance: JsonGlance | undefined
}

/** Decompresses where needed. `task.path` is the object as it landed. Errors: `file-unreadable` with the reason in its context. */
export async function openPlain(task: DecodeTask): Promise<PlainTask> {
  const { limits } = task.contract.dataset
  const glance = newGlance(task)
  const { path } = await inflate(task.path, `${task.base}.plain`, {
    tap: chunk => glance.push(chunk),
    expansionMax: limits.expansionMax,
    bytesMax: limits.objectBytesMax * 4,
  })
  return { ...task, path, staged: task.path, glance: path === task.path ? undefined : glance }
}

/**
 * One raw object into rows of the table's form and refused records. Errors: `file-unreadable` with the reason in its context,
 * when nothing of the file can be had.
 */
export async function decode(session: Session, task: PlainTask): Promise<ScannedObject> {
  const decoded = await decodeContent(session, task)
  // What is refused is looked up in the plain bytes later; otherwise the disk holds one such file at a time.
  for (const file of new Set([task.path, decoded.plain]))
    if (file !== task.staged && (file !== decoded.plain || !hasRefused(decoded))) await rm(file, { force: true })
  return decoded
}

async function decodeContent(session: Session, task: PlainTask): Promise<ScannedObject> {
  const { changes } = task.contract.dataset.source
  if (changes !== undefined) return decodeChanges(session, task, changes)
  switch (await contentOf(task.path, task.contract.dataset.source.format)) {
    case 'parquet':
      return decodeParquet(session, task)
    case 'avro':
      return decodeAvro(session, task)
    case 'csv':
      return decodeCsv(session, task)
    default:
      return decodeJson(session, task, { glance: task.glance })
  }
}

/**
 * Looks records up by their ordinals, which are the same whatever way the object was decoded: goes over it once more and tells where each of
 * them stands. Returns the file that these places refer to.
 */
export async function placesIn(
  session: Session,
  task: PlainTask,
  { wanted, sink }: { readonly wanted: Ordinals; readonly sink: PlaceSink },
): Promise<string> {
  const { changes } = task.contract.dataset.source
  if (changes !== undefined) return placesOfChanges(session, task, { changes, wanted, sink })
  const passing = only(wanted, sink)
  switch (await contentOf(task.path, task.contract.dataset.source.format)) {
    case 'parquet':
      return placesInParquet(session, task, { wanted, sink })
    case 'avro': {
      const path = await avroAsJson(task)
      await scanJsonInto({ ...task, path }, passing, { columnar: true })
      return path
    }
    case 'csv':
      await scanCsvInto(task, passing)
      return task.path
    default:
      await scanJsonInto(task, passing)
      return task.path
  }
}

/** What is refused was so when the object was decoded, and is in quarantine for that. */
const only = (wanted: Ordinals, sink: PlaceSink): RecordSink => ({
  accept: ({ ordinal, offset, length }) => {
    if (wanted.has(ordinal)) sink.place({ ordinal, offset, length })
  },
  refuse: () => undefined,
  drain: () => sink.drain(),
})

/** Formats that say what they are by their first bytes are believed; the declaration decides between the others. */
export async function contentOf(path: string, declared: string): Promise<string> {
  const magic = await head(path, 4)
  if (magic.toString('latin1') === 'PAR1') return 'parquet'
  if (magic.toString('latin1') === 'Obj\x01') return 'avro'
  if (declared === 'parquet' || declared === 'avro')
    throw unreadable('format_mismatch', `the file is declared to be ${declared}, but does not begin like it`)
  if (/^(fffe|feff)/.test(magic.toString('hex'))) throw unreadable('encoding', 'the file is UTF-16; deliver UTF-8')
  return declared
}
