import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, inflateRawSync, zstdDecompressSync } from 'node:zlib'
import type { Session } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import { openSession } from '../lake/iceberg/fixture.ts'

/**
 * Everything that a lake keeps, by object, as a text to look for a value in: names, metadata and bytes; these also decompressed, with the base64 in them
 * decoded; of Parquet the values of every row, deleted or not, and the statistics; of Avro the blocks, which of manifests hold the bounds.
 */
export async function everyByte(lake: Lake): Promise<ReadonlyMap<Uri, string>> {
  const found = new Map<Uri, string>()
  const folder = mkdtempSync(join(tmpdir(), 'sluice-every-byte-'))
  const session = await openSession(folder)
  try {
    for (const zone of Object.values(lake.zones))
      for await (const { uri } of lake.storage.list(`${zone}/`)) {
        const bytes = Buffer.from(await lake.storage.get(uri))
        const info = await lake.storage.head(uri)
        found.set(
          uri,
          [uri, JSON.stringify(info?.metadata), ...(await readings(bytes, { session, folder }))].join('\n'),
        )
      }
    return found
  } finally {
    await session.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Reader {
  readonly session: Session
  readonly folder: string
}

/** The objects in which one of the texts stands, however it is kept. */
export async function holding(lake: Lake, ...texts: readonly string[]): Promise<readonly string[]> {
  return [...(await everyByte(lake))].flatMap(([uri, all]) => {
    const found = texts.filter(text => all.includes(text))
    return found.length === 0 ? [] : [`${uri}: ${found.join(', ')}`]
  })
}

async function readings(bytes: Buffer, reader: Reader): Promise<readonly string[]> {
  const hex = bytes.subarray(0, 4).toString('hex')
  if (hex.startsWith('1f8b')) return readings(gunzipSync(bytes), reader)
  if (hex === '28b52ffd') return readings(zstdDecompressSync(bytes), reader)
  const text = bytes.toString('latin1')
  const utf8 = bytes.toString('utf8')
  if (text.startsWith('PAR1')) return [text, ...(await ofParquet(bytes, reader))]
  if (text.startsWith('Obj\x01')) return [text, ...ofAvro(bytes)]
  return [text, utf8, ...decoded(utf8)]
}

/** Runs of base64 that are long enough to say something, and texts of JSON without their escapes. */
function decoded(text: string): readonly string[] {
  const runs = [...text.matchAll(/[A-Za-z0-9+/_-]{4,}={0,2}/g)].map(([run]) => Buffer.from(run, 'base64'))
  return [...runs.flatMap(run => [run.toString('latin1'), run.toString('utf8')]), text.replaceAll('\\', '')]
}

async function ofParquet(bytes: Buffer, { session, folder }: Reader): Promise<readonly string[]> {
  const path = join(folder, `${createHash('sha256').update(bytes).digest('hex')}.parquet`)
  writeFileSync(path, bytes)
  const parts: string[] = []
  for (const from of [sql`read_parquet(${path}, hive_partitioning = FALSE)`, sql`parquet_metadata(${path})`]) {
    const rows = await session.rows(sql`SELECT CAST(t AS VARCHAR) AS text FROM (FROM ${from}) t`)
    parts.push(...rows.map(row => String(row['text'])))
  }
  return parts
}

/** Blocks are found by the marker at the end of the header, wherever their counts are; only those that inflate are compressed. */
function ofAvro(bytes: Buffer): readonly string[] {
  const sync = bytes.subarray(bytes.length - 16)
  const parts: string[] = []
  for (let at = bytes.indexOf(sync) + 16; at < bytes.length; at = bytes.indexOf(sync, at) + 16) {
    const [, afterCount] = long(bytes, at)
    const [size, start] = long(bytes, afterCount)
    const block = bytes.subarray(start, start + size)
    parts.push(block.toString('latin1'))
    try {
      parts.push(inflateRawSync(block).toString('latin1'))
    } catch {
      // It is not compressed.
    }
  }
  return parts
}

/** Zig-zag, seven bits a byte; the value and where it ends. */
function long(bytes: Buffer, from: number): readonly [number, number] {
  let value = 0
  let scale = 1
  for (let at = from; ; at++) {
    const byte = bytes[at] as number
    value += (byte & 127) * scale
    scale *= 128
    if (byte < 128) return [value % 2 === 0 ? value / 2 : -(value + 1) / 2, at + 1]
  }
}
