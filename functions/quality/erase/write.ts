import { createReadStream } from 'node:fs'
import { copyFile, type FileHandle, open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGzip, createZstdCompress } from 'node:zlib'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join as joinSql, sql } from '#lake/duckdb/sql.ts'
import { blankRecord } from '#lake/erasure.ts'
import { contentOf, type PlainTask, placesIn } from '../decode/decode.ts'
import { head } from '../decode/inflate.ts'
import { Ordinals } from '../decode/ordinals.ts'
import type { Place } from '../decode/records.ts'
import { avroWithout } from './avro.ts'
import type { FoundRecords } from './records.ts'

export interface Writing {
  readonly found: FoundRecords
  readonly written: string
}

/** A plain object again: in the place of each found record stands one that says nothing. */
export async function writeWithout(session: Session, plain: PlainTask, { found, written }: Writing): Promise<void> {
  const { dataset } = plain.contract
  const content = await contentOf(plain.path, dataset.source.format)
  if (content === 'parquet') return parquetWithout(session, plain.path, { found, written })
  if (content === 'avro') {
    const ordinals = new Set(found.ordinals)
    return avroWithout({ source: plain.path, target: written, ordinals, limits: dataset.limits })
  }
  // Of a change stream every record is found by its number, whatever became of it.
  const known = dataset.source.changes === undefined ? found.places : []
  const refused = new Set(known.map(place => place.ordinal))
  const wanted = new Ordinals(sql`SELECT unnest(${[...found.ordinals]}::BIGINT[])`, Math.max(0, ...found.ordinals))
  for (const ordinal of found.ordinals) if (!refused.has(ordinal)) wanted.add(ordinal)
  const places: Place[] = [...known]
  const sink = { place: (place: Place) => void places.push({ ...place }), drain: async () => undefined }
  await placesIn(session, plain, { wanted, sink })
  await copyFile(plain.path, written)
  const file = await open(written, 'r+')
  try {
    for (const place of places) {
      const [offset, length] = [Number(place.offset), await lengthWithoutEnd(file, place)]
      await file.write(neutral(content, length), 0, length, offset)
    }
  } finally {
    await file.close()
  }
}

/** Some decoders count the end of a line to the record: it stays, or the next record would be a part of this one. */
async function lengthWithoutEnd(file: FileHandle, { offset, length }: Place): Promise<number> {
  const size = Math.min(2, Number(length))
  const { buffer } = await file.read(Buffer.alloc(size), 0, size, Number(offset) + Number(length) - size)
  if (buffer.at(-1) !== 0x0a) return Number(length)
  return Number(length) - (buffer.at(-2) === 0x0d ? 2 : 1)
}

const neutral = (content: string, length: number): Buffer =>
  content === 'csv' ? Buffer.alloc(length, 'x') : Buffer.from(blankRecord(length))

/** Rows keep their order and their number; those that go have no values. */
async function parquetWithout(session: Session, path: string, { found, written }: Writing): Promise<void> {
  const source = sql`read_parquet(${path}, hive_partitioning = FALSE, file_row_number = TRUE)`
  const columns = await session.rows(sql`DESCRIBE SELECT * EXCLUDE (file_row_number) FROM ${source}`)
  const gone = sql`list_contains(${[...found.ordinals]}, file_row_number + 1)`
  const kept = columns.map(each => {
    const name = ident(String(each['column_name']))
    return sql`CASE WHEN NOT ${gone} THEN ${name} END AS ${name}`
  })
  const [codec] = await session.rows(sql`SELECT lower(any_value(compression)) AS codec FROM parquet_metadata(${path})`)
  const known = ['snappy', 'zstd', 'gzip', 'uncompressed'].find(each => each === codec?.['codec']) ?? 'snappy'
  const select = sql`SELECT ${joinSql(kept, ', ')} FROM ${source} ORDER BY file_row_number`
  await session.run(sql`COPY (${select}) TO ${written} (FORMAT parquet, COMPRESSION ${known})`)
}

/** Compressed as another file is. */
export async function compressAs(original: string, plain: string, target: string): Promise<void> {
  const magic = (await head(original, 4)).toString('hex')
  if (magic.startsWith('1f8b')) await pipeline(createReadStream(plain), createGzip(), await sink(target))
  else if (magic === '28b52ffd') await pipeline(createReadStream(plain), createZstdCompress(), await sink(target))
  else await copyFile(plain, target)
}

const sink = async (path: string): Promise<NodeJS.WritableStream> => (await open(path, 'w')).createWriteStream()
