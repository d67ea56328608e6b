import { readDocument, writeDocumentOnce } from '#lake/batch.ts'
import type { Lake, TableName, Uri } from '#lake/lake.ts'

/**
 * Whether this run may compact the table in the present window of time. Every commit of a busy table may find that compaction is
 * due while one is under way; each would rewrite the same files, and all but one would be given up. Whoever asks again gets the
 * same answer. The windows are those of the clock, so two runs may begin close to a boundary: a waste, but no harm.
 */
export async function hasTurn(
  lake: Lake,
  { table, run, windowMinutes }: { readonly table: TableName; readonly run: string; readonly windowMinutes: number },
): Promise<boolean> {
  const window = Math.floor(lake.clock.nowMs() / (windowMinutes * 60_000))
  const uri: Uri = `${lake.zones.ops}/compactions/${table}/turns/${windowMinutes}-${window}.json`
  const holder = (await readDocument<Turn>(lake, uri)) ?? (await writeDocumentOnce<Turn>(lake, uri, { run }))
  return holder.run === run
}

interface Turn {
  readonly run: string
}
