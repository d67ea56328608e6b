import { join as joinPath } from 'node:path'
import { rowFields } from '#lake/changes.ts'
import { LINEAGE } from '#lake/dataset.ts'
import { ident, join, path, type Sql, sql } from '#lake/duckdb/sql.ts'
import { isLakeError } from '#lake/errors.ts'
import { readSql } from '#lake/iceberg/read-sql.ts'
import { duckdbType } from '#lake/iceberg/schema-text.ts'
import { projected, stageColumns } from '#lake/iceberg/stage-columns.ts'
import type { ScanFile, Schema } from '#lake/iceberg/types.ts'
import type { Uri } from '#lake/lake.ts'
import { changesSql, numberSql, placeSql, versionSql } from './change-rows.ts'
import { refuseOutgrown } from './outgrown.ts'
import { type Attempt, keyNames } from './task.ts'

/** The rows that the records in `winners` make: a SELECT of all columns of the table. */
export function plainRows(attempt: Attempt): Sql {
  const { changes } = attempt
  const columns = valueColumns(attempt)
  const deleted = attempt.publish.deletes === 'soft' ? sql`, false AS _deleted` : sql``
  return sql`SELECT ${own(columns, changes.columns)}, ${versionSql} AS _version, ${placeSql} AS _place, NULL::VARCHAR AS _authors${deleted}
    FROM (${changesSql(changes)}) c SEMI JOIN winners w ON w._s_row = c._s_row`
}

/** Columns that the batch's files lack were added after it was decoded. */
const own = (names: readonly string[], known: ReadonlySet<string>): Sql =>
  join(
    names.map(name => (known.has(name) ? ident(name) : sql`NULL AS ${ident(name)}`)),
    ', ',
  )

/** What a source tells of a row, and where that came from. */
function valueColumns({ schema }: Pick<Attempt, 'schema'>): readonly string[] {
  const lineage = LINEAGE.map(({ name }) => name).filter(name => schema.fields.some(field => field.name === name))
  return [...rowFields(schema).map(({ name }) => name), ...lineage]
}

// --- Rows that were folded -----------------------------------------------------------------------------------------

/** The rows in `made`: each from where most of its values are, with the cells that are elsewhere. */
export async function foldedRows(attempt: Attempt, files: readonly ScanFile[]): Promise<Sql> {
  const { session, publish } = attempt
  await gatherValues(attempt, files)
  const mixed = await session.rows(sql`SELECT DISTINCT name FROM cells`)
  const names = new Set(mixed.map(row => String(row['name'])))
  const values = valueColumns(attempt).map(name => valueSql(name, { key: publish.key, mixed: names }))
  const joins = [...names].map(name => {
    const [cell, value] = [ident(`cell_${name}`), ident(`value_${name}`)]
    return sql`LEFT JOIN (FROM cells WHERE name = ${name}) ${cell} ON ${cell}.id = m.id LEFT JOIN vals ${value} ON ${value}._s_ref = ${cell}.ref`
  })
  return sql`SELECT ${join(values, ', ')}, m.version AS _version, m.place AS _place, m.authors AS _authors${stateSql(attempt)}
    FROM made m JOIN folded f ON f._s_number = m.key LEFT JOIN vals b ON b._s_ref = m.ref ${join(joins, ' ')}`
}

function valueSql(
  name: string,
  { key, mixed }: { readonly key: readonly string[]; readonly mixed: ReadonlySet<string> },
): Sql {
  if (key.includes(name)) return path('f', name)
  if (!mixed.has(name)) return path('b', name)
  return sql`CASE WHEN ${path(`cell_${name}`, 'id')} IS NULL THEN ${path('b', name)} ELSE ${path(`value_${name}`, name)} END AS ${ident(name)}`
}

function stateSql({ publish }: Attempt): Sql {
  if (publish.mode === 'history')
    return sql`, make_timestamptz(m.valid_from) AS _valid_from, make_timestamptz(m.valid_to) AS _valid_to, m.is_current AS _is_current`
  return publish.deletes === 'soft' ? sql`, m.deleted AS _deleted` : sql``
}

