import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeChanges } from '#functions/quality/changes/decode-changes.ts'
import type { RefusedRecord } from '#functions/quality/decode/records.ts'
import { type Dataset, tableColumns } from '#lake/dataset.ts'
import type { ChangeSource } from '#lake/dataset-changes.ts'
import type { Row } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { evolveSchema } from '#lake/iceberg/schema.ts'
import { inSession, OBJECT } from './decoding.ts'

export interface Changed {
  readonly rows: readonly Row[]
  readonly reasons: Readonly<Record<string, number>>
  readonly skipped: number
  readonly elsewhere: number
  readonly refused: readonly (RefusedRecord & { readonly raw: string })[]
}

/** Decodes records, one a line, or the bytes of a file, as one raw object of the dataset. */
export async function changesOf(
  dataset: Dataset,
  records: readonly string[] | Uint8Array,
  key = 'stream.ndjson',
): Promise<Changed> {
  return inSession(async (session, folder) => {
    const path = join(folder, 'object')
    await writeFile(path, records instanceof Uint8Array ? records : `${records.join('\n')}\n`)
    const scanned = await decodeChanges(
      session,
      {
        object: { ...OBJECT, sourceUri: `file:///landing/${key}` },
        contract: { dataset, columns: dataset.columns.map(column => ({ ...column, soft: false })) },
        schema: evolveSchema(undefined, tableColumns(dataset)).schema,
        path,
        base: `${path}-0`,
      },
      dataset.source.changes as ChangeSource,
    )
    const rows = scanned.rows
      ? await session.rows(
          sql`SELECT * FROM read_parquet(${scanned.rows.path}) WHERE _outcome = 'row' ORDER BY _raw_row`,
        )
      : []
    const plain = await readFile(scanned.plain)
    const lines = (await Promise.all(scanned.refused.map(file => readFile(file, 'utf8')))).join('').split('\n')
    const refused = lines
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as RefusedRecord)
      .map(each => ({ ...each, raw: plain.toString('utf8', each.offset, each.offset + each.length) }))
      .toSorted((left, right) => left.ordinal - right.ordinal)
    return { rows, reasons: scanned.reasons, skipped: scanned.skipped ?? 0, elsewhere: scanned.elsewhere ?? 0, refused }
  })
}
