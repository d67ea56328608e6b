import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Session } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { assert } from '#lake/errors.ts'
import type { Lake } from '#lake/lake.ts'
import { placesIn } from './decode/decode.ts'
import { Ordinals } from './decode/ordinals.ts'
import { LineFile, type Place, type PlaceSink } from './decode/records.ts'
import { contractOf, type DecodedBatch, type DecodedRaw } from './decode-batch.ts'
import { openRecords } from './open-records.ts'
import type { BatchTask } from './quality.ts'
import type { RefusedObject } from './quarantine.ts'
import type { FailingOfObject, FailingRows } from './split.ts'
import { stageRaw } from './without-erased.ts'

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
    if (rows !== undefined)
      refused.push(await refusedOf(lake, { ...task, ...each, decoded, failing: failing.path, rows }))
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
  const path = await stageRaw(lake, folder, { object, erased: task.erased.get(object.id) })
  const contract = contractOf(task.dataset, target)
  const plain = await openRecords(lake, { object, contract, schema: target.schema, path, base })
  const sink = new Places(await LineFile.create(`${base}.places.ndjson`))
  const source = await placesIn(session, plain, { wanted: await wantedOf(session, task), sink }).finally(() =>
    sink.close(),
  )
  assert(sink.found === task.rows.rows, `${object.id}: a record has another ordinal than when it was decoded`)
  // On disk it may be the stored object itself.
  for (const file of new Set([plain.path, path]))
    if (file !== source && file.startsWith(`${folder}/`)) await rm(file, { force: true })
  const refused = `${base}.refused.ndjson`
  const places = sql`read_json(${sink.path}, format = 'newline_delimited', columns = {ordinal: 'BIGINT', "offset": 'BIGINT', length: 'BIGINT'})`
  const records = sql`SELECT places.*, failing.reason, failing.message FROM ${places} AS places JOIN read_parquet(${failing}, hive_partitioning = FALSE) AS failing ON failing._raw_row = places.ordinal WHERE failing._raw_object = ${object.id}`
  await session.run(sql`COPY (${records}) TO ${refused} (FORMAT json)`)
  return { object, records: { files: [refused], plain: source } }
}

async function wantedOf(session: Session, { object, failing, rows }: ObjectTask): Promise<Ordinals> {
  const select = sql`SELECT _raw_row FROM read_parquet(${failing}, hive_partitioning = FALSE) WHERE _raw_object = ${object.id}`
  const wanted = new Ordinals(select, rows.ordinalMax)
  const reading = await session.read(sql`SELECT _raw_row::DOUBLE FROM (${select})`)
  for await (const chunk of reading.chunks) for (const [ordinal] of chunk) wanted.add(Number(ordinal))
  return wanted
}

/** Writes places down, and counts them. */
class Places implements PlaceSink {
  readonly path: string
  found = 0
  readonly #lines: LineFile

  constructor(lines: LineFile) {
    this.path = lines.path
    this.#lines = lines
  }

  place({ ordinal, offset, length }: Place): void {
    this.found++
    this.#lines.write(`${JSON.stringify({ ordinal, offset, length })}\n`)
  }

  async drain(): Promise<void> {
    await this.#lines.drain()
  }

  async close(): Promise<void> {
    await this.#lines.close()
  }
}
