import { writeFile } from 'node:fs/promises'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { isLakeError } from '#lake/errors.ts'
import { glanceAt, JsonGlance } from './json-glance.ts'
import { scanJson } from './json-scan.ts'
import { isPlain, recordShape, sampleRecords } from './json-shape.ts'
import type { RecordSink } from './records.ts'
import { type ScannedObject, scanned } from './scanned.ts'
import { clean, copyStrict, type DecodedObject, type DecodeTask, type TextRows } from './typed-copy.ts'

/**
 * JSON, in two speeds. First DuckDB reads the file strictly, at the speed of bare DuckDB; it stops at the first thing that is
 * not exactly as the contract says. Only then the scanner goes through the bytes and tells good records from bad.
 */
export async function decodeJson(session: Session, task: DecodeTask, source: JsonSource = {}): Promise<ScannedObject> {
  return (await decodeStrictly(session, task, source.glance)) ?? (await scanJsonRecords(session, task, source))
}

export interface JsonSource {
  /** The JSON was made from a format that has every column in every record: an unknown column that is null is not there. */
  readonly columnar?: boolean
  /** Over the bytes as they were decompressed; without it a file that DuckDB took is glanced at here. */
  readonly glance?: JsonGlance | undefined
}

async function decodeStrictly(
  session: Session,
  task: DecodeTask,
  seen: JsonGlance | undefined,
): Promise<DecodedObject | undefined> {
  const { source } = task.contract.dataset
  if (!isPlain(task.contract) || source.records !== undefined || seen?.doubtful) return undefined
  try {
    const rows = await copyStrict(session, task, await strictRows(task))
    const glance = seen ?? (await glanceAt(task.path, lineBytesMax(task)))
    return glance.doubtful ? undefined : clean(task, rows)
  } catch (error) {
    if (isLakeError(error, 'engine-failed')) return undefined
    throw error
  }
}

/** For the bytes of an object on their way to `task.path`. */
export const newGlance = (task: DecodeTask): JsonGlance => new JsonGlance(lineBytesMax(task))

/** A document may be one line; the length of its records is left to DuckDB's own bound. */
function lineBytesMax({ contract: { dataset } }: DecodeTask): number {
  return dataset.source.format === 'json' ? Number.POSITIVE_INFINITY : dataset.limits.recordBytesMax
}

/** DuckDB keeps buffers of several times the longest record that it must expect; longer ones are for the scanner. */
const STRICT_BYTES_MAX = 2_000_000

/** The sample comes first and alone is looked at for the schema; its rows are left out by their ordinal. */
async function strictRows(task: DecodeTask): Promise<TextRows> {
  const samples = sampleRecords(task.contract)
  const document = task.contract.dataset.source.format === 'json'
  const samplePath = `${task.base}.sample.json`
  await writeFile(samplePath, document ? `[${samples.join(',')}]` : `${samples.join('\n')}\n`)
  const options = sql`format = ${document ? 'array' : 'newline_delimited'}, sample_size = ${samples.length}, maximum_sample_files = 1, maximum_depth = -1, maximum_object_size = ${Math.min(task.contract.dataset.limits.recordBytesMax, STRICT_BYTES_MAX)}, convert_strings_to_integers = FALSE, map_inference_threshold = -1, field_appearance_threshold = 0`
  // By position, because DuckDB renames columns that differ only in case, such as a name and its former spelling.
  const names = task.contract.columns.flatMap(column => [column.name, ...column.from].map(name => ({ column, name })))
  const aliases = names.map((_each, at) => ident(`f${at}`))
  const read = sql`SELECT row_number() OVER () AS _ordinal, * FROM read_json([${samplePath}, ${task.path}], ${options}, compression = 'uncompressed') AS records(${join(aliases, ', ')})`
  return {
    from: sql`(${read}) WHERE _ordinal > ${samples.length}`,
    ordinal: sql`_ordinal - ${samples.length}`,
    texts: column => names.flatMap((each, at) => (each.column === column ? [aliases[at] as Sql] : [])),
    // A record that is `null` is let through as a row without values; a required column refuses it anyway.
    ...(task.contract.columns.some(column => column.required) ? {} : { doubt: allNull(aliases) }),
    loose: true,
  }
}

function allNull(aliases: readonly Sql[]): Sql {
  return sql`(${join(
    aliases.map(alias => sql`${alias} IS NULL`),
    ' AND ',
  )})`
}

/** The scanner alone: for records whose form is known to need it. */
export async function scanJsonRecords(
  session: Session,
  task: DecodeTask,
  source: JsonSource = {},
): Promise<ScannedObject> {
  return scanned(session, task, sink => scanJsonInto(task, sink, source))
}

export async function scanJsonInto(
  task: DecodeTask,
  sink: RecordSink,
  { columnar = false }: JsonSource = {},
): Promise<void> {
  const { source, limits, evolution } = task.contract.dataset
  await scanJson(
    task.path,
    {
      shape: recordShape(task.contract),
      framing: source.format === 'json' && !columnar ? 'document' : 'lines',
      records: columnar ? undefined : source.records,
      columnar,
      recordBytesMax: limits.recordBytesMax,
      evolution,
    },
    sink,
  )
}
