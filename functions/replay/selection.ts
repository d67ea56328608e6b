import { sql } from '#lake/duckdb/sql.ts'
import type { Lake } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import type { LeftOut, ListedObject, ReplayMode } from '#lake/replay-documents.ts'
import { claimObjects } from './claims.ts'
import { type Ledger, makeStandings, type Standing } from './ledger.ts'
import type { ReplayRequest } from './request.ts'

/** Raw objects that a request asks for, in the order of landing; `left` is complete when all were read. */
export interface Selection {
  readonly objects: AsyncIterable<ListedObject>
  readonly left: LeftOut
}

type Counts = { -readonly [Reason in keyof LeftOut]: LeftOut[Reason] }

/** A table that was dropped lacks what was committed to it, so that is missing; but nothing of it has failed. */
const TAKEN: Readonly<Record<ReplayMode, readonly Standing[]>> = {
  missing: ['open', 'elsewhere', 'unbatched'],
  failed: ['halted', 'open'],
  all: ['committed', 'halted', 'under-way', 'open', 'elsewhere', 'unbatched'],
}

/**
 * Compares a listing of raw with what the batches of the dataset account for, in the table that the rows are to go to: a table that was
 * dropped, or that is only being built, accounts for nothing.
 */
export async function selectObjects(
  lake: Lake,
  ledger: Ledger,
  request: ReplayRequest & { readonly dryRun: boolean },
): Promise<Selection> {
  const { dataset, mode, from, to, graceMinutes } = request
  const table = request.into ?? dataset.name
  await makeStandings(lake, ledger, { dataset: dataset.name, table, from, to, graceMinutes })
  const taken = TAKEN[mode]
  await ledger.session.run(
    sql`CREATE OR REPLACE TEMP TABLE chosen AS SELECT id, uri, bytes, batched, CASE WHEN standing IN (SELECT unnest(${taken})) THEN 'take' WHEN standing = 'under-way' THEN 'underWay' ELSE 'accounted' END AS decision FROM standings`,
  )
  const left: Counts = { accounted: 0, duplicates: 0, underWay: 0 }
  for (const row of await ledger.session.rows(
    sql`SELECT decision, count(*)::BIGINT AS objects FROM chosen WHERE decision <> 'take' GROUP BY decision`,
  ))
    left[row['decision'] as 'accounted' | 'underWay'] = Number(row['objects'])
  return { objects: takenObjects(lake, ledger, { request, left }), left }
}

const PAGE = 256
const HEADS_AT_ONCE = 32

async function* takenObjects(
  lake: Lake,
  ledger: Ledger,
  work: { readonly request: ReplayRequest & { readonly dryRun: boolean }; readonly left: Counts },
): AsyncGenerator<ListedObject> {
  const { chunks } = await ledger.session.read(
    sql`SELECT id, uri, bytes::DOUBLE AS bytes, batched FROM chosen WHERE decision = 'take' ORDER BY id`,
  )
  for await (const chunk of chunks)
    for (let start = 0; start < chunk.length; start += PAGE) {
      const page = chunk.slice(start, start + PAGE).map(([id, uri, bytes, batched]) => {
        const object = { id: String(id), uri: String(uri), bytes: Number(bytes) }
        return batched === true ? object : { ...object, unbatched: true as const }
      })
      yield* await keptOf(lake, page, work)
    }
}

/** An object that no batch holds may be a repetition of another: its rows are those of the first. */
async function keptOf(
  lake: Lake,
  page: readonly ListedObject[],
  { request, left }: { readonly request: ReplayRequest & { readonly dryRun: boolean }; readonly left: Counts },
): Promise<readonly ListedObject[]> {
  const { key, dataset, dryRun, except } = request
  const all = key === undefined ? page : await withKey(lake, page, key)
  const named = all.filter(({ id }) => !except?.has(id))
  if (named.length < all.length) left.givenUp = (left.givenUp ?? 0) + all.length - named.length
  const objects = named.filter(object => object.unbatched)
  const duplicates = await claimObjects(lake, dataset, { objects, dryRun })
  left.duplicates += duplicates.size
  return named.filter(object => !duplicates.has(object.id))
}

/** A key that is too long for metadata is there as its hash, which no prefix meets. */
async function withKey(lake: Lake, page: readonly ListedObject[], key: string): Promise<readonly ListedObject[]> {
  const keys = await mapParallel(page, HEADS_AT_ONCE, async ({ uri }) => {
    const info = await lake.storage.head(uri)
    return info?.metadata['source-key'] ?? ''
  })
  return page.filter((_object, at) => keys[at]?.startsWith(key))
}
