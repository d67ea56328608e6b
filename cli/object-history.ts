import {
  type BatchManifest,
  type CommitReport,
  commitUri,
  type LandedRecord,
  landedPrefix,
  manifestUri,
  type ObjectOutcome,
  type RawObject,
  readDocument,
  type Verdict,
  verdictUri,
} from '#lake/batch.ts'
import type { Lake, ObjectInfo, Uri } from '#lake/lake.ts'
import { accountOf, type Settlement, type Settlements, settlementsOf } from '#lake/quarantine/account.ts'
import { ignoredKey } from '#lake/route.ts'
import { ulidMs } from '#lake/ulid.ts'

/** What became of one landing object, version by version, the oldest first. */
export interface ObjectHistory {
  readonly uri: Uri
  readonly versions: readonly VersionHistory[]
}

export interface VersionHistory {
  readonly version: string
  readonly landedMs: number
  readonly dataset: string | undefined
  readonly rawObject: string | undefined
  readonly fate: Fate
}

/** In the order in which a version goes through the pipeline. */
export type Fate =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'ignored'; readonly reason: string }
  | { readonly kind: 'rejected'; readonly reason: string; readonly message: string }
  | {
      readonly kind: 'duplicate'
      readonly of: string
      readonly rawUri: Uri
      /** What became of the version that it repeats. */
      readonly first: Refined | undefined
    }
  | { readonly kind: 'batched'; readonly rawUri: Uri; readonly bytes: number | undefined; readonly refined: Refined }

/** How far the batch is that holds a version. */
export type Refined =
  | { readonly kind: 'landed'; readonly batch: string }
  | { readonly kind: 'halted'; readonly batch: string; readonly reason: string; readonly outcome?: ObjectOutcome }
  | { readonly kind: 'staged'; readonly batch: string; readonly outcome: ObjectOutcome | undefined }
  | {
      readonly kind: 'committed'
      readonly batch: string
      /** As it stands now. */
      readonly outcome: ObjectOutcome | undefined
      /** What came of its quarantined records since, the earliest first. */
      readonly since: readonly Settled[]
      readonly committedMs: number
      readonly table: string
      /** Decimal text of the 64-bit id. */
      readonly snapshot: string
      readonly quarantineSnapshot: string | undefined
    }

/** A release or a drop, and what it did with the records of one object. */
export type Settled = Pick<Settlements, 'action' | 'release' | 'reason' | 'committedMs'> &
  Pick<Settlement, 'taken' | 'outcome'>

/** undefined when there is no such object in landing and never was one that ingest has seen. */
export async function objectHistory(lake: Lake, uri: Uri): Promise<ObjectHistory | undefined> {
  const records: LandedRecord[] = []
  for await (const object of lake.storage.list(landedPrefix(lake, uri))) {
    const record = await readDocument<LandedRecord>(lake, object.uri)
    if (record !== undefined) records.push(record)
  }
  const versions = await Promise.all(records.map(record => versionOf(lake, record)))
  const current = await lake.storage.head(uri)
  const isKnown = current === undefined || records.some(record => record.sourceVersion === current.version)
  if (!isKnown) versions.push(unrecorded(lake, current))
  if (versions.length === 0) return undefined
  return { uri, versions: versions.toSorted((a, b) => a.landedMs - b.landedMs) }
}

async function versionOf(lake: Lake, record: LandedRecord): Promise<VersionHistory> {
  const { rawObject, dataset } = record
  const fate = await fateOf(lake, record)
  return { version: record.sourceVersion, landedMs: ulidMs(rawObject), dataset, rawObject, fate }
}

async function fateOf(lake: Lake, { outcome, dataset = '', sourceUri, rawObject }: LandedRecord): Promise<Fate> {
  switch (outcome.kind) {
    case 'rejected':
      return outcome
    case 'batched': {
      const object = await objectIn(lake, dataset, { batch: outcome.batch, rawObject })
      const refined = await refinedBatch(lake, dataset, { batch: outcome.batch, rawObject })
      return { kind: 'batched', rawUri: outcome.rawUri, bytes: object?.bytes, refined }
    }
    case 'duplicate': {
      const first = await readDocument<LandedRecord>(lake, `${landedPrefix(lake, sourceUri)}${outcome.of}.json`)
      if (first?.outcome.kind !== 'batched') return { ...outcome, first: undefined }
      const of = { batch: first.outcome.batch, rawObject: outcome.of }
      return { ...outcome, first: await refinedBatch(lake, dataset, of) }
    }
  }
}

interface Place {
  readonly batch: string
  readonly rawObject: string
}

async function objectIn(lake: Lake, dataset: string, { batch, rawObject }: Place): Promise<RawObject | undefined> {
  const manifest = await readDocument<BatchManifest>(lake, manifestUri(lake, dataset, batch))
  return manifest?.objects.find(object => object.id === rawObject)
}

async function refinedBatch(lake: Lake, dataset: string, { batch, rawObject }: Place): Promise<Refined> {
  const own = (objects: readonly ObjectOutcome[]): ObjectOutcome | undefined =>
    objects.find(object => object.rawObject === rawObject)
  const commit = await readDocument<CommitReport>(lake, commitUri(lake, dataset, batch))
  if (commit !== undefined) {
    const settlements = await settlementsOf(lake, dataset, batch)
    const first = own(commit.objects)
    return {
      kind: 'committed',
      batch,
      outcome:
        first &&
        accountOf(
          first,
          settlements.flatMap(each => each.objects),
        ),
      since: settlements.flatMap(each => settledOf(each, rawObject)),
      committedMs: commit.committedMs,
      table: dataset,
      snapshot: commit.snapshotId,
      quarantineSnapshot: commit.quarantineSnapshotId,
    }
  }
  const verdict = await readDocument<Verdict>(lake, verdictUri(lake, dataset, batch))
  if (verdict === undefined) return { kind: 'landed', batch }
  const outcome = own(verdict.objects)
  if (verdict.status === 'pass') return { kind: 'staged', batch, outcome }
  return { kind: 'halted', batch, reason: verdict.reason ?? 'a quality rule halted it', ...(outcome && { outcome }) }
}

function settledOf({ objects, ...about }: Settlements, rawObject: string): readonly Settled[] {
  return objects
    .filter(each => each.rawObject === rawObject)
    .map(({ taken, outcome }) => ({ ...about, taken, outcome }))
}

/** Ingest writes nothing down of what it ignores: the object itself says so. */
function unrecorded(lake: Lake, object: ObjectInfo): VersionHistory {
  const reason = object.bytes === 0 ? 'empty' : ignoredKey(object.uri.slice(lake.zones.landing.length + 1))
  return {
    version: object.version,
    landedMs: object.modifiedMs,
    dataset: undefined,
    rawObject: undefined,
    fate: reason === undefined ? { kind: 'waiting' } : { kind: 'ignored', reason },
  }
}
