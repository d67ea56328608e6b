import type { RawObject } from '#lake/batch.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { type ErasedObject, ordinalsOf } from '#lake/erasure.ts'
import { LakeError } from '#lake/errors.ts'
import { copyToParquet } from '#lake/iceberg/data-file.ts'
import type { Schema } from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'
import { ELSEWHERE, ROW, SKIPPED } from './changes/change-rows.ts'
import { linesOf } from './decode/lines.ts'
import { LineFile, type RefusedRecord } from './decode/records.ts'
import type { ScannedObject } from './decode/scanned.ts'
import { ROW_GROUP_ROWS } from './decode/typed-copy.ts'

/** Brings a raw object to local disk. One that an erasure has rewritten is another version than its manifest names, and has other bytes. */
export async function stageRaw(
  lake: Lake,
  folder: string,
  { object, erased }: { readonly object: RawObject; readonly erased: ErasedObject | undefined },
): Promise<string> {
  if (erased === undefined) {
    const { version, sha256 } = object
    return (await lake.storage.stage(object.uri, folder, { version, sha256 })).path
  }
  const staged = await lake.storage.stage(object.uri, folder)
  if (erased.sha256s.includes(staged.sha256)) return staged.path
  throw new LakeError('checksum', `${object.uri} has neither the bytes that landed nor those of its last erasure`, {
    uri: object.uri,
  })
}

/** What of a decoded object was not erased; the others keep their ordinals, for a record was put in the place of each that went. */
export async function withoutErased(
  session: Session,
  decoded: ScannedObject,
  { erased, schema }: { readonly erased: ErasedObject; readonly schema: Schema },
): Promise<ScannedObject> {
  const ordinals = ordinalsOf(erased)
  if (decoded.records !== undefined) return changesWithout(session, decoded, ordinals)
  const rows = decoded.rows && (await keptRows(session, decoded.rows.path, { ordinals, schema }))
  const refused = await keptRefusals(decoded.refused, ordinals)
  return {
    ...decoded,
    rows: rows && rows.rows > 0 ? rows : undefined,
    applied: rows?.rows ?? 0,
    refused: refused.files,
    reasons: refused.reasons,
  }
}

/** Every record of a stream of changes is in one file, with what became of it. */
async function changesWithout(
  session: Session,
  decoded: ScannedObject,
  ordinals: ReadonlySet<number>,
): Promise<ScannedObject> {
  const path = `${decoded.records}.kept.parquet`
  await session.run(
    sql`COPY (SELECT * FROM read_parquet(${decoded.records as string}, hive_partitioning = FALSE) WHERE NOT list_contains(${[...ordinals]}, _raw_row)) TO ${path} (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE ${ROW_GROUP_ROWS})`,
  )
  const counts = await session.rows(
    sql`SELECT _outcome AS outcome, count(*)::INTEGER AS records FROM read_parquet(${path}) GROUP BY 1`,
  )
  const count = (outcome: string): number => Number(counts.find(each => each['outcome'] === outcome)?.['records'] ?? 0)
  const refused = await keptRefusals(decoded.refused, ordinals)
  const applied = count(ROW)
  return {
    ...decoded,
    ...{ rows: applied === 0 ? undefined : { path, rows: applied, bytes: 0, stats: {} }, records: path },
    ...{ applied, skipped: count(SKIPPED), elsewhere: count(ELSEWHERE) },
    ...{ refused: refused.files, reasons: refused.reasons },
  }
}

function keptRows(
  session: Session,
  path: string,
  { ordinals, schema }: { readonly ordinals: ReadonlySet<number>; readonly schema: Schema },
) {
  const source = sql`SELECT * FROM read_parquet(${path}, hive_partitioning = FALSE) WHERE NOT list_contains(${[...ordinals]}, _raw_row)`
  return copyToParquet(session, { source, schema, path: `${path}.kept.parquet`, rowGroupRows: ROW_GROUP_ROWS })
}

async function keptRefusals(
  files: readonly string[],
  ordinals: ReadonlySet<number>,
): Promise<{ readonly files: readonly string[]; readonly reasons: Readonly<Record<string, number>> }> {
  const kept: string[] = []
  const reasons = new Map<string, number>()
  for (const file of files) {
    const lines = await LineFile.create(`${file}.kept`)
    for await (const { bytes } of linesOf(file)) {
      const { ordinal, reason } = JSON.parse(bytes.toString('utf8')) as RefusedRecord
      if (ordinals.has(Number(ordinal))) continue
      lines.write(`${bytes.toString('utf8')}\n`)
      await lines.drain()
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    }
    await lines.close()
    kept.push(lines.path)
  }
  return { files: kept, reasons: Object.fromEntries(reasons) }
}
