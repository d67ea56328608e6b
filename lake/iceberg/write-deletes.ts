import { mkdir } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import type { Session } from '../duckdb/engine.ts'
import { ident, type Sql, sql } from '../duckdb/sql.ts'
import { assert } from '../errors.ts'
import { copiedFile, copyOptions, describeDataFile } from './data-file.ts'
import { partitionKeyOf } from './operations/overwrite.ts'
import { DELETE_FILE_PATH } from './scan-deletes.ts'
import type { DataFile, Schema } from './types.ts'
import { toBinary } from './value.ts'
import type { WrittenFile } from './write-files.ts'

const DELETE_POSITION = 2147483545

/** What a position delete file holds (spec, "Position Delete Files"); the ids are reserved. */
export const POSITION_DELETES: Schema = {
  type: 'struct',
  'schema-id': 0,
  fields: [
    { id: DELETE_FILE_PATH, name: 'file_path', required: true, type: 'string' },
    { id: DELETE_POSITION, name: 'pos', required: true, type: 'long' },
  ],
}

export interface PositionDeletes {
  /** A SELECT of `file_path`, the URI of a data file, and `pos`, the number of a row in it from 0. A row may come up more than once. */
  readonly source: Sql
  /** The data files that the rows are of. */
  readonly files: readonly DataFile[]
  /** A local folder of the caller's own, within the session's folders. */
  readonly folder: string
}

/**
 * Writes position delete files, sorted by file and position, one for each partition and spec that has any. `placeFiles` uploads them under a
 * name of their own. The positions stay in DuckDB, in a temporary table that spills like any other.
 */
export async function writePositionDeletes(session: Session, task: PositionDeletes): Promise<readonly WrittenFile[]> {
  if (task.files.length === 0) return []
  await mkdir(task.folder, { recursive: true })
  const files = numbered(task.files)
  const [places, positions] = [ident('sluice_delete_files'), ident('sluice_deletes')]
  try {
    await session.run(placesTable(places, files))
    await session.run(
      sql`CREATE OR REPLACE TEMP TABLE ${positions} AS SELECT DISTINCT f.part, f.number, CAST(d.pos AS BIGINT) AS pos FROM (${task.source}) d LEFT JOIN ${places} f ON f.file_path = d.file_path`,
    )
    const parts = await session.rows(
      sql`SELECT part, min(number) AS first, max(number) AS last, min(pos) AS low, max(pos) AS high FROM ${positions} GROUP BY part ORDER BY part`,
    )
    const written: WrittenFile[] = []
    for (const part of parts) {
      assert(part['part'] !== null, 'every position is of a file that the caller named')
      const at = (name: string): NumberedFile => files[Number(part[name])] as NumberedFile
      const range = {
        first: at('first').file,
        last: at('last').file,
        low: bigint(part['low']),
        high: bigint(part['high']),
      }
      written.push(await writePart(session, task, { part: Number(part['part']), places, positions, range }))
    }
    return written
  } finally {
    await session.run(sql`DROP TABLE IF EXISTS ${positions}`)
    await session.run(sql`DROP TABLE IF EXISTS ${places}`)
  }
}

const bigint = (cell: unknown): bigint => BigInt(String(cell))

interface NumberedFile {
  readonly file: DataFile
  /** Which delete file it belongs to. */
  readonly part: number
}

/** In the order of their paths, byte by byte, so that sorting by number is sorting by path. */
function numbered(files: readonly DataFile[]): readonly NumberedFile[] {
  const distinct = [...new Map(files.map(file => [file.file_path, file])).values()]
  const keys = new Map<string, number>()
  return distinct
    .toSorted((left, right) => Buffer.compare(Buffer.from(left.file_path), Buffer.from(right.file_path)))
    .map(file => {
      const key = partitionKeyOf(file)
      const part = keys.get(key) ?? keys.size
      keys.set(key, part)
      return { file, part }
    })
}

function placesTable(name: Sql, files: readonly NumberedFile[]): Sql {
  const paths = files.map(({ file }) => file.file_path)
  const parts = files.map(({ part }) => part)
  return sql`CREATE OR REPLACE TEMP TABLE ${name} AS SELECT unnest(range(${files.length})) AS number, unnest(${paths}) AS file_path, unnest(${parts}) AS part`
}

interface Part {
  readonly part: number
  readonly places: Sql
  readonly positions: Sql
  readonly range: { readonly first: DataFile; readonly last: DataFile; readonly low: bigint; readonly high: bigint }
}

async function writePart(
  session: Session,
  { folder }: PositionDeletes,
  { part, places, positions, range }: Part,
): Promise<WrittenFile> {
  const path = joinPath(folder, `deletes-${part}.parquet`)
  const select = sql`SELECT f.file_path, d.pos FROM ${positions} d JOIN ${places} f ON f.number = d.number WHERE d.part = ${part} ORDER BY d.number, d.pos`
  const [stats] = await session.rows(sql`COPY (${select}) TO ${path} (${copyOptions(POSITION_DELETES)})`)
  assert(stats, 'COPY … RETURN_STATS gives one row for each file')
  const copied = copiedFile(stats)
  const { first, last, low, high } = range
  const described = await describeDataFile(session, copied, {
    schema: POSITION_DELETES,
    specId: first.spec_id,
    partition: first.partition,
  })
  return {
    ...copied,
    file: {
      ...described,
      content: 1,
      // The whole paths: readers tell by them which data files a delete file is of, and a cut one would be of many more.
      lower_bounds: bounds(first.file_path, low),
      upper_bounds: bounds(last.file_path, high),
      sort_order_id: null,
      referenced_data_file: first === last ? first.file_path : null,
    },
  }
}

const bounds = (path: string, position: bigint): ReadonlyMap<number, Buffer> =>
  new Map([
    [DELETE_FILE_PATH, toBinary('string', path)],
    [DELETE_POSITION, toBinary('long', position)],
  ])
