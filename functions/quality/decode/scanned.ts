import type { Session } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { RecordFiles, type RecordSink, type UnknownKind } from './records.ts'
import { copyFitting, type DecodedObject, type DecodeTask } from './typed-copy.ts'

export interface ScannedObject extends DecodedObject {
  /** Fields outside the contract, with the kind of their values; undefined when they held nothing but null. */
  readonly unknown?: ReadonlyMap<string, UnknownKind | undefined>
}

/** Runs a scanner over the object, then types what it accepted. */
export async function scanned(
  session: Session,
  task: DecodeTask,
  scan: (sink: RecordSink) => Promise<void>,
): Promise<ScannedObject> {
  const files = await RecordFiles.create(task.base)
  try {
    await scan(files)
  } finally {
    await files.close()
  }
  const fitting = await copyFitting(session, task, { path: files.accepted, longestBytes: files.longestBytes })
  return {
    ...fitting,
    refused: [files.refused, ...fitting.refused],
    reasons:
      files.refusedCount === 0 ? fitting.reasons : { ...fitting.reasons, ...(await reasonsOf(session, files.refused)) },
    unknown: files.unknown,
  }
}

async function reasonsOf(session: Session, refused: string): Promise<Readonly<Record<string, number>>> {
  const counts = await session.rows(
    sql`SELECT reason, count(*)::INTEGER AS records FROM read_json(${refused}, format = 'newline_delimited', columns = {reason: 'VARCHAR'}) GROUP BY reason`,
  )
  return Object.fromEntries(counts.map(each => [String(each['reason']), Number(each['records'])]))
}
