import type { RawObject } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import type { ChangePublish } from '#lake/dataset-change-publish.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join, path, type Sql, sql } from '#lake/duckdb/sql.ts'
import type { Predicate } from '#lake/iceberg/predicate.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { Schema } from '#lake/iceberg/types.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import type { Stamp } from './stamp.ts'

/** One batch on its way into one table. */
export interface MergeTask {
  readonly lake: Lake
  readonly session: Session
  readonly dataset: Dataset
  readonly publish: ChangePublish
  readonly batch: string
  readonly objects: readonly RawObject[]
  /** A scratch folder of this run's own. */
  readonly folder: string
  readonly changes: ChangeFiles
  /** So many bytes of the table and the batch may be read; more fails with `outgrown`. */
  readonly bytesMax: number
}

/** The change rows of the batch on local disk, by the names that they have in staging. */
export interface ChangeFiles {
  readonly uris: readonly Uri[]
  readonly paths: readonly string[]
  readonly rows: number
  readonly columns: ReadonlySet<string>
  readonly bytes: number
}

/** The same on the table as it is: everything that is done again when somebody else commits first. */
export interface Attempt extends MergeTask {
  /** The table; or, of a merge that is handed over, the one that its rows were brought into. */
  readonly base: Table
  /** Which rows of it are looked at; all when absent. */
  readonly where?: readonly Predicate[]
  readonly schema: Schema
  readonly places: Places
  /** Guards that hold for all keys. */
  readonly floors: Floors
}

export interface Floors {
  /** The newest truncate before the batch. */
  readonly truncated: Stamp | undefined
  /** The position of the newest delete that is not remembered any more. */
  readonly forgotten: string | undefined
}

/** Files that rows are referred to in, by number: those of the batch come first. */
export class Places {
  private readonly numbers = new Map<Uri, number>()
  readonly uris: Uri[] = []

  numberOf(uri: Uri): number {
    const known = this.numbers.get(uri)
    if (known !== undefined) return known
    this.numbers.set(uri, this.uris.length)
    return this.uris.push(uri) - 1
  }
}

/** A row of a file, as `<number of the file>:<number of the row>`. */
export type Ref = string

export const keyNames = (names: readonly string[], alias?: string): Sql =>
  join(
    names.map(name => (alias === undefined ? ident(name) : path(alias, name))),
    ', ',
  )

export const sameKey = (names: readonly string[], left: string, right: string): Sql =>
  join(
    names.map(name => sql`${path(left, name)} = ${path(right, name)}`),
    ' AND ',
  )

/** `uri` and `number` of every file that rows are referred to in. */
export const urisSql = ({ places }: Pick<Attempt, 'places'>): Sql =>
  sql`SELECT unnest(${places.uris}::VARCHAR[]) AS uri, unnest(range(${places.uris.length})) AS number`
