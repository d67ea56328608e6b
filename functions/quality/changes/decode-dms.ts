import type { ChangeSource } from '#lake/dataset-changes.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { isLakeError } from '#lake/errors.ts'
import { head, unreadable } from '../decode/inflate.ts'
import type { Ordinals } from '../decode/ordinals.ts'
import type { PlaceSink } from '../decode/records.ts'
import type { ScannedObject } from '../decode/scanned.ts'
import type { DecodeTask } from '../decode/typed-copy.ts'
import { writeChangeRows } from './change-rows.ts'
import { type DmsRows, dmsCsv, scanDmsCsv } from './dms-csv.ts'
import { dmsFile } from './dms-file.ts'
import { dmsParquet, parquetAsLines } from './dms-parquet.ts'
import { dmsTable } from './dms-table.ts'
import { placesInLines, placesInRecords } from './refused.ts'
import { scannedChanges } from './scanned-changes.ts'

/** A file of DMS into change rows: what it holds, its name says. */
export async function decodeDmsFile(session: Session, task: DecodeTask, changes: ChangeSource): Promise<ScannedObject> {
  const file = dmsFile(task.object.sourceUri)
  const decode = async (rows: DmsRows): Promise<ScannedObject> => {
    const parts = dmsTable({ changes, columns: task.contract.columns, file, rows })
    const decoded = await writeChangeRows(session, task, { parts, exact: true, byLine: rows.byLine })
    const refused = Object.keys(decoded.outcomes).length > 1
    const plain = rows.byLine && refused ? await parquetAsLines(session, task) : task.path
    return scannedChanges(session, { ...task, path: plain }, decoded)
  }
  if (await isParquet(task)) return decode(await dmsParquet(session, task))
  try {
    const rows = await dmsCsv(task, { changes, file, strict: true })
    const decoded = await decode(rows)
    // Places come with rows that were taken one by one.
    if (decoded.refused.length === 0 || file.kind === 'transactions') return decoded
  } catch (error) {
    if (!isLakeError(error, 'engine-failed')) throw error
  }
  return decode(await dmsCsv(task, { changes, file, strict: false }))
}

async function isParquet(task: DecodeTask): Promise<boolean> {
  if ((await head(task.path, 4)).toString('latin1') === 'PAR1') return true
  if (task.contract.dataset.source.format === 'parquet')
    throw unreadable('format_mismatch', 'the file is declared to be parquet, but does not begin like it')
  return false
}

export async function placesInDmsFile(
  session: Session,
  task: DecodeTask,
  { wanted, sink }: { readonly wanted: Ordinals; readonly sink: PlaceSink },
): Promise<string> {
  if (await isParquet(task)) {
    const lines = await parquetAsLines(session, task)
    await placesInLines(lines, wanted, sink)
    return lines
  }
  await placesInRecords(session, { path: await scanDmsCsv(task), wanted }, sink)
  return task.path
}
