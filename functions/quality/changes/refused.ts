import type { Session } from '#lake/duckdb/engine.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { linesOf } from '../decode/lines.ts'
import { Ordinals } from '../decode/ordinals.ts'
import { LineFile, type Place, type PlaceSink } from '../decode/records.ts'

/** Where records of a plain object stand: those that it was cut into, or its lines. */
export interface RecordPlaces {
  readonly plain: string
  readonly byLine: boolean
  /** The decoded object, which has places of its own when it was cut. */
  readonly decoded: string
}

/** Refused records of a decoded object, as a file of `RefusedRecord`s; the reasons stand in the object, the places are looked up. */
export async function writeRefused(session: Session, places: RecordPlaces, base: string): Promise<string> {
  const target = `${base}.refused.ndjson`
  const bad = sql`SELECT _raw_row AS ordinal, _offset AS "offset", _length AS length, _outcome AS reason, _message AS message FROM read_parquet(${places.decoded}) WHERE _outcome NOT IN ('row', 'skipped', 'elsewhere')`
  if (!places.byLine) {
    await session.run(sql`COPY (${bad}) TO ${target} (FORMAT json)`)
    return target
  }
  const found = await writeLinePlaces(session, places.plain, {
    ordinals: sql`SELECT ordinal FROM (${bad})`,
    target: `${base}.lines.ndjson`,
  })
  const placed = sql`SELECT bad.ordinal, line."offset", line.length, bad.reason, bad.message FROM (${bad}) AS bad JOIN ${readPlaces(found)} AS line ON line.ordinal = bad.ordinal`
  await session.run(sql`COPY (${placed}) TO ${target} (FORMAT json)`)
  return target
}

const readPlaces = (path: string): Sql =>
  sql`read_json(${path}, format = 'newline_delimited', columns = {ordinal: 'BIGINT', "offset": 'BIGINT', length: 'BIGINT'})`

async function writeLinePlaces(
  session: Session,
  plain: string,
  { ordinals, target }: { readonly ordinals: Sql; readonly target: string },
): Promise<string> {
  const [last] = await session.rows(sql`SELECT max(ordinal)::DOUBLE AS last FROM (${ordinals})`)
  const wanted = new Ordinals(ordinals, Number(last?.['last'] ?? 0))
  const reading = await session.read(sql`SELECT ordinal::DOUBLE FROM (${ordinals})`)
  for await (const chunk of reading.chunks) for (const [ordinal] of chunk) wanted.add(Number(ordinal))
  const lines = await LineFile.create(target)
  try {
    await placesInLines(plain, wanted, {
      place: ({ ordinal, offset, length }: Place) => lines.write(`${JSON.stringify({ ordinal, offset, length })}\n`),
      drain: () => lines.drain(),
    })
  } finally {
    await lines.close()
  }
  return target
}

/** Each line that is not blank is a record. */
export async function placesInLines(plain: string, wanted: Ordinals, sink: PlaceSink): Promise<void> {
  let ordinal = 0
  for await (const { offset, bytes } of linesOf(plain)) {
    if (isBlank(bytes)) continue
    ordinal++
    if (wanted.has(ordinal))
      sink.place({ ordinal, offset, length: bytes.at(-1) === 0x0d ? bytes.length - 1 : bytes.length })
    await sink.drain()
  }
}

const isBlank = (bytes: Buffer): boolean => {
  for (const byte of bytes) if (byte > 0x20) return false
  return true
}

/** Of records that were cut out, by the file of them. */
export async function placesInRecords(
  session: Session,
  { path, wanted }: { readonly path: string; readonly wanted: Ordinals },
  sink: PlaceSink,
): Promise<void> {
  const reading = await session.read(
    sql`SELECT ordinal::DOUBLE, "offset"::DOUBLE, length::DOUBLE FROM ${readPlaces(path)} WHERE ordinal IN (${wanted.select})`,
  )
  for await (const chunk of reading.chunks)
    for (const [ordinal, offset, length] of chunk)
      sink.place({ ordinal: Number(ordinal), offset: Number(offset), length: Number(length) })
  await sink.drain()
}
