import { LakeError } from '../../errors.ts'
import { currentSchema } from '../metadata.ts'
import type { Predicate } from '../predicate.ts'
import { metricsMayMatch, partitionMayMatch, searchFor } from '../pruning.ts'
import { surelyMatches } from '../strict-match.ts'
import type { Table } from '../table.ts'
import type { ScanFile } from '../types.ts'
import { danglingDeletes, type Staged, type StagedExtras, withDefaults } from './staged.ts'

/**
 * Deletes the rows that match by removing whole files, without reading any. `live` are all live files of `base`, with their statistics:
 * `liveFiles(lake, base, { statistics: 'all' })`. Fails with `unsupported` and names a file that may hold both rows that match and rows that
 * do not, because only rewriting it could tell them apart.
 */
export function stageDelete(
  base: Table,
  { live, where }: { readonly live: readonly ScanFile[]; readonly where: readonly Predicate[] },
  extras?: StagedExtras,
): Staged {
  const search = searchFor(base.metadata, currentSchema(base.metadata), where)
  const touched = live.filter(({ file }) => partitionMayMatch(file, search) && metricsMayMatch(file, search))
  const partial = touched.find(({ file }) => !surelyMatches(file, search))
  if (partial)
    throw new LakeError('unsupported', `${base.name}: the rows to delete are not whole files or partitions`, {
      table: base.name,
      file: partial.file.file_path,
      next: 'delete by partition columns, or rewrite the rows of the file that are to stay',
    })
  const removed = touched.map(each => each.file)
  return withDefaults(
    { operation: 'delete', added: [], removed, removedDeletes: danglingDeletes(live, touched) },
    extras,
  )
}
