import { formatDocument, readDocument } from '#lake/batch.ts'
import { type LedgerEntry, type LedgerRun, ledgerUri } from '#lake/erasure.ts'
import type { Lake } from '#lake/lake.ts'
import type { EraseRequest } from './request.ts'

export interface Ledger {
  write(change: Partial<LedgerRun>): Promise<LedgerRun>
}

/** Begun before anything is touched, so that a run that dies has left its line. */
export async function openLedger(lake: Lake, erasure: string, { dataset, parts }: EraseRequest): Promise<Ledger> {
  const uri = ledgerUri(lake, erasure)
  const before = await readDocument<LedgerEntry>(lake, uri)
  const earlier = before?.runs ?? []
  let run: LedgerRun = {
    startedMs: lake.clock.nowMs(),
    ...{ finishedMs: undefined, objects: [], rows: {}, filesDeleted: 0, left: undefined },
  }
  const write = async (change: Partial<LedgerRun>): Promise<LedgerRun> => {
    run = { ...run, ...change }
    const entry: LedgerEntry = {
      erasure,
      dataset: dataset.name,
      columns: parts.map(part => part.column),
      runs: [...earlier, run],
    }
    await lake.storage.put(uri, Buffer.from(formatDocument(entry)), { contentType: 'application/json' })
    return run
  }
  await write({})
  return { write }
}
