import { type BatchManifest, manifestUri, readDocument, type Verdict, verdictUri } from '#lake/batch.ts'
import { batchFolders } from '#lake/batch-folders.ts'
import type { Lake } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import { ulidMs } from '#lake/ulid.ts'

/** Batches of a dataset that have landed, and how far they got. */
export interface Batches {
  /** Their ids. */
  readonly committed: readonly string[]
  readonly backlog: Backlog
}

export interface Backlog {
  /** Landed and not in the table, and no rule has refused them. */
  readonly batches: number
  readonly objects: number
  readonly bytes: number
  /** When the first object of the oldest landed. */
  readonly oldestMs: number | undefined
  /** Refused by a rule: they stay outside until somebody decides. */
  readonly halted: number
}

/** So many are looked into; of more, their number is what matters. */
const LOOKED_INTO_MAX = 200
const READS_AT_ONCE = 16

/** Batches that began to land at that time or later. Found by the ids that ingest gave them, never by the times of files. */
export async function batchesSince(lake: Lake, dataset: string, fromMs: number | undefined): Promise<Batches> {
  const committed: string[] = []
  const open: string[] = []
  for await (const { batch, documents } of batchFolders(lake, dataset, { fromMs })) {
    if (documents.has('commit.json')) committed.push(batch)
    else if (documents.has('manifest.json')) open.push(batch)
  }
  return { committed, backlog: await lookInto(lake, dataset, open) }
}

async function lookInto(lake: Lake, dataset: string, open: readonly string[]): Promise<Backlog> {
  const looked = await mapParallel(open.slice(0, LOOKED_INTO_MAX), READS_AT_ONCE, async batch => {
    const [verdict, manifest] = await Promise.all([
      readDocument<Verdict>(lake, verdictUri(lake, dataset, batch)),
      readDocument<BatchManifest>(lake, manifestUri(lake, dataset, batch)),
    ])
    const isApart = manifest?.into !== undefined || manifest?.selection !== undefined
    return { batch, halted: verdict?.status === 'halt', objects: manifest?.objects ?? [], isApart }
  })
  // What a replay builds beside the table keeps nobody waiting, nor does a release: its records are in quarantine until it is done.
  const own = looked.filter(each => !each.isApart)
  const waiting = own.filter(each => !each.halted)
  const rest = open.slice(LOOKED_INTO_MAX)
  const oldest = waiting[0]?.batch ?? rest[0]
  const objects = waiting.flatMap(each => each.objects)
  return {
    batches: waiting.length + rest.length,
    objects: objects.length,
    bytes: objects.reduce((sum, object) => sum + object.bytes, 0),
    oldestMs: oldest === undefined ? undefined : ulidMs(oldest),
    halted: own.length - waiting.length,
  }
}
