import type { ChangeSource, Connector } from '#lake/dataset-changes.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { isLakeError } from '#lake/errors.ts'
import type { ContractColumn } from '../contract.ts'
import type { Ordinals } from '../decode/ordinals.ts'
import type { PlaceSink } from '../decode/records.ts'
import type { ScannedObject } from '../decode/scanned.ts'
import type { DecodeTask } from '../decode/typed-copy.ts'
import { keyColumns, Rounded, Surprised, writeChangeRows } from './change-rows.ts'
import { schemasIn, wireAmong } from './connect-schema.ts'
import { decodeDmsFile, placesInDmsFile } from './decode-dms.ts'
import { dmsJson } from './dms-json.ts'
import { CONNECTORS, envelope } from './envelope.ts'
import { flattened } from './flattened.ts'
import { framesAsJson } from './frames.ts'
import { mongodb } from './mongodb.ts'
import type { ChangeParts } from './parts.ts'
import { lineRecords, type Records, splitRecordsOf } from './records.ts'
import { placesInLines, placesInRecords } from './refused.ts'
import { scannedChanges } from './scanned-changes.ts'
import { soughtColumns } from './sought.ts'
import { declaredWire } from './wire.ts'

/**
 * One plain object of change events into change rows, in three speeds: records as DuckDB reads them; cut out one by one where some are none;
 * and with numbers as text where one has more digits than a double holds.
 */
export async function decodeChanges(session: Session, task: DecodeTask, changes: ChangeSource): Promise<ScannedObject> {
  if (isTable(task, changes)) return decodeDmsFile(session, task, changes)
  if (Object.keys(changes.avro).length > 0) return decodeFrames(session, task, changes)
  try {
    return await decodeEvents(session, task, { changes, records: lineRecords({ ...task, changes }) })
  } catch (error) {
    if (!(error instanceof Rounded) && !isLakeError(error, 'engine-failed')) throw error
    return decodeCut(session, task, { changes, quoteNumbers: error instanceof Rounded })
  }
}

/** Frames are written out as lines with every digit, and stand where they stood. */
async function decodeFrames(session: Session, task: DecodeTask, changes: ChangeSource): Promise<ScannedObject> {
  const path = `${task.base}.frames.ndjson`
  await framesAsJson(task.path, path, changes)
  const records = lineRecords({ ...task, path, changes })
  return decodeEvents(session, task, { changes, records: { ...records, exact: true } })
}

interface Cutting {
  readonly changes: ChangeSource
  readonly quoteNumbers: boolean
}

async function decodeCut(session: Session, task: DecodeTask, cutting: Cutting): Promise<ScannedObject> {
  const { changes } = cutting
  try {
    return await decodeEvents(session, task, { changes, records: (await splitRecordsOf(task, cutting)).records })
  } catch (error) {
    if (!(error instanceof Rounded)) throw error
    return decodeCut(session, task, { changes, quoteNumbers: true })
  }
}

const isTable = ({ contract }: DecodeTask, { shape }: ChangeSource): boolean =>
  shape === 'dms' && contract.dataset.source.format !== 'ndjson'

export interface PlacesTask {
  readonly changes: ChangeSource
  readonly wanted: Ordinals
  readonly sink: PlaceSink
}

/** Looks records up by their ordinals, the way in which the object was decoded. Returns the file that the places refer to. */
export async function placesOfChanges(
  session: Session,
  task: DecodeTask,
  { changes, wanted, sink }: PlacesTask,
): Promise<string> {
  if (isTable(task, changes)) return placesInDmsFile(session, task, { wanted, sink })
  const isFramed = Object.keys(changes.avro).length > 0
  try {
    const { from } = lineRecords({ ...task, changes })
    if (!isFramed) await session.run(sql`SELECT count(*) FROM (${from})`)
    await placesInLines(task.path, wanted, sink)
  } catch (error) {
    if (!isLakeError(error, 'engine-failed')) throw error
    const { path } = await splitRecordsOf(task, { changes, quoteNumbers: false })
    await placesInRecords(session, { path, wanted }, sink)
  }
  return task.path
}

interface Reading {
  readonly changes: ChangeSource
  readonly records: Records
}

/** A glance at the first records says how to read them all; records that are of another kind say so, and then all are looked at first. */
async function decodeEvents(session: Session, task: DecodeTask, reading: Reading): Promise<ScannedObject> {
  const { exact, byLine } = reading.records
  const write = async (isGuess: boolean): Promise<ScannedObject> => {
    const parts = await partsOf(session, task, { ...reading, isGuess })
    return scannedChanges(session, task, await writeChangeRows(session, task, { parts, exact, byLine }))
  }
  try {
    return await write(true)
  } catch (error) {
    if (!(error instanceof Surprised)) throw error
    return write(false)
  }
}

async function partsOf(
  session: Session,
  task: DecodeTask,
  { changes, records, isGuess }: Reading & { readonly isGuess: boolean },
): Promise<ChangeParts> {
  const { contract } = task
  const seen = await glance(session, records, isGuess)
  const schemas = seen.schemaful ? await schemasIn(session, records.from) : []
  const connectors = changes.connector === undefined ? seen.connectors : [changes.connector]
  const wire = (column: ContractColumn): ReturnType<ChangeParts['wire']> =>
    (column.type === 'binary' ? undefined : wireAmong(schemas, column)) ??
    declaredWire(column, { ...changes, connector: connectors[0] })
  const common = {
    changes,
    columns: contract.columns,
    key: keyColumns(contract),
    sought: soughtColumns(task),
    records,
    wire,
  }
  const events = { ...common, schemaful: seen.schemaful, connectors, isGuess }
  if (changes.shape === 'dms') return dmsJson(events)
  if (changes.shape === 'flattened') return flattened(events)
  return connectors.includes('mongodb') ? mongodb(events) : envelope(events)
}

const GLANCE_RECORDS = 200

interface Glance {
  readonly schemaful: boolean
  readonly connectors: readonly Connector[]
}

async function glance(session: Session, records: Records, isGuess: boolean): Promise<Glance> {
  const some = isGuess
    ? sql`SELECT value_text FROM (${records.from}) LIMIT ${GLANCE_RECORDS}`
    : sql`SELECT value_text FROM (${records.from})`
  const [row] = await session.rows(
    sql`SELECT bool_or(contains(value_text, '"payload"')) AS schemaful, list(DISTINCT regexp_extract(value_text, '"connector" *: *"([a-z]+)"', 1)) AS connectors FROM (${some})`,
  )
  const seen = new Set((row?.['connectors'] ?? []) as readonly string[])
  return { schemaful: row?.['schemaful'] === true, connectors: CONNECTORS.filter(each => seen.has(each)) }
}
