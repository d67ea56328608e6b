import type { ChangeSource } from '#lake/dataset-changes.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import type { DecodeTask } from '../decode/typed-copy.ts'
import { splitRecords } from './splitter.ts'

/**
 * The records of an object, unwrapped, as something to select from: `ordinal`, `offset` and `length` (NULL when each record is a line),
 * `lane`, `place`, `key_text`, `value_text`, `headers`, and `fault`, a reason and message of its own for what is no record at all.
 */
export interface Records {
  readonly from: Sql
  /** Every record is one line, and nothing else is: then a place is found by counting lines. */
  readonly byLine: boolean
  /** Numbers were put in quotes: what looks rounded is not. */
  readonly exact: boolean
}

export interface RecordsTask extends DecodeTask {
  readonly changes: ChangeSource
}

/** DuckDB keeps buffers of several times the longest record that it must expect; longer ones are for the splitter. */
const LINE_BYTES_MAX = 2_000_000

/** The way for files that are as they should be: each line one JSON value. Fails with `engine-failed` at the first that is not. */
export function lineRecords(task: RecordsTask): Records {
  const bytesMax = Math.min(task.contract.dataset.limits.recordBytesMax, LINE_BYTES_MAX)
  const options = sql`format = 'newline_delimited', compression = 'uncompressed', maximum_object_size = ${bytesMax}`
  const places = sql`row_number() OVER () AS ordinal, NULL::BIGINT AS "offset", NULL::BIGINT AS length, NULL::STRUCT(reason VARCHAR, message VARCHAR) AS fault`
  const { wrapper } = task.changes
  const source =
    wrapper === 'none'
      ? sql`SELECT ${places}, CAST(json AS VARCHAR) AS text FROM read_json_objects(${task.path}, ${options})`
      : sql`SELECT ${places}, w FROM (SELECT struct_pack(${wrapperFields(wrapper)}) AS w FROM read_json(${task.path}, ${options}, columns = ${wrapperColumns(wrapper)}))`
  return { from: unwrapped(task, source), byLine: true, exact: false }
}

/** The way for all others, and for numbers of more digits than a double holds. `path` is the file of the records that were cut out. */
export async function splitRecordsOf(
  task: DecodeTask,
  { changes, quoteNumbers }: { readonly changes: ChangeSource; readonly quoteNumbers: boolean },
): Promise<{ readonly records: Records; readonly path: string }> {
  const { recordBytesMax } = task.contract.dataset.limits
  const path = `${task.base}.records.ndjson`
  await splitRecords(task.path, path, { recordBytesMax, quoteNumbers, event: EVENT[changes.wrapper] })
  const read = sql`read_json(${path}, format = 'newline_delimited', compression = 'uncompressed', maximum_object_size = ${recordBytesMax * 3 + 1_000}, columns = {ordinal: 'BIGINT', "offset": 'BIGINT', length: 'BIGINT', reason: 'VARCHAR', message: 'VARCHAR', text: 'VARCHAR'})`
  const fault = sql`CASE WHEN reason IS NOT NULL THEN {reason: reason, message: message} END AS fault`
  const plain = sql`SELECT ordinal, "offset", length, ${fault}, text FROM ${read}`
  const source = changes.wrapper === 'none' ? plain : wrapped(plain, changes.wrapper)
  return { path, records: { from: unwrapped({ ...task, changes }, source), byLine: false, exact: quoteNumbers } }
}

/** A wrapper that is no JSON is a fault of its record. */
function wrapped(plain: Sql, wrapper: Wrapper): Sql {
  const parsed = sql`SELECT *, TRY(json_transform(text, ${wrapperShape(wrapper)})) AS w FROM (${plain})`
  const fault = sql`CASE WHEN fault IS NULL AND w IS NULL THEN {reason: 'malformed_json', message: 'the record around the event is no JSON'} ELSE fault END`
  return sql`SELECT ordinal, "offset", length, ${fault} AS fault, w FROM (${parsed})`
}

// --- Wrappers ------------------------------------------------------------------------------------------------------

const EVENT = { none: undefined, kafka: 'value', kinesis: 'data' } as const

/** What is kept of the records of an event source; key, value and data in base64 where they are no text. */
const WRAPPERS = {
  kafka: ['topic', 'partition', 'offset', 'key', 'value', 'valueBase64', 'headers', 'fault'],
  kinesis: ['shard', 'sequenceNumber', 'data', 'dataBase64', 'fault'],
} as const

type Wrapper = keyof typeof WRAPPERS

const OFFSET_DIGITS = 20
/** Sequence numbers of Kinesis have 56 digits today. */
const SEQUENCE_DIGITS = 64
const ROW_DIGITS = 12

const wrapperFields = (wrapper: Wrapper): Sql =>
  join(
    WRAPPERS[wrapper].map(name => sql`${ident(name)} := ${ident(name)}`),
    ', ',
  )

const wrapperColumns = (wrapper: Wrapper): Sql =>
  sql`{${join(
    WRAPPERS[wrapper].map(name => sql`${ident(name)}: 'VARCHAR'`),
    ', ',
  )}}`

const wrapperShape = (wrapper: Wrapper): string =>
  JSON.stringify(Object.fromEntries(WRAPPERS[wrapper].map(name => [name, 'VARCHAR'])))

function unwrapped({ changes, object }: RecordsTask, source: Sql): Sql {
  const same = sql`ordinal, "offset", length`
  switch (changes.wrapper) {
    case 'none': {
      // Whoever reads rows of one file again finds them in the same order; rows of two files cannot be compared.
      const place = sql`lpad(ordinal::VARCHAR, ${ROW_DIGITS}, '0')`
      return sql`SELECT ${same}, fault, ${object.sourceUri} AS lane, ${place} AS place, NULL::VARCHAR AS key_text, text AS value_text, NULL::VARCHAR AS headers FROM (${source})`
    }
    case 'kafka': {
      const fault = faultOf({ binary: sql`w.valueBase64`, known: sql`w.topic IS NOT NULL AND w."offset" IS NOT NULL` })
      return sql`SELECT ${same}, ${fault} AS fault, concat(w.topic, '-', w."partition") AS lane, lpad(w."offset", ${OFFSET_DIGITS}, '0') AS place, w.key AS key_text, w."value" AS value_text, w.headers AS headers FROM (${source})`
    }
    case 'kinesis': {
      const fault = faultOf({ binary: sql`w.dataBase64`, known: sql`w.sequenceNumber IS NOT NULL` })
      return sql`SELECT ${same}, ${fault} AS fault, w.shard AS lane, lpad(w.sequenceNumber, ${SEQUENCE_DIGITS}, '0') AS place, NULL::VARCHAR AS key_text, w."data" AS value_text, NULL::VARCHAR AS headers FROM (${source})`
    }
  }
}

function faultOf({ binary, known }: { readonly binary: Sql; readonly known: Sql }): Sql {
  const message = 'the event is binary; frames of Avro need their schema in source.changes.avro'
  return sql`CASE WHEN fault IS NOT NULL THEN fault WHEN w.fault IS NOT NULL THEN {reason: 'bad_frame', message: w.fault} WHEN ${binary} IS NOT NULL THEN {reason: 'malformed_json', message: ${message}} WHEN NOT (${known}) THEN {reason: 'not_an_envelope', message: 'the record around the event has no place'} END`
}
