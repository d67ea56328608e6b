import { type ExpireReport, expireSnapshots } from '#lake/expire.ts'
import type { Lake, TableName } from '#lake/lake.ts'
import { tableRequest } from '#lake/table-request.ts'
import { type ManifestsReport, rewriteManifests } from './manifests.ts'

export { type ExpireReport, expireSnapshots } from '#lake/expire.ts'
export { type ManifestsReport, rewriteManifests } from './manifests.ts'

/** The answer for a table that is not there and need not be. */
export interface Absent {
  readonly table: TableName
  readonly absent: true
}

/**
 * One step of looking after one table: `{ action, table, dryRun?, ifExists? }`. Both commit metadata and delete nothing; what they leave behind is for
 * the sweeper, which cannot commit.
 */
export async function maintain(lake: Lake, event: unknown): Promise<ExpireReport | ManifestsReport | Absent> {
  const request = tableRequest(['expire', 'manifests'], event)
  if (request.ifExists && (await lake.catalog.load(request.table)) === undefined)
    return { table: request.table, absent: true }
  switch (request.action) {
    case 'expire':
      return expireSnapshots(lake, request)
    case 'manifests':
      return rewriteManifests(lake, request)
  }
}
