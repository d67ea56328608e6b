import { formatDocument, readDocument } from '#lake/batch.ts'
import { subjectUri } from '#lake/erasure.ts'
import type { Lake } from '#lake/lake.ts'
import { destroy } from './destroy.ts'

/**
 * The keys of a subject's rows: once raw is rewritten nothing tells them any more, and tombstones are known by nothing else. They are kept until
 * nothing is left.
 */
export const keysKept = async (lake: Lake, erasure: string): Promise<readonly string[]> =>
  (await readDocument<readonly string[]>(lake, subjectUri(lake, erasure))) ?? []

export async function keepKeys(lake: Lake, erasure: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return
  await lake.storage.put(subjectUri(lake, erasure), Buffer.from(formatDocument(keys)))
}

export async function forgetKeys(lake: Lake, erasure: string): Promise<void> {
  await destroy(lake, subjectUri(lake, erasure))
}
