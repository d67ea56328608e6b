import type { Dataset } from '#lake/dataset.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { assert } from '#lake/errors.ts'
import type { CopiedFile } from '#lake/iceberg/data-file.ts'
import { partitionColumns } from '#lake/iceberg/partition.ts'
import { transformSql } from '#lake/iceberg/transform-sql.ts'
import type { DecodedRaw } from './decode-batch.ts'
import { allRows } from './stage.ts'
import type { OpenTable } from './tables.ts'

/** Of full extracts in one batch, what a newer one among them replaces. Ids of raw objects sort by the time of landing. */
export interface Newest {
  readonly rows: readonly CopiedFile[]
  /** Which of the rows are left, when not all of those files. */
  readonly only?: (rows: Sql) => Sql
  /** Rows that are left out, by raw object. */
  readonly superseded: ReadonlyMap<string, number>
}

export async function newestOf(
  session: Session,
  dataset: Dataset,
  decoded: { readonly objects: readonly DecodedRaw[]; readonly table: OpenTable },
): Promise<Newest> {
  const usable = decoded.objects
    .flatMap(({ object, decoded: scanned }) =>
      scanned?.rows ? [{ id: object.id, rows: scanned.rows, applied: scanned.applied }] : [],
    )
    .toSorted((left, right) => (left.id < right.id ? -1 : 1))
  const rows = usable.map(each => each.rows)
  if (dataset.publish.mode !== 'replace' || usable.length < 2) return { rows, superseded: new Map() }
  if (dataset.publish.scope === 'table') {
    const older = usable.slice(0, -1).map(each => [each.id, each.applied] as const)
    return { rows: rows.slice(-1), superseded: new Map(older) }
  }
  const only = newestOfPartition(decoded.table)
  const kept = await session.rows(
    sql`SELECT _raw_object AS id, count(*)::INTEGER AS rows FROM (${only(allRows(rows))}) GROUP BY _raw_object`,
  )
  const left = new Map(kept.map(each => [String(each['id']), Number(each['rows'])]))
  const superseded = usable.map(({ id, applied }) => [id, applied - (left.get(id) ?? 0)] as const)
  return { rows, only, superseded: new Map(superseded.filter(([, count]) => count > 0)) }
}

/** Each partition belongs to the newest extract that has rows for it. */
function newestOfPartition({ spec, schema }: OpenTable): (rows: Sql) => Sql {
  const keys = partitionColumns(spec, [schema]).flatMap(({ transform, source }, at) => {
    if (transform.name === 'void') return []
    assert(source && transform.name !== 'unknown', 'a declared partition field has a column and a transform')
    return [{ value: transformSql(transform, source.type, ident(source.name)), name: ident(`__sluice_key_${at}`) }]
  })
  const named = join(
    keys.map(({ value, name }) => sql`${value} AS ${name}`),
    ', ',
  )
  const same = keys.map(({ value, name }) => sql`(${value}) IS NOT DISTINCT FROM held.${name}`)
  return rows =>
    sql`SELECT extract.* FROM (${rows}) AS extract JOIN (SELECT ${named}, max(_raw_object) AS __sluice_newest FROM (${rows}) GROUP BY ALL) AS held ON ${join(same, ' AND ')} AND extract._raw_object = held.__sluice_newest`
}
