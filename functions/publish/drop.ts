import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dataset } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { type CommitResult, commit } from '#lake/iceberg/commit.ts'
import { stageRowDelta } from '#lake/iceberg/operations/row-delta.ts'
import type { Lake } from '#lake/lake.ts'
import { ordinalLines, ordinalsSql } from '#lake/quarantine/selection.ts'
import { inSession } from '#lake/quarantine/settle.ts'
import { suppressedBy } from '#lake/quarantine/suppressed.ts'
import { type ReleaseWork, rowDelta } from './release.ts'

/**
 * Takes dropped records out of the table: a release of the same records that was under way may have put them there. The commit is made
 * even when it finds none, because a release that has yet to swap then has to look again, and finds them gone from quarantine.
 */
export async function publishDrop(
  lake: Lake,
  dataset: Dataset,
  { manifest, contribution, commitId }: ReleaseWork,
): Promise<CommitResult> {
  const { rawObjects, summary } = contribution
  const dropped = await suppressedBy(lake, { dataset: dataset.name, drop: manifest.id, rawObjects })
  return commit(lake, dataset.name, { commitId, summary }, base =>
    inSession(lake, async (session, folder) => {
      const path = join(folder, 'dropped.ndjson')
      await writeFile(path, ordinalLines(dropped.map(each => ({ ...each, records: each.taken }))))
      const records = sql`SELECT "object", ordinal FROM (${ordinalsSql(path)})`
      const { delta, extras } = await rowDelta(lake, session, { base, folder, rawObjects, added: [], records })
      return stageRowDelta(delta, extras)
    }),
  )
}
