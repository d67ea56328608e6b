import type { Cell, Row } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import type { ScanFile } from '#lake/iceberg/types.ts'
import { changesSql, contentSql, fileOf, isOldKey, kindSql, laneSql, rowOf } from './change-rows.ts'
import type { Change, KeyState } from './fold.ts'
import { deletedColumn, staged } from './hits.ts'
import { imageOf, storedImage } from './image-text.ts'
import { refuseOutgrown } from './outgrown.ts'
import { compareStamps, type Kind, stampOf } from './stamp.ts'
import { type Attempt, type Ref, sameKey } from './task.ts'

/** What the fold looks at of a chunk of keys. Keys are the numbers that `folded` gives them. */
export interface Loaded {
  readonly changes: readonly DatedChange[]
  /** All rows of a key, the newest first. */
  readonly rows: ReadonlyMap<string, readonly Stored[]>
  /** All deletes of a key that earlier batches brought, the newest first. */
  readonly graves: ReadonlyMap<string, readonly Dated<KeyState<Ref>>[]>
}

export type Dated<T> = T & { readonly eventUs: bigint | null }
export type DatedChange = Dated<Change<Ref>>

/** A row of the table, and where it is. */
export interface Stored {
  readonly ref: Ref
  readonly state: KeyState<Ref>
  readonly validity: Validity | undefined
}

/** Microseconds since the epoch. */
export interface Validity {
  readonly from: bigint | null
  readonly to: bigint | null
  readonly isCurrent: boolean
}

/** Gathers records, rows and tombstones of all keys in `folded`, in tables. */
export async function gather(attempt: Attempt, files: readonly ScanFile[]): Promise<void> {
  const { session, publish, changes } = attempt
  await session.run(sql`CREATE OR REPLACE TEMP TABLE records AS SELECT f._s_number AS key, o._s_number AS old_key, c._s_row AS n, c._op AS op, COALESCE(c._position, '') AS position, ${kindSql} AS kind, ${laneSql} AS lane, c._ordinal AS ordinal, ${contentSql} AS content, COALESCE(c._kept, []) AS kept, COALESCE(c._event_us, epoch_us(c._ingested_at)) AS event_us
    FROM (${changesSql(changes)}) c JOIN folded f ON ${sameKey(publish.key, 'f', 'c')} LEFT JOIN folded o ON ${isOldKey(publish.key, 'o', 'c')} WHERE c._op <> 'truncate'`)
  await session.run(sql`CREATE OR REPLACE TEMP TABLE buried AS SELECT f._s_number AS key, t._version AS version, t._place AS place, t._image AS image, t._event_us AS event_us
    FROM tombstones t JOIN folded f ON ${sameKey(publish.key, 't', 'f')} WHERE t._kind = 'delete'`)
  await gatherRows(attempt, files)
}

/** Places and authors are fetched of the files alone that have such rows. */
async function gatherRows(attempt: Attempt, files: readonly ScanFile[]): Promise<void> {
  const { session, publish, places } = attempt
  const wanted = sql`SELECT f._s_number AS key, h._s_file AS file, h._s_pos AS pos FROM hits h JOIN folded f ON ${sameKey(publish.key, 'h', 'f')}`
  const numbers = await session.rows(sql`SELECT DISTINCT file FROM (${wanted})`)
  const holding = new Set(numbers.map(row => places.uris[Number(row['file'])]))
  const touched = files.filter(({ file }) => holding.has(file.file_path))
  const validity = publish.mode === 'history' ? ['_valid_from', '_valid_to', '_is_current'] : []
  const names = ['_version', '_place', '_authors', ...deletedColumn(attempt), ...validity]
  // Beside the key columns, which are here already.
  refuseOutgrown(attempt, touched, [...publish.key, ...names])
  const found = await staged(attempt, touched, names)
  const times =
    validity.length === 0
      ? sql`NULL::BIGINT AS valid_from, NULL::BIGINT AS valid_to, NULL::BOOLEAN AS is_current`
      : sql`epoch_us(t._valid_from) AS valid_from, epoch_us(t._valid_to) AS valid_to, t._is_current AS is_current`
  const deleted = publish.deletes === 'soft' ? sql`COALESCE(t._deleted, false)` : sql`false`
  await session.run(sql`CREATE OR REPLACE TEMP TABLE stored AS SELECT w.key, w.file, w.pos, COALESCE(t._version, '.0') AS version, COALESCE(t._place, '..') AS place, t._authors AS authors, ${deleted} AS deleted, ${times}
    FROM (${found.rows}) t JOIN (${found.places}) u ON u.path = t._file JOIN (${wanted}) w ON w.file = u.number AND w.pos = t._pos`)
}

// --- A chunk -------------------------------------------------------------------------------------------------------

export async function load({ session, places }: Attempt, chunk: number): Promise<Loaded> {
  const own = sql`SEMI JOIN (FROM folded WHERE _s_chunk = ${chunk}) f ON f._s_number = t.key`
  const records = await session.rows(sql`FROM records t ${own}`)
  const rows = await session.rows(sql`FROM stored t ${own}`)
  const buried = await session.rows(sql`FROM buried t ${own}`)
  const graves = Map.groupBy(buried, row => String(row['key']))
  const dead = (row: Row): Dated<KeyState<Ref>> => ({
    live: false,
    stamp: stampOf(String(row['version']), String(row['place'])),
    image: imageOf(textOf(row['image']), places),
    eventUs: bigintOf(row['event_us']),
  })
  return {
    changes: records.map(changeOf),
    rows: newestFirst(Map.groupBy(rows.map(storedOf), each => each.key)),
    graves: new Map(
      [...graves].map(([key, all]) => [
        key,
        all.map(dead).toSorted((left, right) => compareStamps(right.stamp, left.stamp)),
      ]),
    ),
  }
}

const textOf = (cell: Cell | undefined): string | null => (cell === null || cell === undefined ? null : String(cell))
const bigintOf = (cell: Cell | undefined): bigint | null =>
  cell === null || cell === undefined ? null : BigInt(String(cell))

function changeOf(row: Row): DatedChange {
  const number = BigInt(String(row['n']))
  return {
    op: row['op'] as Change<Ref>['op'],
    stamp: {
      position: String(row['position']),
      kind: Number(row['kind']) as Kind,
      lane: String(row['lane']),
      ordinal: String(row['ordinal']),
      content: String(row['content']),
    },
    key: String(row['key']),
    oldKey: textOf(row['old_key']) ?? undefined,
    kept: row['kept'] as readonly string[],
    source: `${fileOf(number)}:${rowOf(number)}`,
    eventUs: bigintOf(row['event_us']),
  }
}

function storedOf(row: Row): Stored & { readonly key: string } {
  const ref = `${row['file']}:${row['pos']}`
  const stamp = stampOf(String(row['version']), String(row['place']))
  const image = storedImage(ref, stamp, textOf(row['authors']))
  return {
    key: String(row['key']),
    ref,
    state: { live: row['deleted'] !== true, stamp, image },
    validity: {
      from: bigintOf(row['valid_from']),
      to: bigintOf(row['valid_to']),
      isCurrent: row['is_current'] === true,
    },
  }
}

const newestFirst = (rows: ReadonlyMap<string, readonly Stored[]>): Loaded['rows'] =>
  new Map(
    [...rows].map(([key, all]) => [
      key,
      all.toSorted((left, right) => compareStamps(right.state.stamp, left.state.stamp)),
    ]),
  )
