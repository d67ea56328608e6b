import { appliedSnapshots } from './iceberg/metadata.ts'
import type { TableMetadata } from './iceberg/types.ts'

/** Of a snapshot that an erasure has made: when rows had come last before it. All older snapshots expire with it, and nothing else would tell. */
const NEWS_MS = 'sluice.news-ms'

/** When rows came last. A rewrite of the same rows is not news, nor is an erasure; what only older, expired snapshots knew was earlier than all that are left. */
export function newsMs(metadata: TableMetadata): number | undefined {
  const known = appliedSnapshots(metadata)
  const news = known.find(({ summary }) => summary[NEWS_MS] !== undefined || summary['operation'] !== 'replace')
  const told = Number(news?.summary[NEWS_MS] ?? Number.NaN)
  return Number.isNaN(told) ? (news ?? known.at(-1))?.['timestamp-ms'] : told
}

/** What an erasure says in its snapshot. */
export function erasureSummary(metadata: TableMetadata): Readonly<Record<string, string>> {
  const ms = newsMs(metadata)
  return { 'sluice.erased': 'true', ...(ms === undefined ? {} : { [NEWS_MS]: String(ms) }) }
}
