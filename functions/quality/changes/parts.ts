import type { Column } from '#lake/dataset.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import type { ContractColumn } from '../contract.ts'
import type { Position } from './position.ts'
import type { Wire, WireByCase } from './wire.ts'

/**
 * What a decoder of one shape says of its records, as expressions over `from`, which has the columns of `Records` and what the decoder
 * made of them. change-rows.ts makes typed rows and reasons of it, so that the rules of refusing exist once.
 */
export interface ChangeParts {
  readonly from: Sql
  /** The record is no row: a heartbeat, a marker, a message. */
  readonly skipped: Sql
  /** It is a row of a table that this dataset does not hold. */
  readonly elsewhere: Sql
  /** `WHEN … THEN {reason, message}`, the first that holds counts. */
  readonly problems: readonly Sql[]
  /** `upsert`, `delete`, `truncate`. */
  readonly op: Sql
  readonly position: Position
  /** Records without a position are refused where this holds, with that message; the others have none by nature. */
  readonly needsPosition: Sql
  readonly noPosition: string
  /** TRUE for records that this reading was not made for: the object is read again by one that is made for all that it holds. */
  readonly surprise: Sql
  readonly snapshot: Sql
  readonly lane: Sql
  readonly place: Sql
  readonly eventUs: Sql
  /** Hashed: what the record says. */
  readonly content: Sql
  /** Text of the after image. */
  readonly value: (column: ContractColumn) => Sql
  /** TRUE where the old value stays; undefined: never. */
  readonly kept: (column: ContractColumn) => Sql | undefined
  /** Text of a key column, of deletes too. */
  readonly key: (column: ContractColumn) => Sql
  /** Text of the key before the record, NULL when it says nothing of it; undefined: this shape never does. */
  readonly oldKey: ((column: ContractColumn) => Sql) | undefined
  /** Text of a key column wherever else the record has a key: of the row before it, of the other half of a move. */
  readonly otherKeys: readonly ((column: ContractColumn) => Sql)[]
  /** Text of the image before; undefined: this shape has none. Of the columns alone that the task seeks, and of the key. */
  readonly before: ((column: ContractColumn) => Sql) | undefined
  /** Everything that the record says, to look for a text in. */
  readonly whole: Sql
  readonly wire: (column: ContractColumn) => Wire | WireByCase
  /** JSON of the fields that the contract does not know; NULL when there are none. */
  readonly unknown: Sql
}

export const problem = (condition: Sql, reason: string, message: Sql): Sql =>
  sql`WHEN ${condition} THEN {reason: ${reason}, message: ${message}}`

/** All names of a column in events: its own and its former ones. */
export const namesOf = (column: Column): readonly string[] => [column.name, ...column.from]

/** The start of a text, as a message shows it. */
export const shown = (text: Sql): Sql => sql`concat('"', left(CAST(${text} AS VARCHAR), 60), '"')`
