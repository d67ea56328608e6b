import {
  type BatchManifest,
  type CommitReport,
  commitUri,
  type LandedRecord,
  landedUri,
  manifestUri,
  readDocument,
  type Verdict,
  verdictUri,
  writeDocumentOnce,
} from '#lake/batch.ts'
import { LakeError } from '#lake/errors.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import {
  digits,
  type ItemObjects,
  type ListedObject,
  objectsUri,
  type ReplayPlan,
  readPlan,
  replayPrefix,
} from '#lake/replay-documents.ts'
import { lastControl } from './control.ts'
import { isLongKey, rawObject } from './raw-objects.ts'

/** One item of a replay, as its state machine names it. */
export interface ItemRef {
  readonly replay: string
  readonly item: number
  readonly generation: number
  readonly batch: string
}

/** `refine`: its batch is ready. `done`: an earlier execution has settled it. `held`: the replay is paused, stopped, or goes on elsewhere. */
export interface Admission {
  readonly go: 'refine' | 'done' | 'held'
}

export type ItemOutcome = 'committed' | 'halted' | 'failed'

export interface ItemResult {
  readonly item: number
  readonly batch: string
  readonly generation: number
  readonly outcome: ItemOutcome
  readonly rows: number
  readonly quarantined: number
  readonly superseded: number
  readonly reason?: string
}

const OBJECTS_AT_ONCE = 32

/** Before a batch of the replay is refined: asks whether it may be, and writes its manifest from what the raw objects say of themselves. */
export async function admitItem(lake: Lake, ref: ItemRef): Promise<Admission> {
  const control = await lastControl(lake, ref.replay)
  const isWanted = control?.action === 'start' || control?.action === 'resume'
  if (!isWanted || control.generation !== ref.generation) return { go: 'held' }
  const plan = await readPlan(lake, ref.replay)
  const done = await settled(lake, plan, ref)
  if (done !== undefined) {
    await writeResult(lake, done)
    return { go: 'done' }
  }
  await makeManifest(lake, plan, ref)
  return { go: 'refine' }
}

/** After it was refined, or given up: what became of it, in a document of its own. */
export async function settleItem(lake: Lake, ref: ItemRef, failure?: string): Promise<ItemResult> {
  const plan = await readPlan(lake, ref.replay)
  const none = { rows: 0, quarantined: 0, superseded: 0 }
  const { item, batch, generation } = ref
  const result = (await settled(lake, plan, ref)) ?? {
    ...{ item, batch, generation, outcome: 'failed' as const, ...none },
    reason: failure ?? 'it ended without a commit and without a verdict',
  }
  await writeResult(lake, { ...result, replay: ref.replay })
  return result
}

/** A commit, or the verdict that halted it, settles a batch for good; a failure is tried again by the next execution. */
async function settled(
  lake: Lake,
  { dataset }: ReplayPlan,
  ref: ItemRef,
): Promise<(ItemResult & { readonly replay: string }) | undefined> {
  const { replay, item, generation, batch } = ref
  const report = await readDocument<CommitReport>(lake, commitUri(lake, dataset, batch))
  const about = { replay, item, batch, generation }
  if (report !== undefined) {
    const sum = (of: 'applied' | 'quarantined' | 'superseded'): number =>
      report.objects.reduce((total, each) => total + each[of], 0)
    const counts = { rows: sum('applied'), quarantined: sum('quarantined'), superseded: sum('superseded') }
    return { ...about, outcome: 'committed', ...counts }
  }
  const verdict = await readDocument<Verdict>(lake, verdictUri(lake, dataset, batch))
  if (verdict?.status !== 'halt') return undefined
  const reason = verdict.reason ?? 'halted by a quality rule'
  return { ...about, outcome: 'halted', rows: 0, quarantined: 0, superseded: 0, reason }
}

async function makeManifest(lake: Lake, plan: ReplayPlan, { item, batch }: ItemRef): Promise<void> {
  const uri = manifestUri(lake, plan.dataset, batch)
  const document = await readDocument<ItemObjects>(lake, objectsUri(lake, plan, item))
  if (document === undefined)
    throw new LakeError('not-found', `replay ${plan.id} has lost the objects of item ${item}`, {
      replay: plan.id,
      item,
    })
  const known = await readDocument<BatchManifest>(lake, uri)
  const manifest = known ?? (await writeDocumentOnce(lake, uri, await newManifest(lake, plan, { batch, document })))
  // Rows in another table say nothing of the dataset's own.
  if (plan.into === undefined) await recordLanded(lake, manifest, document.objects)
}

async function newManifest(
  lake: Lake,
  { dataset, into }: ReplayPlan,
  { batch, document }: { readonly batch: string; readonly document: ItemObjects },
): Promise<BatchManifest> {
  const objects = await mapParallel(document.objects, OBJECTS_AT_ONCE, listed => rawObject(lake, listed))
  return { id: batch, dataset, objects, ...(into === undefined ? {} : { into }) }
}

/** For objects that `ingest` left without a batch: events that come late, and people who ask, find out what became of them. */
async function recordLanded(lake: Lake, manifest: BatchManifest, listed: readonly ListedObject[]): Promise<void> {
  const unbatched = new Set(listed.filter(each => each.unbatched).map(each => each.id))
  const objects = manifest.objects.filter(
    ({ id, sourceUri }) => unbatched.has(id) && !isLongKey(sourceUri.slice(lake.zones.landing.length + 1)),
  )
  await mapParallel(objects, OBJECTS_AT_ONCE, ({ id, uri, sourceUri, sourceVersion }) => {
    const record: LandedRecord = {
      ...{ sourceUri, sourceVersion, rawObject: id, dataset: manifest.dataset },
      outcome: { kind: 'batched', batch: manifest.id, rawUri: uri },
    }
    return writeDocumentOnce(lake, landedUri(lake, sourceUri, id), record)
  })
}

// --- Results -------------------------------------------------------------------------------------------------------

export const resultsPrefix = (lake: Lake, replay: string): Uri => `${replayPrefix(lake, replay)}results/`

/** The outcome is part of the name, so that a listing alone tells how far a replay is. */
async function writeResult(lake: Lake, { replay, ...result }: ItemResult & { readonly replay: string }): Promise<void> {
  const name = `${digits(result.item)}-${digits(result.generation)}-${result.outcome}.json`
  await writeDocumentOnce(lake, `${resultsPrefix(lake, replay)}${name}`, result)
}
