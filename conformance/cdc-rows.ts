import { mkdir, rm } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { rowFields } from '#lake/changes.ts'
import { RESCUED } from '#lake/dataset.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import type { IcebergType, Schema } from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'
import type { CaseRow } from './cdc-case.ts'

/** Every row of a table, each as text: cases and tables are compared as sets of these. */
export async function tableTexts(lake: Lake, name: string, expected: readonly CaseRow[]): Promise<readonly string[]> {
  const table = await openTable(lake, name)
  const { files, schema } = await planScan(lake, table)
  const folder = joinPath(lake.limits.scratch, `read-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  const session = await lake.engine.open({ threads: 1, memoryBytes: 100_000_000, folders: [folder], scratch: folder })
  try {
    const local = await stageFiles(lake, files, folder)
    const columns = columnsOf(currentSchema(table.metadata), expected)
    const rows = await session.rows(
      sql`SELECT ${join(
        columns.map(({ name, value }) => sql`${value} AS ${ident(name)}`),
        ', ',
      )} FROM (${scanSql(schema, local)})`,
    )
    return rows.map(row => textOf(columns.map(({ name }) => [name, row[name]] as const))).toSorted()
  } finally {
    await session.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** What a case expects, in the same form: columns that it does not name are NULL. */
export function expectedTexts(rows: readonly CaseRow[]): readonly string[] {
  return rows.map(row => textOf(Object.entries(row))).toSorted()
}

interface Shown {
  readonly name: string
  readonly value: Sql
}

/** The names that cases have for what Sluice calls otherwise. */
const STATE: readonly Shown[] = [
  { name: '_deleted', value: sql`_deleted` },
  { name: '_valid_from_ms', value: sql`epoch_ms(_valid_from)` },
  { name: '_valid_to_ms', value: sql`epoch_ms(_valid_to)` },
  { name: '_is_current', value: sql`_is_current` },
]

function columnsOf(schema: Schema, expected: readonly CaseRow[]): readonly Shown[] {
  const asked = new Set(expected.flatMap(row => Object.keys(row)))
  const state = STATE.filter(({ name }) => asked.has(name))
  const own = rowFields(schema).filter(({ name }) => name !== RESCUED.name)
  return [...own.map(({ name, type }) => ({ name, value: shownSql(ident(name), type) })), ...state]
}

function shownSql(column: Sql, type: IcebergType): Sql {
  if (typeof type !== 'string') return sql`CAST(to_json(${column}) AS VARCHAR)`
  if (type === 'timestamptz') return sql`CAST(${column} AT TIME ZONE 'UTC' AS VARCHAR)`
  return type === 'binary' ? sql`to_base64(${column})` : sql`CAST(${column} AS VARCHAR)`
}

const textOf = (values: readonly (readonly [string, unknown])[]): string =>
  JSON.stringify(
    values
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => [name, plain(value)])
      .toSorted(([left], [right]) => ((left as string) < (right as string) ? -1 : 1)),
  )

/** One spelling for each instant and each number: `12.0` is 12, `20.500000` seconds are 20.5. */
function plain(value: unknown): string {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  const instant = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z|\+00(?::00)?)?$/.exec(text)
  if (instant === null) return text.replace(/^(-?\d+)\.0+$/, '$1')
  const fraction = (instant[3] ?? '').replace(/0+$/, '')
  return `${instant[1]} ${instant[2]}${fraction === '' ? '' : `.${fraction}`}`
}
