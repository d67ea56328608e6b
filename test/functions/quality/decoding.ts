import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decode, openPlain } from '#functions/quality/decode/decode.ts'
import type { RefusedRecord } from '#functions/quality/decode/records.ts'
import type { ScannedObject } from '#functions/quality/decode/scanned.ts'
import type { DecodeTask } from '#functions/quality/decode/typed-copy.ts'
import type { RawObject } from '#lake/batch.ts'
import { type Column, type Dataset, tableColumns } from '#lake/dataset.ts'
import { duckdbEngine, type Row, type Session } from '#lake/duckdb/engine.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { evolveSchema } from '#lake/iceberg/schema.ts'

export const OBJECT: RawObject = {
  id: '01JD6PZ0000000000000000000',
  uri: 'file:///raw/x',
  version: '1',
  bytes: 1,
  sha256: '',
  sourceUri: 'file:///landing/x',
  sourceVersion: '1',
  landedMs: Date.UTC(2026, 0, 2, 3, 4, 5),
  contractVersion: 1,
}

export interface Decoded extends ScannedObject {
  readonly table: readonly Row[]
  readonly refusals: readonly (RefusedRecord & { readonly raw: string })[]
}

export interface DecodingOptions {
  readonly select?: Sql
  /** Columns that evolution has added to the table. */
  readonly added?: readonly Column[]
  readonly decoder?: (session: Session, task: DecodeTask) => Promise<ScannedObject>
}

/** Decodes bytes as one raw object of the dataset; rows come back without the lineage that is the same for all. */
export async function decoded(
  dataset: Dataset,
  bytes: string | Uint8Array,
  options: DecodingOptions = {},
): Promise<Decoded> {
  return inSession((session, folder) => decodedIn({ session, folder }, dataset, { bytes, ...options }))
}

const whole = async (session: Session, task: DecodeTask): Promise<ScannedObject> =>
  decode(session, await openPlain(task))

let files = 0

export async function decodedIn(
  { session, folder }: { readonly session: Session; readonly folder: string },
  dataset: Dataset,
  options: DecodingOptions & { readonly bytes: string | Uint8Array },
): Promise<Decoded> {
  const { select = sql`* EXCLUDE (_raw_object, _ingested_at)`, added = [], decoder = whole } = options
  const path = join(folder, `object-${++files}`)
  await writeFile(path, options.bytes)
  const result = await decoder(session, {
    object: OBJECT,
    contract: {
      dataset,
      columns: [
        ...dataset.columns.map(column => ({ ...column, soft: false })),
        ...added.map(column => ({ ...column, soft: true })),
      ],
    },
    schema: evolveSchema(undefined, [...tableColumns(dataset), ...added]).schema,
    path,
    base: `${path}-0`,
  })
  const table = result.rows
    ? await session.rows(sql`SELECT ${select} FROM read_parquet(${result.rows.path}) ORDER BY _raw_row`)
    : []
  return { ...result, table, refusals: await refusalsOf(result) }
}

async function refusalsOf(result: ScannedObject): Promise<Decoded['refusals']> {
  if (Object.keys(result.reasons).length === 0) return []
  const plain = await readFile(result.plain)
  const lines = await Promise.all(
    result.refused.map(async file => (await readFile(file, 'utf8')).split('\n').filter(line => line !== '')),
  )
  return lines
    .flat()
    .map(line => JSON.parse(line) as RefusedRecord)
    .map(record => ({
      ...record,
      raw: plain.subarray(record.offset, record.offset + record.length).toString('latin1'),
    }))
    .toSorted((left, right) => left.ordinal - right.ordinal)
}

export async function inSession<T>(work: (session: Session, folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-decode-'))
  const session = await duckdbEngine.open({ threads: 1, memoryBytes: 500_000_000, folders: [folder], scratch: folder })
  try {
    return await work(session, folder)
  } finally {
    await session.close()
    await rm(folder, { recursive: true, force: true })
  }
}
