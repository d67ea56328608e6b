import { createHash } from 'node:crypto'
import { quality } from '#functions/quality/quality.ts'
import {
  type ChangeCounts,
  manifestUri,
  type RawObject,
  readDocument,
  type Verdict,
  verdictUri,
  writeDocumentOnce,
} from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { ulid } from '#lake/ulid.ts'
import { applyWithAthena } from '#local/athena.ts'
import type { CaseEvent, CaseTarget, ChangeCase } from './cdc-case.ts'
import { parquetOf } from './cdc-parquet.ts'

/** What became of one batch in one table of the case. */
export interface Applied {
  readonly verdict: Verdict
  readonly counts: ChangeCounts
}

/** A lake to which batches of events are applied by the functions that a workflow calls, one after the other. */
export class CaseLake {
  readonly lake: MemoryLake
  /** By batch and target. */
  readonly applied: (readonly Applied[])[] = []
  readonly #given: ChangeCase
  readonly #targets: readonly CaseTarget[]
  #objects = 0
  #batches = 0

  constructor(given: ChangeCase, targets: readonly CaseTarget[]) {
    this.lake = memoryLake({ seed: given.name, limits: { threads: 1 } })
    this.#given = given
    this.#targets = targets
  }

  async apply(events: readonly CaseEvent[]): Promise<void> {
    const objects = await this.#land(events)
    const applied: Applied[] = []
    for (const { dataset } of this.#targets) applied.push(await this.#refine(dataset, objects))
    this.applied.push(applied)
  }

  async #refine(dataset: Dataset, objects: readonly RawObject[]): Promise<Applied> {
    const batch = this.#id('batch', ++this.#batches)
    const manifest = { id: batch, dataset: dataset.name, objects }
    await writeDocumentOnce(this.lake, manifestUri(this.lake, dataset.name, batch), manifest)
    await quality(this.lake, dataset, { batch })
    const { counts } = await applyWithAthena(this.lake, dataset, batch)
    const verdict = await readDocument<Verdict>(this.lake, verdictUri(this.lake, dataset.name, batch))
    if (verdict === undefined) throw new Error(`batch ${batch} has no verdict`)
    return { verdict, counts }
  }

  async #land(events: readonly CaseEvent[]): Promise<readonly RawObject[]> {
    const landed: RawObject[] = []
    for (const event of events)
      if ('file' in event) landed.push(await this.#put(event.file, await contentOf(this.#given, event)))
    const lines = events.filter(event => !('file' in event)).map(record => `${JSON.stringify(record)}\n`)
    if (lines.length > 0) landed.push(await this.#put('stream.ndjson', Buffer.from(lines.join(''))))
    return landed
  }

  async #put(key: string, bytes: Uint8Array): Promise<RawObject> {
    const order = ++this.#objects
    const id = this.#id('object', order)
    const uri = `${this.lake.zones.raw}/${id}`
    const { version } = await this.lake.storage.put(uri, bytes)
    return {
      id,
      uri,
      version,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      sourceUri: `${this.lake.zones.landing}/${key}`,
      sourceVersion: '1',
      landedMs: this.lake.clock.nowMs() + order,
      contractVersion: 1,
    }
  }

  #id(kind: string, order: number): string {
    const entropy = createHash('sha256').update(`${kind} ${order}`).digest().subarray(0, 10)
    return ulid(this.lake.clock.nowMs() + order, entropy)
  }
}

async function contentOf(given: ChangeCase, event: Extract<CaseEvent, { readonly file: string }>): Promise<Uint8Array> {
  return 'content' in event ? Buffer.from(event.content) : parquetOf(given, event.rows)
}
