import { join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { columnByName } from '#lake/iceberg/schema.ts'
import { duckdbType } from '#lake/iceberg/schema-text.ts'
import { asWord, spellings } from '#lake/mentions.ts'
import { keyTextSql } from '#lake/row-match.ts'
import type { ContractColumn } from '../contract.ts'
import type { DecodeTask } from '../decode/typed-copy.ts'
import type { ColumnParts } from './change-rows.ts'
import type { ChangeParts } from './parts.ts'
import { wired } from './wire.ts'

/**
 * What is said of each record when somebody's records are sought, whatever else becomes of it: `_sought_value`, one of its images has the
 * values; `_sought_keys`, the keys that it names; `_sought_text`, the values stand somewhere in it.
 */
export function soughtSql(
  task: DecodeTask,
  { parts, columns }: { readonly parts: ChangeParts; readonly columns: readonly ColumnParts[] },
): Sql {
  if (task.sought === undefined) return sql``
  const key = columns.filter(({ isKey }) => isKey)
  const others = parts.otherKeys.map(text =>
    keyTextSql(key.map(({ column }) => wired(column, text(column), parts.wire(column)).value)),
  )
  const named = [keyTextSql(key.map(({ value }) => value)), ...others]
  const spelled = task.sought.parts.map(({ value }) => {
    const forms = spellings(value).map(form => sql`regexp_matches(${parts.whole}, ${asWord(form)})`)
    return sql`(${join(forms, ' OR ')})`
  })
  return sql`, ${valueSql(task, { parts, columns })} AS _sought_value, list_distinct(list_filter([${join(named, ', ')}], lambda each: each IS NOT NULL)) AS _sought_keys, COALESCE(${join(spelled, ' AND ')}, FALSE) AS _sought_text`
}

export function soughtColumns({ contract, sought }: DecodeTask): readonly ContractColumn[] {
  const names = new Set(sought?.parts.map(part => part.column))
  return contract.columns.filter(column => names.has(column.name))
}

/** All values in one image: a row that had one of them once and another later is somebody else's. */
function valueSql(
  { sought, schema }: DecodeTask,
  { parts, columns }: { readonly parts: ChangeParts; readonly columns: readonly ColumnParts[] },
): Sql {
  const wanted = (sought?.parts ?? []).flatMap(({ column, value }) => {
    const known = columns.find(each => each.column.name === column)
    return known === undefined
      ? []
      : [{ known, value: sql`TRY_CAST(${value} AS ${duckdbType(columnByName(schema, column).type)})` }]
  })
  const after = wanted.map(({ known, value }) => sql`${known.value} = ${value}`)
  const { before } = parts
  const earlier =
    before &&
    wanted.map(
      ({ known: { column }, value }) => sql`${wired(column, before(column), parts.wire(column)).value} = ${value}`,
    )
  const images = [after, ...(earlier ? [earlier] : [])].map(each => sql`COALESCE(${join(each, ' AND ')}, FALSE)`)
  return sql`(${join(images, ' OR ')})`
}
