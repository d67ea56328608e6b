import type { ChangeSource } from '#lake/dataset-changes.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { isLakeError } from '#lake/errors.ts'
import type { ContractColumn } from '../contract.ts'
import type { Ordinals } from '../decode/ordinals.ts'
import type { PlaceSink } from '../decode/records.ts'
import type { ScannedObject } from '../decode/scanned.ts'
import type { DecodeTask } from '../decode/typed-copy.ts'
import { keyColumns, Rounded, writeChangeRows } from './change-rows.ts'
import { schemasIn, wireAmong } from './connect-schema.ts'
import { decodeDmsFile, placesInDmsFile } from './decode-dms.ts'
import { dmsJson } from './dms-json.ts'
import { envelope } from './envelope.ts'
import { flattened } from './flattened.ts'
import { mongodb } from './mongodb.ts'
import type { ChangeParts } from './parts.ts'
import { lineRecords, type Records, splitRecordsOf } from './records.ts'
import { placesInLines, placesInRecords } from './refused.ts'
import { scannedChanges } from './scanned-changes.ts'
import { declaredWire } from './wire.ts'

/**
 * One plain object of change events into change rows, in three speeds: records as DuckDB reads them; cut out one by one where some are none;
 * and with numbers as text where one has more digits than a double holds.
 */
export async function decodeChanges(session: Session, task: DecodeTask, changes: ChangeSource): Promise<ScannedObject> {
  if (isTable(task, changes)) return decodeDmsFile(session, task, changes)
  try {
    return await decodeEvents(session, task, { changes, records: lineRecords({ ...task, changes }) })
  } catch (error) {
    if (!(error instanceof Rounded) && !isLakeError(error, 'engine-failed')) throw error
    return decodeCut(session, task, { changes, quoteNumbers: error instanceof Rounded })
  }
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
  try {
    const { from } = lineRecords({ ...task, changes })
    await session.run(sql`SELECT count(*) FROM (${from})`)
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

async function decodeEvents(session: Session, task: DecodeTask, { changes, records }: Reading): Promise<ScannedObject> {
  const parts = await partsOf(session, task, { changes, records })
  const { exact, byLine } = records
  return scannedChanges(session, task, await writeChangeRows(session, task, { parts, exact, byLine }))
}

async function partsOf(session: Session, task: DecodeTask, { changes, records }: Reading): Promise<ChangeParts> {
  const { contract } = task
  const seen = await glance(session, records)
  const schemas = seen.schemaful ? await schemasIn(session, records.from) : []
  const wire = (column: ContractColumn): ReturnType<ChangeParts['wire']> =>
    wireAmong(schemas, column) ?? declaredWire(column, changes)
  const events = {
    changes,
    columns: contract.columns,
    key: keyColumns(contract),
    records,
    schemaful: seen.schemaful,
    wire,
  }
  if (changes.shape === 'dms') return dmsJson(events)
  if (changes.shape === 'flattened') return flattened(events)
  const isMongo = changes.connector === 'mongodb' || (changes.connector === undefined && seen.mongodb)
  return isMongo ? mongodb(events) : envelope(events)
}

interface Glance {
  readonly schemaful: boolean
  readonly mongodb: boolean
}

/** What decides how an object is read: searched as text, at the speed of memory. */
async function glance(session: Session, records: Records): Promise<Glance> {
  const [row] = await session.rows(
    sql`SELECT bool_or(contains(value_text, '"payload"')) AS schemaful, bool_or(contains(value_text, '"mongodb"')) AS mongodb FROM (${records.from})`,
  )
  return { schemaful: row?.['schemaful'] === true, mongodb: row?.['mongodb'] === true }
}