/** Everything that the rows in `made` refer to, in `vals`, from the files of the batch and of the table. */
async function gatherValues(attempt: Attempt, files: readonly ScanFile[]): Promise<void> {
  const { session, changes, schema } = attempt
  const columns = valueColumns(attempt)
  await session.run(sql`CREATE OR REPLACE TEMP TABLE refs AS SELECT ref, split_part(ref, ':', 1)::INTEGER AS file, split_part(ref, ':', 2)::BIGINT AS pos
    FROM (SELECT ref FROM made UNION SELECT ref FROM cells) WHERE ref IS NOT NULL`)
  const own = columns.filter(name => changes.columns.has(name))
  const fromBatch = sql`SELECT r.ref AS _s_ref, ${keyNames(own, 'c')} FROM (${changesSql(changes)}) c JOIN (FROM refs WHERE file < ${changes.uris.length}) r ON ${numberSql(sql`r.file`, sql`r.pos`)} = c._s_row`
  const fromTable = await storedValues(attempt, { files, schema: projected(schema, columns) })
  await session.run(sql`CREATE OR REPLACE TEMP TABLE vals AS ${fromTable} UNION ALL BY NAME ${fromBatch}`)
}

/** Rows of files of the table, live or deleted since, and of earlier batches. Of a file that is gone there are none, and NULL stays. */
async function storedValues(
  attempt: Attempt,
  { files, schema }: { readonly files: readonly ScanFile[]; readonly schema: Schema },
): Promise<Sql> {
  const { lake, session, places, changes, folder } = attempt
  const wanted = await session.rows(sql`SELECT DISTINCT file FROM refs WHERE file >= ${changes.uris.length}`)
  const uris = wanted.map(row => places.uris[Number(row['file'])] as Uri)
  const live = files.filter(({ file }) => uris.includes(file.file_path))
  refuseOutgrown(attempt, live)
  const columns = schema.fields.map(field => field.id)
  const local = await stageColumns(lake, live, { folder: joinPath(folder, lake.ids.uuid()), columns })
  const known = new Set(live.map(({ file }) => file.file_path))
  const others = (await Promise.all(uris.filter(uri => !known.has(uri)).map(uri => stageOther(attempt, uri)))).flat()
  const [batches, gone] = [others.filter(isOfBatch(attempt)), others.filter(each => !isOfBatch(attempt)(each))]
  const current = local.map(({ path: at, live: { file } }) => ({ at, uri: file.file_path }))
  const layouts = new Map(local.map(each => [each.path, each.layout]))
  const rows = readSql(schema, [...current, ...gone].map(pathOf), { places: true, layouts })
  const all = [...current, ...others]
  const numbered = sql`SELECT unnest(${all.map(pathOf)}::VARCHAR[]) AS path, unnest(${all.map(({ uri }) => places.numberOf(uri))}::INTEGER[]) AS file`
  const sources = [sql`(${rows})`, ...(await Promise.all(batches.map(each => batchSql(attempt, each, schema))))]
  const names = schema.fields.map(({ name }) => name)
  return sql`SELECT r.ref AS _s_ref, ${keyNames(names, 't')} FROM (${join(sources, ' UNION ALL ')}) t JOIN (${numbered}) p ON p.path = t._file JOIN refs r ON r.file = p.file AND r.pos = t._pos`
}

interface LocalPlace {
  readonly at: string
  readonly uri: Uri
}

const pathOf = ({ at }: LocalPlace): string => at
const isOfBatch =
  ({ lake }: Attempt) =>
  ({ uri }: LocalPlace): boolean =>
    uri.startsWith(`${lake.zones.staging}/`)

async function stageOther({ lake, folder }: Attempt, uri: Uri): Promise<readonly LocalPlace[]> {
  try {
    const { path: at } = await lake.storage.stage(uri, joinPath(folder, lake.ids.uuid()), { unhashed: true })
    return [{ at, uri }]
  } catch (error) {
    if (isLakeError(error, 'not-found')) return []
    throw error
  }
}

/** Change rows of an earlier batch, whose columns have no ids. */
async function batchSql({ session }: Attempt, { at }: LocalPlace, schema: Schema): Promise<Sql> {
  const file = sql`read_parquet(${[at]}, hive_partitioning = false, filename = '_file', file_row_number = true)`
  const { columns } = await session.read(sql`FROM ${file} LIMIT 0`)
  const names = new Set(columns.map(({ name }) => name))
  const values = schema.fields.map(({ name, type }) =>
    names.has(name)
      ? sql`CAST(${ident(name)} AS ${duckdbType(type)}) AS ${ident(name)}`
      : sql`CAST(NULL AS ${duckdbType(type)}) AS ${ident(name)}`,
  )
  return sql`SELECT ${join(values, ', ')}, _file, file_row_number AS _pos FROM ${file}`
}
