import { rm } from 'node:fs/promises'
import type { Session } from '#lake/duckdb/engine.ts'
import { RecordFiles, type RecordSink, type UnknownKind } from './records.ts'
import { copyFitting, type DecodedObject, type DecodeTask, reasonsOf } from './typed-copy.ts'

export interface ScannedObject extends DecodedObject {
  /** Fields outside the contract, with the kind of their values; undefined when they held nothing but null. */
  readonly unknown?: ReadonlyMap<string, UnknownKind | undefined>
  /** Records of a change stream that are no rows, and those of tables that the dataset does not hold. */
  readonly skipped?: number
  readonly elsewhere?: number
  /** All records of a change stream, those that are no rows among them. */
  readonly records?: string
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
  const { accepted: path, acceptedCount: records, longestBytes } = files
  const fitting = await copyFitting(session, task, { path, records, longestBytes })
  await rm(path)
  const refused = files.refusedCount === 0 ? {} : await reasonsOf(session, files.refused)
  return {
    ...fitting,
    refused: [files.refused, ...fitting.refused],
    reasons: sum(fitting.reasons, refused),
    unknown: files.unknown,
  }
}

/** A reason may come from the scanner and from the contract. */
function sum(left: DecodedObject['reasons'], right: DecodedObject['reasons']): DecodedObject['reasons'] {
  const total = new Map(Object.entries(left))
  for (const [reason, count] of Object.entries(right)) total.set(reason, (total.get(reason) ?? 0) + count)
  return Object.fromEntries(total)
}
