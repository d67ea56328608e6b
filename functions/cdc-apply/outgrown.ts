import { LakeError } from '#lake/errors.ts'
import { projected } from '#lake/iceberg/stage-columns.ts'
import type { ScanFile } from '#lake/iceberg/types.ts'
import type { Attempt } from './task.ts'

/** What of the table a merge looks at to find rows and to guard them. */
export const guardColumns = ({ publish }: Pick<Attempt, 'publish'>): readonly string[] => [
  ...publish.key,
  ...['_version', '_place', '_authors'],
  ...(publish.deletes === 'soft' ? ['_deleted'] : []),
]

/**
 * Fails with `outgrown` before columns of files are fetched, or whole files, that are more, together with the change rows, than one function
 * is to read: they have to fit its disk, and to be read within its time. Nothing of the batch has been committed by then.
 */
export function refuseOutgrown(
  { changes, bytesMax, schema, dataset }: Attempt,
  files: readonly ScanFile[],
  names?: readonly string[],
): void {
  const ids = names === undefined ? undefined : projected(schema, names).fields.map(({ id }) => id)
  const bytes = files.reduce((sum, file) => sum + bytesOf(file, ids), changes.bytes)
  if (bytes <= bytesMax) return
  throw new LakeError('outgrown', `the merge would read ${bytes} bytes, and ${bytesMax} is the bound`, {
    table: dataset.name,
    bytes,
    bytesMax,
  })
}

/** As the manifest tells them; the whole file where its writer told no sizes. */
function bytesOf({ file }: ScanFile, ids: readonly number[] | undefined): number {
  if (ids === undefined || file.column_sizes.size === 0) return Number(file.file_size_in_bytes)
  return ids.reduce((sum, id) => sum + Number(file.column_sizes.get(id) ?? 0n), 0)
}
