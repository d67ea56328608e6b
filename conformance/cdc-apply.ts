import { createHash } from 'node:crypto'
import { quality } from '#functions/quality/quality.ts'
import { manifestUri, type RawObject, readDocument, type Verdict, verdictUri, writeDocumentOnce } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { ulid } from '#lake/ulid.ts'
import type { CaseEvent, CaseTarget, ChangeCase } from './cdc-case.ts'
import { parquetOf } from './cdc-parquet.ts'

/** A lake to which batches of events are applied as the workflow applies them. */
export class CaseLake {
  readonly lake: MemoryLake
  readonly #given: ChangeCase
  readonly #targets: readonly CaseTarget[]
  #objects = 0
  #batches = 0

  constructor(given: ChangeCase, targets: readonly CaseTarget[]) {
    this.lake = memoryLake({ seed: given.name })
    this.#given = given
    this.#targets = targets
  }

  async apply(events: readonly CaseEvent[]): Promise<void> {
    const objects = await this.#land(events)
    for (const { dataset } of this.#targets) await this.#refine(dataset, objects)
  }

  async #refine(dataset: Dataset, objects: readonly RawObject[]): Promise<void> {
    const batch = this.#id('batch', ++this.#batches)
    await writeDocumentOnce(this.lake, manifestUri(this.lake, dataset.name, batch), { id: batch, dataset: dataset.name, objects })
    await quality(this.lake, dataset, { batch })
    const verdict = await readDocument<Verdict>(this.lake, verdictUri(this.lake, dataset.name, batch))
    console.log(JSON.stringify(verdict?.objects))
  }

  async #land(events: readonly CaseEvent[]): Promise<readonly RawObject[]> {
    const files = events.filter(event => 'file' in event)
    const records = events.filter(event => !('file' in event))
    const landed = await Promise.all(files.map(async event => this.#put(event.file, await contentOf(this.#given, event))))
    if (records.length === 0) return landed
    const lines = records.map(record => `${JSON.stringify(record)}\n`).join('')
    return [...landed, await this.#put('stream.ndjson', Buffer.from(lines))]
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
    return ulid(this.lake.clock.nowMs() + order, createHash('sha256').update(`${kind} ${order}`).digest().subarray(0, 10))
  }
}

async function contentOf(given: ChangeCase, event: Extract<CaseEvent, { readonly file: string }>): Promise<Uint8Array> {
  return 'content' in event ? Buffer.from(event.content) : parquetOf(given, event.rows)
}
