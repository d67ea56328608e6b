import { join } from 'node:path'
import { type LandedRecord, landedPrefix, landedUri, readDocument } from '#lake/batch.ts'
import { Spool } from '#lake/duckdb/spool.ts'
import { sql } from '#lake/duckdb/sql.ts'
import type { Lake, ObjectInfo } from '#lake/lake.ts'
import { rawId } from '#lake/raw-id.ts'
import { ignoredKey } from '#lake/route.ts'
import type { Ledger } from './ledger.ts'

/** What stands in landing, against what `ingest` has recorded of it. */
export interface LandingAccount {
  readonly versions: number
  /** Markers, checksums and the like, which are no data. */
  readonly ignored: number
  readonly recorded: number
  /** They came a moment ago. */
  readonly underWay: number
  readonly missing: number
}

export type LandedVersion = Pick<ObjectInfo, 'uri' | 'version' | 'bytes' | 'modifiedMs'>

const LANDING = {
  uri: 'VARCHAR',
  version: 'VARCHAR',
  bytes: 'BIGINT',
  modified_ms: 'BIGINT',
  place: 'VARCHAR',
  id: 'VARCHAR',
} as const
const LANDED = { place: 'VARCHAR', id: 'VARCHAR' } as const

/**
 * Compares a listing of all versions in landing with one of the records of `ingest`, by the names that both lead to: no time decides, and
 * nothing is read. Landing first, so that what is recorded meanwhile is no difference. `missing` gives what nobody has taken.
 */
export async function compareLanding(
  lake: Lake,
  ledger: Ledger,
  { graceMinutes }: { readonly graceMinutes: number },
): Promise<LandingAccount & { readonly rows: AsyncIterable<LandedVersion> }> {
  const { landing, ops } = lake.zones
  const bucket = landing.slice(landing.lastIndexOf('/') + 1)
  const there = await Spool.create(join(ledger.folder, 'landing.ndjson'), LANDING)
  let ignored = 0
  for await (const { uri, version, bytes, modifiedMs } of lake.storage.versions(`${landing}/`)) {
    const key = uri.slice(landing.length + 1)
    const isIgnored = bytes === 0 || ignoredKey(key) !== undefined
    if (isIgnored) ignored++
    const id = rawId({ bucket, key, version, landedMs: Math.max(0, modifiedMs) })
    const place = landedPrefix(lake, uri).slice(ops.length)
    if (!isIgnored) await there.write({ uri, version, bytes, modified_ms: modifiedMs, place, id })
  }
  await there.close()
  const landed = await Spool.create(join(ledger.folder, 'landed.ndjson'), LANDED)
  for await (const { uri } of lake.storage.list(`${ops}/landed/`)) {
    const end = uri.lastIndexOf('/') + 1
    await landed.write({ place: uri.slice(ops.length, end), id: uri.slice(end, -'.json'.length) })
  }
  await landed.close()
  const youngMs = BigInt(lake.clock.nowMs() - graceMinutes * 60_000)
  await ledger.session.run(
    sql`CREATE OR REPLACE TEMP TABLE landing_standings AS SELECT l.uri, l.version, l.bytes, l.modified_ms, CASE WHEN r.id IS NOT NULL THEN 'recorded' WHEN l.modified_ms > ${youngMs} THEN 'underWay' ELSE 'missing' END AS standing FROM (${there.rows}) AS l LEFT JOIN (SELECT DISTINCT place, id FROM (${landed.rows})) AS r ON r.place = l.place AND r.id = l.id`,
  )
  const counts = await countsOf(ledger)
  return {
    versions: counts.recorded + counts.underWay + counts.missing + ignored,
    ignored,
    ...counts,
    rows: missingRows(lake, ledger),
  }
}

async function countsOf({ session }: Ledger): Promise<Pick<LandingAccount, 'recorded' | 'underWay' | 'missing'>> {
  const counts = { recorded: 0, underWay: 0, missing: 0 }
  const rows = await session.rows(
    sql`SELECT standing, count(*)::BIGINT AS versions FROM landing_standings GROUP BY standing`,
  )
  for (const row of rows) counts[row['standing'] as keyof typeof counts] = Number(row['versions'])
  return counts
}

/** A listing may tell a time more exactly than a HEAD does, and the raw id has it: what is really missing the record itself says. */
async function* missingRows(lake: Lake, { session }: Ledger): AsyncGenerator<LandedVersion> {
  const { chunks } = await session.read(
    sql`SELECT uri, version, bytes::DOUBLE AS bytes, modified_ms::DOUBLE AS modified_ms FROM landing_standings WHERE standing = 'missing' ORDER BY uri, modified_ms, version`,
  )
  for await (const chunk of chunks)
    for (const [uri, version, bytes, modifiedMs] of chunk) {
      const listed = {
        uri: String(uri),
        version: String(version),
        bytes: Number(bytes),
        modifiedMs: Number(modifiedMs),
      }
      if (!(await isRecorded(lake, listed))) yield listed
    }
}

async function isRecorded(lake: Lake, { uri, version }: LandedVersion): Promise<boolean> {
  const { landing } = lake.zones
  const info = await lake.storage.head(uri, { version })
  // It expired, or somebody deleted it, since it was listed.
  if (info === undefined) return true
  const bucket = landing.slice(landing.lastIndexOf('/') + 1)
  const key = uri.slice(landing.length + 1)
  const id = rawId({ bucket, key, version: info.version, landedMs: Math.max(0, info.modifiedMs) })
  return (await readDocument<LandedRecord>(lake, landedUri(lake, uri, id))) !== undefined
}
