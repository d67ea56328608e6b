import { appendFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { numberSql } from './change-rows.ts'
import type { KeyState } from './fold.ts'
import { authorsText, imageText } from './image-text.ts'
import type { Validity } from './load.ts'
import { placeOf, versionOf } from './stamp.ts'
import { type Attempt, keyNames, type Ref } from './task.ts'

/**
 * What the fold decides, written out as lines that DuckDB reads back: rows and the cells in which they differ from where most of their
 * values are, rows that go, and tombstones.
 */
export interface Spill {
  row(key: string, state: KeyState<Ref>, validity?: Validity): void
  gone(ref: Ref): void
  /** A change that is put aside. */
  late(ref: Ref): void
  grave(key: string, grave: Grave): void
  /** Between chunks, so that memory stays bounded. */
  flush(): Promise<void>
  /** Leaves `made`, `cells`, and what was added to `gone` and `graves`. */
  read(): Promise<void>
}

/** A delete that is to be remembered, with what is known of the row that it ended. */
export interface Grave extends Pick<KeyState<Ref>, 'stamp'>, Partial<Pick<KeyState<Ref>, 'image'>> {
  readonly eventUs?: bigint | null
}

const FORMS = {
  made: sql`{id: 'BIGINT', key: 'BIGINT', ref: 'VARCHAR', version: 'VARCHAR', place: 'VARCHAR', authors: 'VARCHAR', deleted: 'BOOLEAN', valid_from: 'BIGINT', valid_to: 'BIGINT', is_current: 'BOOLEAN'}`,
  cells: sql`{id: 'BIGINT', name: 'VARCHAR', ref: 'VARCHAR'}`,
  left: sql`{file: 'INTEGER', pos: 'BIGINT'}`,
  tardy: sql`{file: 'INTEGER', pos: 'BIGINT'}`,
  dead: sql`{key: 'BIGINT', version: 'VARCHAR', place: 'VARCHAR', image: 'VARCHAR', event_us: 'BIGINT'}`,
} as const

type Kind = keyof typeof FORMS

export function openSpill(attempt: Attempt): Spill {
  const { session, folder, lake, publish, places } = attempt
  const name = lake.ids.uuid()
  const file = (kind: Kind): string => joinPath(folder, `${kind}-${name}.ndjson`)
  const lines: Record<Kind, string[]> = { made: [], cells: [], left: [], tardy: [], dead: [] }
  let id = 0
  const flush = async (): Promise<void> => {
    for (const kind of Object.keys(FORMS) as Kind[]) {
      const text = lines[kind].map(line => `${line}\n`).join('')
      lines[kind] = []
      await appendFile(file(kind), text)
    }
  }
  const put = (kind: Kind, line: object): void => {
    lines[kind].push(JSON.stringify(line, (_name, value) => (typeof value === 'bigint' ? String(value) : value)))
  }
  return {
    flush,
    row: (key, { stamp, image, live }, validity) => {
      const [version, place] = [versionOf(stamp), placeOf(stamp)]
      const times = validity && { valid_from: validity.from, valid_to: validity.to, is_current: validity.isCurrent }
      const row = { id, key, ref: image.source ?? null, version, place, authors: authorsText(image, stamp) }
      put('made', { ...row, deleted: !live, ...times })
      for (const [column, { source }] of image.columns)
        if (source !== image.source) put('cells', { id, name: column, ref: source ?? null })
      id++
    },
    gone: ref => put('left', placeOfRef(ref)),
    late: ref => put('tardy', placeOfRef(ref)),
    grave: (key, { stamp, image, eventUs }) => {
      const [version, place] = [versionOf(stamp), placeOf(stamp)]
      put('dead', { key, version, place, image: image ? imageText(image, places) : null, event_us: eventUs ?? null })
    },
    read: async () => {
      await flush()
      const rows = (kind: Kind): Sql =>
        sql`read_json(${file(kind)}, format = 'newline_delimited', columns = ${FORMS[kind]})`
      await session.run(sql`CREATE OR REPLACE TEMP TABLE made AS FROM ${rows('made')}`)
      await session.run(sql`CREATE OR REPLACE TEMP TABLE cells AS FROM ${rows('cells')}`)
      await session.run(sql`INSERT INTO gone SELECT file, pos FROM ${rows('left')}`)
      await session.run(sql`INSERT INTO late SELECT ${numberSql(sql`file`, sql`pos`)} FROM ${rows('tardy')}`)
      await session.run(
        sql`INSERT INTO graves SELECT ${keyNames(publish.key, 'f')}, 'delete', d.version, d.place, d.image, d.event_us FROM ${rows('dead')} d JOIN folded f ON f._s_number = d.key`,
      )
    },
  }
}

function placeOfRef(ref: Ref): { readonly file: number; readonly pos: string } {
  const [file, pos] = ref.split(':') as [string, string]
  return { file: Number(file), pos }
}
