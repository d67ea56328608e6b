import { join, type Sql, sql } from '../duckdb/sql.ts'
import { assert } from '../errors.ts'
import type { Lake, Uri } from '../lake.ts'
import { mapParallel } from '../parallel.ts'
import { rowsOf, undeletedSql } from './delete-sql.ts'
import { layoutOf } from './file-layout.ts'
import type { LocalDelete, LocalFile } from './local-file.ts'
import { readSql } from './read-sql.ts'
import type { ScanFile, Schema } from './types.ts'

export type { LocalDelete, LocalFile } from './local-file.ts'

const FILES_AT_ONCE = 4
/** A manifest has no checksum to compare with. */
const UNHASHED = { unhashed: true } as const

/** Brings data files and their deletes to local disk. A path may be the stored object itself: never write to it. */
export async function stageFiles(
  lake: Lake,
  files: readonly ScanFile[],
  folder: string,
): Promise<readonly LocalFile[]> {
  const deletes = await stageDeletes(lake, files, folder)
  return mapParallel(files, FILES_AT_ONCE, async live => {
    const { path } = await lake.storage.stage(live.file.file_path, folder, UNHASHED)
    return { path, live, deletes: localDeletes(live, deletes), layout: layoutOf(path, live) }
  })
}

/** The delete files of data files, by URI, each staged once however many data files it applies to. */
export async function stageDeletes(
  lake: Lake,
  files: readonly ScanFile[],
  folder: string,
): Promise<ReadonlyMap<Uri, LocalDelete>> {
  const distinct = new Map(files.flatMap(live => live.deletes).map(live => [live.file.file_path, live]))
  const staged = await mapParallel([...distinct.values()], FILES_AT_ONCE, async live => {
    const { path } = await lake.storage.stage(live.file.file_path, folder, UNHASHED)
    return { path, live, layout: layoutOf(path, live) }
  })
  return new Map(staged.map(local => [local.live.file.file_path, local]))
}

export function localDeletes(live: ScanFile, staged: ReadonlyMap<Uri, LocalDelete>): readonly LocalDelete[] {
  return live.deletes.map(({ file }) => {
    const local = staged.get(file.file_path)
    assert(local, 'every delete file was staged')
    return local
  })
}

/** A SELECT of the live rows of local data files under a schema: all rows but the deleted. `places` as in `readSql`. */
export function scanSql(schema: Schema, files: readonly LocalFile[], options: { readonly places?: boolean } = {}): Sql {
  const hit = files.filter(file => file.deletes.length > 0)
  if (hit.length === 0) return plainSql(schema, files, options)
  const rest = files.filter(file => file.deletes.length === 0)
  const live = undeletedSql(schema, hit, options)
  return rest.length === 0 ? live : join([plainSql(schema, rest, options), sql`(${live})`], ' UNION ALL ')
}

function plainSql(schema: Schema, files: readonly LocalFile[], options: { readonly places?: boolean }): Sql {
  const paths = files.map(file => file.path)
  const layouts = new Map(files.map(file => [file.path, file.layout]))
  return readSql(schema, paths, { ...options, layouts, rows: rowsOf(files) })
}
