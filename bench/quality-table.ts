import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { duckdbEngine } from '#lake/duckdb/engine.ts'
import { ident, join as joinSql, type Sql, sql } from '#lake/duckdb/sql.ts'
import { DATA } from './events.ts'

/** The shape that AWS published: 104 columns and a million rows. */
export const ROWS = 1_000_000
export const TABLE = join(DATA, 'quality-104.parquet')

/** An id, 40 whole numbers, 20 fractions, 30 texts and 13 days, with nulls in every seventh column. */
const COLUMNS: readonly (readonly [name: string, value: Sql])[] = [
  ['id', sql`n`],
  ...series(40, at => [`i${at}`, sql`CAST((n * ${2_654_435 + at}) % ${10 ** (1 + (at % 6))} AS INTEGER)`]),
  ...series(20, at => [`x${at}`, sql`((n * ${40_503 + at}) % 100000) / 97.0`]),
  ...series(30, at => [`s${at}`, text(at)]),
  ...series(13, at => [`d${at}`, sql`DATE '2020-01-01' + CAST((n * ${7 + at}) % 1500 AS INTEGER)`]),
]

function series(count: number, column: (at: number) => readonly [string, Sql]): readonly (readonly [string, Sql])[] {
  return Array.from({ length: count }, (_each, at) => {
    const [name, value] = column(at)
    return at % 7 === 6 ? [name, sql`CASE WHEN n % 50 > 0 THEN ${value} END`] : [name, value]
  })
}

/** Names of a few kinds, codes of letters and digits, and texts of many values. */
function text(at: number): Sql {
  if (at % 3 === 0) return sql`(['new', 'paid', 'sent', 'done', 'lost', 'back'])[1 + (n * ${6 * at + 1}) % 6]`
  return at % 3 === 1
    ? sql`printf('AB-%05d', (n * ${at + 11}) % 100000)`
    : sql`printf('user%d@example.com', (n * ${at + 7}) % 50000)`
}

/** Makes the file once. */
export async function makeTable(): Promise<void> {
  if (existsSync(TABLE)) return
  await mkdir(DATA, { recursive: true })
  const session = await duckdbEngine.open({ threads: 2, memoryBytes: 4e9, folders: [DATA], scratch: DATA })
  const columns = COLUMNS.map(([name, value]) => sql`${value} AS ${ident(name)}`)
  const part = `${TABLE}.part`
  await rm(part, { force: true })
  await session.run(
    sql`COPY (SELECT ${joinSql(columns, ', ')} FROM (SELECT range AS n FROM range(${ROWS}))) TO ${part} (FORMAT parquet, COMPRESSION zstd)`,
  )
  await session.close()
  await rename(part, TABLE)
}

/** 25 rules of all sorts, each with what a person would write for it in SQL over the table `t`. */
export const RULES: readonly (readonly [rule: string, aggregates: string])[] = [
  ['IsComplete "i1"', 'count(i1)'],
  ['Completeness "i6" > 0.9', 'count(i6)'],
  ['IsComplete "d1"', 'count(d1)'],
  ['Completeness "x6" > 0.5', 'count(x6)'],
  ['IsUnique "id"', '(SELECT count(*) - count(DISTINCT id) FROM t)'],
  ['IsPrimaryKey "id"', 'count(id)'],
  ['Uniqueness "s2" >= 0', '(SELECT count_if(n = 1) FROM (SELECT count(*) AS n FROM t GROUP BY s2))'],
  [
    'ColumnValues "s0" in ["new","paid","sent","done","lost","back"]',
    "count_if(s0 IN ('new', 'paid', 'sent', 'done', 'lost', 'back'))",
  ],
  ['ColumnValues "i0" in [0,1,2,3,4,5,6,7,8,9]', 'count_if(i0 IN (0, 1, 2, 3, 4, 5, 6, 7, 8, 9))'],
  ['ColumnValues "s3" not in ["none","void"] with threshold > 0.99', "count_if(s3 NOT IN ('none', 'void'))"],
  ['ColumnValues "x3" between -1 and 2000', 'min(x3), max(x3), count(x3), count_if(x3 > -1 AND x3 < 2000)'],
  ['ColumnValues "i4" > -1', 'min(i4), count(i4), count_if(i4 > -1)'],
  ['ColumnValues "d2" > "2019-12-31"', "count_if(d2 > DATE '2019-12-31')"],
  ['ColumnValues "x5" not between 500 and 510', 'count_if(x5 <= 500 OR x5 >= 510)'],
  ['ColumnValues "s1" matches "[A-Z]{2}-\\d+"', "count_if(s1 <> '' AND regexp_full_match(s1, '[A-Z]{2}-\\d+'))"],
  [
    'ColumnValues "s5" matches "[a-z]+[0-8]\\d*@example\\.com"',
    "count_if(s5 <> '' AND regexp_full_match(s5, '[a-z]+[0-8]\\d*@example\\.com'))",
  ],
  [
    'ColumnLength "s4" between 1 and 20',
    "min(length(coalesce(s4, ''))), max(length(coalesce(s4, ''))), count_if(length(coalesce(s4, '')) > 1 AND length(coalesce(s4, '')) < 20)",
  ],
  [
    'ColumnLength "s7" = 8',
    "min(length(coalesce(s7, ''))), max(length(coalesce(s7, ''))), count_if(length(coalesce(s7, '')) = 8)",
  ],
  ['Mean "x0" > 0', 'avg(x0)'],
  ['StandardDeviation "x1" > 0', 'stddev_pop(x1)'],
  ['Sum "i2" > 0', 'sum(i2)'],
  ['DistinctValuesCount "s9" = 6', '(SELECT count(DISTINCT s9) FROM t)'],
  [
    '(IsComplete "i3") and (ColumnValues "i3" >= 0)',
    'count(i3), min(i3), count_if(i3 >= 0), count_if(i3 IS NOT NULL AND i3 >= 0)',
  ],
  [
    '(ColumnValues "s6" = "new") or (IsComplete "s6")',
    "count_if(s6 = 'new'), count(s6), count_if(s6 = 'new' OR s6 IS NOT NULL)",
  ],
  ['(RowCount > 1000) and (Mean "x2" > 0)', 'count(*), avg(x2)'],
]
