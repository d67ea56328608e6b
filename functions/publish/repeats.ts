import { join as joinPath } from 'node:path'
import type { Dedupe } from '#lake/dataset-dedupe.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { assert, LakeError } from '#lake/errors.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import type { Predicate } from '#lake/iceberg/predicate.ts'
import { RAW_OBJECT } from '#lake/iceberg/raw-object-max.ts'
import { type LocalFile, scanSql } from '#lake/iceberg/read-files.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { columnByName } from '#lake/iceberg/schema.ts'
import { projected, stageColumns } from '#lake/iceberg/stage-columns.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { DataFile, ScanFile, Schema } from '#lake/iceberg/types.ts'
import { compareValues, fromBinary, type Value } from '#lake/iceberg/value.ts'
import type { Lake } from '#lake/lake.ts'

/** The table of a session in which `findRepeats` leaves `object` and `ordinal` of the rows that are in the table already, or before in the batch. */
export const REPEATS: Sql = ident('sluice_repeats')
const FRESH: Sql = ident('sluice_fresh')
const OPEN: Sql = ident('sluice_open')

const LANDED = '_ingested_at'
const RAW_ROW = '_raw_row'

/** The columns that tell a repeat from another row, and which row it is. */
export const identityColumns = ({ key }: Dedupe): readonly string[] => [...key, RAW_OBJECT, RAW_ROW, LANDED]

export interface RepeatSearch {
  readonly dedupe: Dedupe
  readonly base: Table
  /** A SELECT of rows that are to come, which has at least the identity columns, and the files that they were written to. */
  readonly fresh: Sql
  readonly files: readonly DataFile[]
  /** Rows of the table that the fresh ones take the place of: a condition that is never NULL, and the columns that it is about. */
  readonly replaced: { readonly condition: Sql; readonly columns: readonly string[] }
  /** A scratch folder of this attempt's own. */
  readonly folder: string
}

/**
 * Finds the rows that repeat another one: a row of the table with the same key whose object landed within the window, before or after, or an
 * earlier one of the batch. What is in the table stays, so whatever is applied again finds what it found before. Of the table only keys
 * and lineage are read, of files that can hold such rows. Gives the number of repeats by raw object.
 */
export async function findRepeats(
  lake: Lake,
  session: Session,
  search: RepeatSearch,
): Promise<ReadonlyMap<string, number>> {
  const { dedupe, fresh } = search
  const keys = dedupe.key.map((name, at) => sql`${ident(name)} AS ${keyAt(at)}`)
  await session.run(
    sql`CREATE OR REPLACE TEMP TABLE ${FRESH} AS SELECT ${join(keys, ', ')}, _raw_object AS "object", _raw_row AS ordinal, epoch_us(_ingested_at) AS landed FROM (${fresh})`,
  )
  await session.run(sql`CREATE OR REPLACE TEMP TABLE ${REPEATS} AS ${await knownRepeats(lake, search)}`)
  await findWithin(session, dedupe)
  const rows = await session.rows(
    sql`SELECT "object", count(*)::DOUBLE AS rows FROM ${REPEATS} GROUP BY "object" ORDER BY "object"`,
  )
  return new Map(rows.map(row => [String(row['object']), Number(row['rows'])]))
}

const keyAt = (at: number): Sql => ident(`key_${at}`)
const keysOf = ({ key }: Dedupe): Sql =>
  join(
    key.map((_name, at) => keyAt(at)),
    ', ',
  )
const windowUs = ({ withinMs }: Dedupe): bigint => BigInt(withinMs) * 1_000n

// --- Against the table ---------------------------------------------------------------------------------------------

/** A SELECT of `object` and `ordinal`. */
async function knownRepeats(lake: Lake, { dedupe, base, files, replaced, folder }: RepeatSearch): Promise<Sql> {
  const compared = [...dedupe.key, LANDED, ...replaced.columns]
  const schema = projected(currentSchema(base.metadata), compared)
  const held = await candidates(lake, base, { dedupe, files })
  if (held.length === 0) return sql`SELECT "object", ordinal FROM ${FRESH} LIMIT 0`
  checkBytes(base, held, schema)
  const columns = schema.fields.map(field => field.id)
  const local = await stageColumns(lake, held, { folder: joinPath(folder, 'keys'), columns })
  return matchSql(dedupe, { schema, local, replaced: replaced.condition })
}

function matchSql(
  dedupe: Dedupe,
  {
    schema,
    local,
    replaced,
  }: { readonly schema: Schema; readonly local: readonly LocalFile[]; readonly replaced: Sql },
): Sql {
  const equal = dedupe.key.map((name, at) => sql`fresh.${keyAt(at)} = known.${ident(name)}`)
  const apart = sql`epoch_us(known._ingested_at) BETWEEN fresh.landed - ${windowUs(dedupe)} AND fresh.landed + ${windowUs(dedupe)}`
  const known = sql`SELECT * FROM (${scanSql(schema, local)}) WHERE NOT ${replaced}`
  return sql`SELECT DISTINCT fresh."object", fresh.ordinal FROM ${FRESH} fresh JOIN (${known}) known ON ${join(equal, ' AND ')} AND ${apart}`
}

