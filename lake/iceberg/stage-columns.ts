import { rm } from 'node:fs/promises'
import { beginSparse, fillSparse, type SparseFile, wantedRanges } from '../duckdb/sparse.ts'
import type { Lake } from '../lake.ts'
import { mapParallel } from '../parallel.ts'
import { type FileField, type FileLayout, fieldsBelow, layoutOf } from './file-layout.ts'
import { type LocalFile, localDeletes, stageDeletes, stageFiles } from './read-files.ts'
import { columnByName } from './schema.ts'
import type { ScanFile, Schema } from './types.ts'

export interface ColumnStaging {
  readonly folder: string
  /** Field ids; a field inside a column brings the whole column. */
  readonly columns: readonly number[]
}

const FILES_AT_ONCE = 4

/**
 * Brings some columns of data files to local disk, and their deletes whole: to be read under a schema that has no other columns
 * (`projected`), for what was not fetched fails when it is read. Files of a local folder are handed out as they are stored.
 */
export async function stageColumns(
  lake: Lake,
  files: readonly ScanFile[],
  { folder, columns }: ColumnStaging,
): Promise<readonly LocalFile[]> {
  if (lake.storage.folders.length > 0) return stageFiles(lake, files, folder)
  const deletes = await stageDeletes(lake, files, folder)
  return mapParallel(files, FILES_AT_ONCE, async live => {
    const sparse = await beginSparse(lake.storage, live.file.file_path, folder)
    const wanted = new Set([...columns, ...comparedColumns(live)])
    const path = (sparse && (await filled(lake, sparse, { live, wanted }))) ?? (await stageWhole(lake, live, folder))
    return { path, live, deletes: localDeletes(live, deletes), layout: layoutOf(path, live) }
  })
}

/** The schema with some of its columns only; fails with `contract-broken` when it lacks one. */
export function projected(schema: Schema, names: readonly string[]): Schema {
  const ids = new Set(names.map(name => columnByName(schema, name).id))
  return { ...schema, fields: schema.fields.filter(field => ids.has(field.id)) }
}

/** How many bytes of data files `stageColumns` fetches: footers and chunks, or whole files. */
export async function columnBytes(lake: Lake, files: readonly ScanFile[], staging: ColumnStaging): Promise<bigint> {
  const sizes = await mapParallel(files, FILES_AT_ONCE, async live => {
    const sparse = await beginSparse(lake.storage, live.file.file_path, staging.folder)
    if (sparse === undefined) return live.file.file_size_in_bytes
    const wanted = new Set([...staging.columns, ...comparedColumns(live)])
    const ranges = wantedRanges(sparse, holderOf(layoutOf(sparse.path, live), wanted))
    await rm(sparse.path)
    if (ranges === undefined) return live.file.file_size_in_bytes
    return BigInt(ranges.reduce((sum, { start, end }) => sum + end - start, sparse.footerBytes))
  })
  return sizes.reduce((sum, bytes) => sum + bytes, 0n)
}

async function filled(
  lake: Lake,
  sparse: SparseFile,
  { live, wanted }: { readonly live: ScanFile; readonly wanted: ReadonlySet<number> },
): Promise<string | undefined> {
  const columns = holderOf(layoutOf(sparse.path, live), wanted)
  return (await fillSparse(lake.storage, sparse, columns)) ? sparse.path : undefined
}

async function stageWhole(lake: Lake, live: ScanFile, folder: string): Promise<string> {
  return (await lake.storage.stage(live.file.file_path, folder)).path
}

/** Equality deletes compare columns that the caller may not have asked for. */
const comparedColumns = ({ deletes }: ScanFile): readonly number[] =>
  deletes.flatMap(({ file }) => file.equality_ids ?? [])

/** Tells by its name in the file whether a column is wanted or holds a field that is. */
function holderOf({ fields }: FileLayout, wanted: ReadonlySet<number>): (name: string) => boolean {
  const isWanted = (field: FileField): boolean =>
    (field.id !== undefined && wanted.has(field.id)) || fieldsBelow(field.type).some(isWanted)
  const names = new Set(fields.filter(isWanted).map(field => field.name))
  return name => names.has(name)
}
