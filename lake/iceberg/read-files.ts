import type { Sql } from '../duckdb/sql.ts'
import type { Lake } from '../lake.ts'
import { mapParallel } from '../parallel.ts'
import { readSql } from './read-sql.ts'
import type { LiveFile, ScanFile, Schema } from './types.ts'

/** A data file of a table on local disk, with the delete files that apply to it. */
export interface LocalFile {
  readonly path: string
  readonly live: ScanFile
  readonly deletes: readonly LocalDelete[]
}

export interface LocalDelete {
  readonly path: string
  readonly live: LiveFile
}

const FILES_AT_ONCE = 4

/** Brings data files and their deletes to local disk. A path may be the stored object itself: never write to it. */
export async function stageFiles(
  lake: Lake,
  files: readonly ScanFile[],
  folder: string,
): Promise<readonly LocalFile[]> {
  return mapParallel(files, FILES_AT_ONCE, async live => ({
    path: (await lake.storage.stage(live.file.file_path, folder)).path,
    live,
    deletes: [],
  }))
}

/** A SELECT of the live rows of local data files under a schema: all rows but the deleted. `places` as in `readSql`. */
export function scanSql(schema: Schema, files: readonly LocalFile[], options: { readonly places?: boolean } = {}): Sql {
  return readSql(
    schema,
    files.map(file => file.path),
    options,
  )
}
