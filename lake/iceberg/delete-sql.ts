import { ident, join, path as qualified, type Sql, sql } from '../duckdb/sql.ts'
import type { LocalDelete, LocalFile } from './local-file.ts'
import { partitionKeyOf } from './operations/overwrite.ts'
import { readSql } from './read-sql.ts'
import type { LiveFile, NestedField, Schema } from './types.ts'

/**
 * A SELECT of the rows of data files that none of their deletes hits, as anti joins against all the deletes at once. Which file each
 * row came from, how old that is and in which partition stand in a small table of files, so one join of each kind is enough for any
 * number of files.
 */
export function undeletedSql(schema: Schema, files: readonly LocalFile[], options: { readonly places?: boolean }): Sql {
  const deletes = [...new Map(files.flatMap(file => file.deletes).map(each => [each.path, each])).values()]
  const positions = deletes.filter(({ live }) => live.file.content === 1)
  const equalities = deletes.filter(({ live }) => live.file.content === 2)
  const hidden = hiddenColumns(schema, equalities)
  const scopes = new Map([...new Set(files.map(scopeOf))].map((key, scope) => [key, scope]))
  const source = readSql({ ...schema, fields: [...schema.fields, ...hidden] }, pathsOf(files), {
    places: true,
    layouts: layoutsOf(files),
    rows: rowsOf(files),
  })
  const names = [...schema.fields.map(field => field.name), ...(options.places ? ['_file', '_pos'] : [])]
  const columns = names.map(name => qualified('_sluice_row', name))
  const joins = [
    ...(positions.length > 0 ? [positionJoin(positions)] : []),
    ...equalityGroups(equalities, scopes).map((group, index) =>
      equalityJoin(group, [...schema.fields, ...hidden], index),
    ),
  ]
  return sql`SELECT ${join(columns, ', ')} FROM (WITH _sluice_files AS (${filesTable(files, scopes)})
    SELECT * FROM (SELECT _sluice_rows.*, _sluice_number, _sluice_scope, _sluice_sequence
      FROM (${source}) _sluice_rows JOIN _sluice_files ON _sluice_path = _file) _sluice_row ${join(joins, ' ')}) _sluice_row`
}

type Scopes = ReadonlyMap<string, number>

const scopeOf = ({ live }: { readonly live: LiveFile }): string => partitionKeyOf(live.file)
const pathsOf = (files: readonly { readonly path: string }[]): readonly string[] => files.map(file => file.path)
const layoutsOf = (files: readonly (LocalFile | LocalDelete)[]): ReadonlyMap<string, LocalFile['layout']> =>
  new Map(files.map(file => [file.path, file.layout]))

/** What DuckDB is told to expect. Without it a scan is taken for a thousand rows a file, and joins hold the table instead of the deletes. */
export const rowsOf = (files: readonly { readonly live: LiveFile }[]): bigint =>
  files.reduce((sum, { live }) => sum + live.file.record_count, 0n)

function filesTable(files: readonly LocalFile[], scopes: Scopes): Sql {
  const rows = files.map(
    ({ path, live }, number) =>
      sql`(${path}, ${live.file.file_path}, ${number}, ${scopes.get(partitionKeyOf(live.file)) ?? -1}, ${live.sequence_number})`,
  )
  return sql`SELECT * FROM (VALUES ${join(rows, ', ')}) v(_sluice_path, _sluice_uri, _sluice_number, _sluice_scope, _sluice_sequence)`
}

/**
 * The columns have these names and no others, whatever their ids (spec, "Position Delete Files"): a file without them fails. The age is
 * not compared in a join, where DuckDB would pair all files with all deletes first.
 */
function positionJoin(deletes: readonly LocalDelete[]): Sql {
  const sequences = deletes.map(({ path, live }) => sql`(${path}, ${live.sequence_number})`)
  return sql`ANTI JOIN (SELECT CASE WHEN _sluice_sequence <= d.sequence THEN _sluice_number END AS number, p.pos
      FROM read_parquet(${pathsOf(deletes)}, filename = '_sluice_delete', hive_partitioning = false, explicit_cardinality = ${rowsOf(deletes)}) p
      JOIN (VALUES ${join(sequences, ', ')}) d(path, sequence) ON d.path = p._sluice_delete
      JOIN _sluice_files ON _sluice_uri = p.file_path) p
    ON p.number = _sluice_row._sluice_number AND p.pos = _sluice_row._pos`
}

// --- Equality deletes ----------------------------------------------------------------------------------------------

/** Deletes that compare the same columns, all of partitions or all of the whole table. */
interface EqualityGroup {
  readonly columns: readonly NestedField[]
  /** Each with the number of its partition; undefined when they apply everywhere. */
  readonly deletes: readonly { readonly local: LocalDelete; readonly scope: number | undefined }[]
}

function equalityGroups(deletes: readonly LocalDelete[], scopes: Scopes): readonly EqualityGroup[] {
  const placed = deletes.map(local => ({
    local,
    scope: local.live.everywhere ? undefined : scopes.get(scopeOf(local)),
  }))
  const groups = Map.groupBy(placed, ({ local, scope }) => JSON.stringify([idsOf(local), scope === undefined]))
  return [...groups.values()].map(group => ({ columns: group[0]?.local.live.columns ?? [], deletes: group }))
}

const idsOf = ({ live }: LocalDelete): readonly number[] => (live.columns ?? []).map(column => column.id)

/**
 * For each deleted key the youngest of its deletes decides: a row goes when it is older than that. Null equals null (spec,
 * "Equality Delete Files").
 */
function equalityJoin({ columns, deletes }: EqualityGroup, known: readonly NestedField[], index: number): Sql {
  const locals = deletes.map(each => each.local)
  const keys = columns.map(column => ({ ...column, name: `_sluice_key_${column.id}`, required: false }))
  const source = readSql({ type: 'struct', 'schema-id': 0, fields: keys }, pathsOf(locals), {
    places: true,
    layouts: layoutsOf(locals),
    rows: rowsOf(locals),
  })
  const ages = deletes.map(({ local, scope }) => sql`(${local.path}, ${scope ?? -1}, ${local.live.sequence_number})`)
  const alias = ident(`_sluice_equal_${index}`)
  const equal = keys.map(key => {
    const column = known.find(field => field.id === key.id)?.name ?? key.name
    return sql`${alias}.${ident(key.name)} IS NOT DISTINCT FROM ${qualified('_sluice_row', column)}`
  })
  const scoped = deletes[0]?.scope === undefined ? [] : [sql`${alias}.scope = _sluice_row._sluice_scope`]
  const younger = sql`${alias}.sequence > _sluice_row._sluice_sequence`
  const names = join(
    keys.map(key => ident(key.name)),
    ', ',
  )
  return sql`ANTI JOIN (SELECT ${names}, d.scope, max(d.sequence) AS sequence FROM (${source}) e
      JOIN (VALUES ${join(ages, ', ')}) d(path, scope, sequence) ON d.path = e._file GROUP BY ALL) ${alias}
    ON ${join([...equal, ...scoped, younger], ' AND ')}`
}

/** Columns that equality deletes compare and the schema does not have: dropped since, or not yet there in an older snapshot. */
function hiddenColumns(schema: Schema, deletes: readonly LocalDelete[]): readonly NestedField[] {
  const columns = new Map(deletes.flatMap(({ live }) => live.columns ?? []).map(column => [column.id, column]))
  return [...columns.values()]
    .filter(column => !schema.fields.some(field => field.id === column.id))
    .map(column => ({ ...column, name: `_sluice_column_${column.id}`, required: false }))
}
