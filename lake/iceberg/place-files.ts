import { sha256File } from '../file-hash.ts'
import type { Lake } from '../lake.ts'
import { mapParallel } from '../parallel.ts'
import { dataFileUri, type Table } from './table.ts'
import type { DataFile } from './types.ts'
import type { WrittenFile } from './write-files.ts'

const FILES_AT_ONCE = 4

/** Uploads written files to their place in the table, as `<name>-<number>.parquet`; `name` must be unique to this piece of work. */
export async function placeFiles(
  lake: Lake,
  table: Table,
  written: readonly WrittenFile[],
  name: string,
): Promise<readonly DataFile[]> {
  return mapParallel(written, FILES_AT_ONCE, async ({ path, file }, index) => {
    const uri = dataFileUri(table, file, `${name}-${String(index).padStart(5, '0')}.parquet`)
    await lake.storage.upload(path, uri, { sha256: await sha256File(path) })
    return { ...file, file_path: uri }
  })
}
