import { type Dataset, LINEAGE } from './dataset.ts'
import { STATE_NAMES } from './dataset-changes.ts'
import { ident, join, type Sql, sql } from './duckdb/sql.ts'
import { duckdbType } from './iceberg/schema-text.ts'
import type { NestedField, Schema } from './iceberg/types.ts'

/**
 * Change rows: what `quality` makes of change events and `cdc-apply` folds into tables. One row for each record that is neither skipped
 * nor refused; a record that moves a key (delete and upsert) stays one row. Files hold the columns of `changeRow`, in this order.
 */
export type ChangeOp = 'upsert' | 'delete' | 'truncate'

/** The columns of a change row beside those of the table. */
export interface Change {
  readonly _op: ChangeOp
  /**
   * `EE.` and the log position in fixed-width text whose order is the order of the log; `EE` is the epoch in hex. null: the record has
   * none, as a record without a value has not.
   */
  readonly _position: string | null
  /** Read by a snapshot or a full load, not from the log. */
  readonly _snapshot: boolean
  /** Where `_ordinal` can be compared: topic and partition, shard, object, DMS table folder. */
  readonly _lane: string
  /** Fixed-width, sortable place within the lane. */
  readonly _ordinal: string
  /** Columns whose value the record does not have, so that the old one stays. The column itself is NULL. */
  readonly _kept: readonly string[]
  /** The key that the row had before, when the record moves it: text by key column. */
  readonly _old_key: Readonly<Record<string, unknown>> | null
  /** Commit or event time of the source in microseconds since the epoch: validity of history, never a guard. */
  readonly _event_us: bigint | null
  /** Hash of what the record says: the same position and content is the same change, emitted again. */
  readonly _content: string
}

/** Deletes and truncates hold no values beside the key; truncates not even that. */
const FIXED = [
  ['_op', sql`VARCHAR`],
  ['_position', sql`VARCHAR`],
  ['_snapshot', sql`BOOLEAN`],
  ['_lane', sql`VARCHAR`],
  ['_ordinal', sql`VARCHAR`],
  ['_kept', sql`VARCHAR[]`],
  ['_event_us', sql`BIGINT`],
  ['_content', sql`VARCHAR`],
] as const

export interface ChangeColumn {
  readonly name: string
  readonly type: Sql
}

/** All columns of a file of change rows: those of the rows themselves, the change, lineage. `schema` is the table's. */
export function changeRow(dataset: Dataset, schema: Schema): readonly ChangeColumn[] {
  const key = dataset.publish.mode === 'merge' || dataset.publish.mode === 'history' ? dataset.publish.key : []
  const fields = new Map(schema.fields.map(field => [field.name, field]))
  const part = (name: string): Sql => sql`${ident(name)} ${duckdbType((fields.get(name) as NestedField).type)}`
  return [
    ...rowFields(schema).map(field => ({ name: field.name, type: duckdbType(field.type) })),
    ...FIXED.map(([name, type]) => ({ name, type })),
    { name: '_old_key', type: sql`STRUCT(${join(key.map(part), ', ')})` },
    { name: '_raw_object', type: sql`VARCHAR` },
    { name: '_raw_row', type: sql`BIGINT` },
    { name: '_ingested_at', type: sql`TIMESTAMPTZ` },
  ]
}

const HIDDEN: ReadonlySet<string> = new Set([...LINEAGE.map(column => column.name), ...STATE_NAMES])

/** The fields that a source fills: declared columns, those that evolution added, and `_rescued`; none that Sluice keeps for itself. */
export function rowFields(schema: Schema): readonly NestedField[] {
  return schema.fields.filter(({ name }) => !HIDDEN.has(name))
}
