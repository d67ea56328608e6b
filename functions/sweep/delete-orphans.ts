import { isLakeError } from '#lake/errors.ts'
import type { LiveFiles } from '#lake/iceberg/live-files.ts'
import type { Lake } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import { type Amount, amountOf, type Orphan } from './sort-out.ts'

export interface Deletion {
  readonly deleted: Amount
  /** Taken up by a commit after they were listed. */
  readonly spared: Amount
  readonly failed: { readonly files: number; readonly reasons: readonly string[] }
  /** So many failed that going on made no sense. */
  readonly stopped: boolean
}

/** So few that a commit which lands after the catalog was asked is as good as one that lands after the sweep. */
const CHUNK = 1_000
const DELETES_AT_ONCE = 16
const FAILURES_MAX = 1_000
const REASONS_MAX = 5

/** Before every thousand the catalog is asked again. An object that cannot be deleted keeps none of the others. */
export async function deleteOrphans(
  lake: Lake,
  orphans: readonly Orphan[],
  { live, onDeleted }: { readonly live: LiveFiles; readonly onDeleted: (files: number) => void },
): Promise<Deletion> {
  const deleted: Orphan[] = []
  const spared: Orphan[] = []
  const reasons = new Map<string, number>()
  let failures = 0
  for (let at = 0; at < orphans.length && failures < FAILURES_MAX; at += CHUNK) {
    const chunk = orphans.slice(at, at + CHUNK)
    await live.catchUp(lake)
    spared.push(...chunk.filter(orphan => live.has(orphan.uri)))
    const doomed = chunk.filter(orphan => !live.has(orphan.uri))
    const failed = await mapParallel(doomed, DELETES_AT_ONCE, orphan => remove(lake, orphan))
    for (const reason of failed) if (reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    failures = [...reasons.values()].reduce((sum, count) => sum + count, 0)
    deleted.push(...doomed.filter((_orphan, index) => failed[index] === undefined))
    onDeleted(deleted.length)
  }
  return {
    deleted: amountOf(deleted),
    spared: amountOf(spared),
    failed: { files: failures, reasons: [...reasons.keys()].slice(0, REASONS_MAX) },
    stopped: failures >= FAILURES_MAX,
  }
}

/** The kind of the failure, undefined when the object is gone. A bug is thrown on. */
async function remove(lake: Lake, { uri }: Orphan): Promise<string | undefined> {
  try {
    await lake.storage.delete(uri)
    return undefined
  } catch (error) {
    if (!isLakeError(error)) throw error
    lake.log.warn('an orphan could not be deleted', { uri, kind: error.kind })
    return error.kind
  }
}