/** Files that can hold a key of the batch and landed within the window, by their bounds. */
async function candidates(
  lake: Lake,
  base: Table,
  { dedupe, files }: Pick<RepeatSearch, 'dedupe' | 'files'>,
): Promise<readonly ScanFile[]> {
  const schema = currentSchema(base.metadata)
  const keys = dedupe.key.flatMap(name => rangeOf(name, boundsOf(schema, files, name), 0n))
  const landed = rangeOf(LANDED, boundsOf(schema, files, LANDED), windowUs(dedupe))
  return liveFiles(lake, base, { where: [...keys, ...landed], statistics: [...dedupe.key, LANDED, RAW_OBJECT] })
}

interface Bounds {
  readonly lower: Value
  readonly upper: Value
}

/** undefined when one of the files does not tell. */
function boundsOf(schema: Schema, files: readonly DataFile[], name: string): Bounds | undefined {
  const { id, type } = columnByName(schema, name)
  assert(typeof type === 'string', 'keys are primitive')
  const lower = files.map(file => file.lower_bounds.get(id))
  const upper = files.map(file => file.upper_bounds.get(id))
  if ([...lower, ...upper].some(bound => bound === undefined)) return undefined
  const order = (left: Value, right: Value): number => compareValues(left, right)
  const values = (bounds: typeof lower): readonly Value[] =>
    bounds.map(bound => fromBinary(type, bound as Buffer)).toSorted(order)
  return { lower: values(lower)[0] as Value, upper: values(upper).at(-1) as Value }
}

function rangeOf(column: string, bounds: Bounds | undefined, more: bigint): readonly Predicate[] {
  if (bounds === undefined) return []
  const { lower, upper } = bounds
  const [from, to] =
    typeof lower === 'bigint' && typeof upper === 'bigint' ? [lower - more, upper + more] : [lower, upper]
  return [
    { column, op: '>=', value: from },
    { column, op: '<=', value: to },
  ]
}

/** Keys of some ten million rows. More than that a function neither fetches nor holds in the time that it has. */
const KEY_BYTES_MAX = 1_073_741_824n

function checkBytes({ name }: Table, held: readonly ScanFile[], schema: Schema): void {
  const sizeOf = ({ file }: ScanFile): bigint =>
    schema.fields.reduce((sum, { id }) => sum + (file.column_sizes.get(id) ?? 0n), 0n)
  const bytes = held.reduce((sum, each) => sum + sizeOf(each), 0n)
  if (bytes <= KEY_BYTES_MAX) return
  throw new LakeError(
    'unsupported',
    `${name}: the keys of ${held.length} files that landed within publish.dedupe.within have ${bytes} bytes, more than the ${KEY_BYTES_MAX} that a commit compares`,
    { table: name, bytes: String(bytes), next: 'make `within` shorter, or compact the table sorted by the key' },
  )
}

// --- Within the batch ----------------------------------------------------------------------------------------------

/**
 * The first row of a key to have landed stays, and what landed within the window after it goes; what landed later than that is a row of its own,
 * with a window of its own. All rows of an object landed at once, so there are no more passes than objects.
 */
async function findWithin(session: Session, dedupe: Dedupe): Promise<void> {
  await session.run(
    sql`CREATE OR REPLACE TEMP TABLE ${OPEN} AS SELECT fresh.* FROM ${FRESH} fresh ANTI JOIN ${REPEATS} repeats ON repeats."object" = fresh."object" AND repeats.ordinal = fresh.ordinal`,
  )
  for (let pass = 0; ; pass++) {
    assert(pass < PASSES_MAX, 'each pass goes on by more than a window')
    const order = sql`(PARTITION BY ${keysOf(dedupe)} ORDER BY landed, "object", ordinal)`
    await session.run(
      sql`CREATE OR REPLACE TEMP TABLE sluice_ranked AS SELECT *, row_number() OVER ${order} AS place, landed - first_value(landed) OVER ${order} AS since FROM ${OPEN} QUALIFY place > 1`,
    )
    await session.run(
      sql`INSERT INTO ${REPEATS} SELECT "object", ordinal FROM sluice_ranked WHERE since <= ${windowUs(dedupe)}`,
    )
    await session.run(
      sql`CREATE OR REPLACE TEMP TABLE ${OPEN} AS SELECT * EXCLUDE (place, since) FROM sluice_ranked WHERE since > ${windowUs(dedupe)}`,
    )
    const [row] = await session.rows(sql`SELECT count(*)::DOUBLE AS rows FROM ${OPEN}`)
    if (Number(row?.['rows']) === 0) return
  }
}

/** A batch has a thousand objects at most. */
const PASSES_MAX = 10_000
