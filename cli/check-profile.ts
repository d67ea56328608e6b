import { type Kind, kindOf, type Relation, type RelationColumn } from '#lake/dqdl/relation.ts'
import type { Cell, Session } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { type Lookalike, lookalikes } from './check-lookalikes.ts'

/** What one reading of the data tells, and a sample of it. */
export interface Profile {
  readonly rows: number
  readonly columns: readonly ColumnProfile[]
}

export interface ColumnProfile {
  readonly name: string
  readonly kind: Kind
  readonly rows: number
  readonly present: number
  /** About so many: within a few hundredths. */
  readonly distinct: number
  /** Numbers only. */
  readonly numbers: { readonly least: number; readonly most: number; readonly areWhole: boolean } | undefined
  /** Days, `2024-02-29`; dates and timestamps only. */
  readonly days: { readonly first: string; readonly last: string } | undefined
  /** Of text. */
  readonly lengths: { readonly least: number; readonly most: number } | undefined
  /** All values as text, where they are few; undefined where they are not. */
  readonly values: readonly string[] | undefined
  /** What the text of a sample looks like. */
  readonly looks: readonly Lookalike[]
}

/** More values than this are no list that a person would keep. */
export const VALUES_MAX = 12

const SAMPLE_ROWS = 2_000

export async function profileOf(session: Session, relation: Relation): Promise<Profile> {
  const asked = relation.columns.map((column, at) => questions(column, at))
  const [row = {}] = await session.rows(
    sql`SELECT ${join([sql`count(*) AS n`, ...asked.flat()], ', ')} FROM ${relation.source}`,
  )
  const rows = Number(row['n'])
  const looks = await looksOf(session, relation)
  return { rows, columns: relation.columns.map((column, at) => answers(column, { at, row, rows, looks })) }
}

// --- Questions -----------------------------------------------------------------------------------------------------

function questions({ name, type }: RelationColumn, at: number): readonly Sql[] {
  const field = ident(name)
  const as = (aggregate: Sql, what: string): Sql => sql`${aggregate} AS ${ident(`${what}${at}`)}`
  const present = as(sql`count(${field})`, 'present')
  const few = [
    as(sql`approx_count_distinct(${field})`, 'distinct'),
    // Exact as long as there are no more values than it keeps.
    as(sql`approx_top_k(CAST(${field} AS VARCHAR), ${VALUES_MAX + 1})`, 'values'),
  ]
  switch (kindOf(type)) {
    case 'number': {
      const number = sql`CAST(${field} AS DOUBLE)`
      const range = [as(sql`min(${number})`, 'least'), as(sql`max(${number})`, 'most')]
      return [present, ...few, ...range, as(sql`bool_and(${number} = trunc(${number}))`, 'whole')]
    }
    case 'text': {
      const length = sql`length(CAST(${field} AS VARCHAR))`
      return [present, ...few, as(sql`min(${length})`, 'shortest'), as(sql`max(${length})`, 'longest')]
    }
    case 'date':
    case 'timestamp': {
      const day = (value: Sql): Sql => sql`strftime(CAST(${value} AS DATE), '%Y-%m-%d')`
      return [present, as(day(sql`min(${field})`), 'first'), as(day(sql`max(${field})`), 'last')]
    }
    case 'boolean':
    case 'other':
      return [present]
  }
}

/** Patterns are dear, so a sample says which are worth trying: what is proposed is tried on all rows afterwards. */
async function looksOf(
  session: Session,
  { columns, source }: Relation,
): Promise<ReadonlyMap<number, readonly Lookalike[]>> {
  const texts = columns.flatMap(({ name, type }, at) => (kindOf(type) === 'text' ? [{ field: ident(name), at }] : []))
  const tests = texts.flatMap(({ field, at }) =>
    lookalikes.map(
      ({ pattern }, each) =>
        sql`count_if(${field} IS NOT NULL AND NOT regexp_full_match(CAST(${field} AS VARCHAR), ${pattern})) AS ${ident(`${each} of ${at}`)}`,
    ),
  )
  if (tests.length === 0) return new Map()
  const [row = {}] = await session.rows(
    sql`SELECT ${join(tests, ', ')} FROM (SELECT * FROM ${source} LIMIT ${SAMPLE_ROWS})`,
  )
  return new Map(texts.map(({ at }) => [at, lookalikes.filter((_look, each) => Number(row[`${each} of ${at}`]) === 0)]))
}

// --- Answers -------------------------------------------------------------------------------------------------------

interface Answered {
  readonly at: number
  readonly row: Readonly<Record<string, Cell>>
  readonly rows: number
  readonly looks: ReadonlyMap<number, readonly Lookalike[]>
}

function answers({ name, type }: RelationColumn, { at, row, rows, looks }: Answered): ColumnProfile {
  const cell = (what: string): Cell => row[`${what}${at}`] ?? null
  const pair = <T>(from: string, to: string, read: (cell: Cell) => T): readonly [T, T] | undefined => {
    const [left, right] = [cell(from), cell(to)]
    return left === null || right === null ? undefined : [read(left), read(right)]
  }
  const numbers = pair('least', 'most', Number)
  const days = pair('first', 'last', String)
  const lengths = pair('shortest', 'longest', Number)
  const values = cell('values') as readonly string[] | null
  return {
    name,
    kind: kindOf(type),
    rows,
    present: Number(cell('present')),
    distinct: Number(cell('distinct') ?? 0),
    numbers: numbers && { least: numbers[0], most: numbers[1], areWhole: cell('whole') === true },
    days: days && { first: days[0], last: days[1] },
    lengths: lengths && { least: lengths[0], most: lengths[1] },
    values: values === null || values.length > VALUES_MAX ? undefined : values.toSorted(),
    looks: looks.get(at) ?? [],
  }
}
