import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Session } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { assert } from '#lake/errors.ts'
import type { Lake } from '#lake/lake.ts'
import { openPlain, rescan } from './decode/decode.ts'
import { type AcceptedRecord, LineFile, type RecordSink } from './decode/records.ts'
import { contractOf, type DecodedBatch, type DecodedRaw } from './decode-batch.ts'
import type { BatchTask } from './quality.ts'
import type { RefusedObject } from './quarantine.ts'
import type { FailingOfObject, FailingRows } from './split.ts'

/**
 * Rows that failed a rule, as refused records with the place of their raw bytes. What fits the contract is decoded without looking at places,
 * so the objects of failing rows are gone over once more for these ordinals alone: only who has failing rows pays for it.
 */
export async function placesOf(
  lake: Lake,
  task: BatchTask,
  { decoded, failing }: { readonly decoded: DecodedBatch; readonly failing: FailingRows },
): Promise<readonly RefusedObject[]> {
  const refused: RefusedObject[] = []
  for (const each of decoded.objects) {
    const rows = failing.byObject.get(each.object.id)
    if (rows !== undefined) refused.push(await refusedOf(lake, { ...task, ...each, decoded, failing: failing.path, rows }))
  }
  return refused
}

interface ObjectTask extends BatchTask, Pick<DecodedRaw, 'object'> {
  readonly decoded: DecodedBatch
  /** The file of failing rows. */
  readonly failing: string
  readonly rows: FailingOfObject
}

async function refusedOf(lake: Lake, task: ObjectTask): Promise<RefusedObject> {
  const { object, folder, decoded, failing } = task
  const { session, target } = decoded
  const base = join(folder, `${object.id}-rules-${lake.ids.uuid().slice(0, 8)}`)
  const { path } = await lake.storage.stage(object.uri, folder, { version: object.version, sha256: object.sha256 })
  const contract = contractOf(task.dataset, target)
  const plain = await openPlain({ object, contract, schema: target.schema, path, base })
  const sink = new PlacesOf(await wantedOf(session, task), await LineFile.create(`${base}.places.ndjson`))
  const source = await rescan(session, plain, sink).finally(() => sink.close())
  assert(sink.found === task.rows.rows, `${object.id}: a record has another ordinal than when it was decoded`)
  for (const file of new Set([plain.path, path]))
    if (file !== source && file.startsWith(`${folder}/`)) await rm(file, { force: true })
  const refused = `${base}.refused.ndjson`
  const places = sql`read_json(${sink.path}, format = 'newline_delimited', columns = {ordinal: 'BIGINT', "offset": 'BIGINT', length: 'BIGINT'})`
  const records = sql`SELECT places.*, failing.reason, failing.message FROM ${places} AS places JOIN read_parquet(${failing}, hive_partitioning = FALSE) AS failing ON failing._raw_row = places.ordinal WHERE failing._raw_object = ${object.id}`
  await session.run(sql`COPY (${records}) TO ${refused} (FORMAT json)`)
  return { object, records: { files: [refused], plain: source } }
}

async function wantedOf(session: Session, { object, failing, rows }: ObjectTask): Promise<Ordinals> {
  const wanted = new Ordinals(rows.ordinalMax)
  const reading = await session.read(
    sql`SELECT _raw_row::DOUBLE FROM read_parquet(${failing}, hive_partitioning = FALSE) WHERE _raw_object = ${object.id}`,
  )
  for await (const chunk of reading.chunks) for (const [ordinal] of chunk) wanted.add(Number(ordinal))
  return wanted
}

/** A bit for each record of an object, so that millions of them are nothing to speak of. */
class Ordinals {
  readonly #bits: Uint8Array

  constructor(max: number) {
    this.#bits = new Uint8Array((max >> 3) + 1)
  }

  add(ordinal: number): void {
    this.#bits[ordinal >> 3] = (this.#bits[ordinal >> 3] as number) | (1 << (ordinal & 7))
  }

  has(ordinal: number): boolean {
    return ((this.#bits[ordinal >> 3] ?? 0) & (1 << (ordinal & 7))) !== 0
  }
}

/** Notes where the wanted records stand and lets all others pass. */
class PlacesOf implements RecordSink {
  readonly path: string
  found = 0
  readonly #wanted: Ordinals
  readonly #lines: LineFile

  constructor(wanted: Ordinals, lines: LineFile) {
    this.path = lines.path
    this.#wanted = wanted
    this.#lines = lines
  }

  accept({ ordinal, offset, length }: AcceptedRecord): void {
    if (!this.#wanted.has(ordinal)) return
    this.found++
    this.#lines.write(`${JSON.stringify({ ordinal, offset, length })}\n`)
  }

  refuse(): void {
    // It was refused when it was decoded, and stands in quarantine for that.
  }

  async drain(): Promise<void> {
    await this.#lines.drain()
  }

  async close(): Promise<void> {
    await this.#lines.close()
  }
}
