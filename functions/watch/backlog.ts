import { type BatchManifest, manifestUri, type RawObject, readDocument, type Verdict, verdictUri } from '#lake/batch.ts'
import { batchFolders } from '#lake/batch-folders.ts'
import type { Lake } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import { ulidMs } from '#lake/ulid.ts'
import { mendedObjects } from './mended.ts'

/** Batches of a dataset that have landed, and how far they got. */
export interface Batches {
  /** Their ids. */
  readonly committed: readonly string[]
  readonly backlog: Backlog
}

export interface Backlog {
  /** Landed and not in the table by this batch or another, and no rule has refused them. */
  readonly batches: number
  readonly objects: number
  readonly bytes: number
  /** When the first object of the oldest landed. */
  readonly oldestMs: number | undefined
  /** Refused by a rule, and no other batch has brought their rows since: they stay outside until somebody decides. */
  readonly halted: number
}

/** So many are looked into; of more, their number is what matters. */
const LOOKED_INTO_MAX = 200
const READS_AT_ONCE = 16

export interface BatchesOf {
  readonly dataset: string
  /** Of the table that is there now: a commit to another one brought nothing into it. */
  readonly tableUuid: string | undefined
  /** Batches that began to land at that time or later; all of them when absent. */
  readonly fromMs: number | undefined
}

/** Found by the ids that ingest gave them, never by the times of files. */
export async function batchesSince(lake: Lake, of: BatchesOf): Promise<Batches> {
  const committed: string[] = []
  const open: string[] = []
  for await (const { batch, documents } of batchFolders(lake, of.dataset, { fromMs: of.fromMs })) {
    if (documents.has('commit.json')) committed.push(batch)
    else if (documents.has('manifest.json')) open.push(batch)
  }
  return { committed, backlog: await lookInto(lake, of, open) }
}

async function lookInto(lake: Lake, of: BatchesOf, open: readonly string[]): Promise<Backlog> {
  const looked = await mapParallel(open.slice(0, LOOKED_INTO_MAX), READS_AT_ONCE, batch => look(lake, of, batch))
  // What a replay builds beside the table keeps nobody waiting, nor does a release: its records are in quarantine until it is done.
  const own = looked.filter(each => !each.isApart)
  const mended = await mendedObjects(lake, of, own)
  const lacking = own.filter(({ objects }) => objects.length === 0 || !objects.every(({ id }) => mended.has(id)))
  const waiting = lacking.filter(each => !each.isHalted)
  const rest = open.slice(LOOKED_INTO_MAX)
  const oldest = waiting[0]?.batch ?? rest[0]
  const objects = waiting.flatMap(each => each.objects)
  return {
    batches: waiting.length + rest.length,
    objects: objects.length,
    bytes: objects.reduce((sum, object) => sum + object.bytes, 0),
    oldestMs: oldest === undefined ? undefined : ulidMs(oldest),
    halted: onceEach(lacking.filter(each => each.isHalted)).length,
  }
}

export interface OpenBatch {
  readonly batch: string
  readonly objects: readonly RawObject[]
  readonly isHalted: boolean
  readonly isApart: boolean
}

async function look(lake: Lake, { dataset }: BatchesOf, batch: string): Promise<OpenBatch> {
  const [verdict, manifest] = await Promise.all([
    readDocument<Verdict>(lake, verdictUri(lake, dataset, batch)),
    readDocument<BatchManifest>(lake, manifestUri(lake, dataset, batch)),
  ])
  const isApart = manifest?.into !== undefined || manifest?.selection !== undefined
  return { batch, objects: manifest?.objects ?? [], isHalted: verdict?.status === 'halt', isApart }
}

/** A replay that was halted for the same reason has the objects of the batch before it: that is one thing to decide, and not two. */
function onceEach(batches: readonly OpenBatch[]): readonly OpenBatch[] {
  const seen = new Set<string>()
  return batches.filter(({ objects }) => {
    const isNews = objects.length === 0 || objects.some(({ id }) => !seen.has(id))
    for (const { id } of objects) seen.add(id)
    return isNews
  })
}
