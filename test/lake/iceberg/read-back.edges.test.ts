// Contract: at the edges of every type (signs, zeros, infinities, 38 digits, the epoch, long and astral texts, equal prefixes, empty
// values) every partition transform and all bounds keep every row: ClickHouse and our scan find by =, <, >= and IS NULL what DuckDB
// finds in the source, with ClickHouse's pruning by partitions, bounds, row groups and pages on and off.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Transform } from '#lake/dataset.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { parseWhere } from '#lake/iceberg/where.ts'
import { conditionsOf, EDGE_TABLES, type EdgeColumn, makeEdgeTable } from './edge-values.ts'
import { type ClickHouse, clickHouse, readRows, type Workbench, workbench } from './fixture.ts'

let bench: Workbench
let reader: ClickHouse
beforeAll(async () => {
  bench = await workbench()
  reader = clickHouse(bench.root)
})
afterAll(async () => {
  process.chdir('/')
  await bench.close()
})

const PRUNING_OFF =
  'SETTINGS use_iceberg_partition_pruning = 0, input_format_parquet_filter_push_down = 0, input_format_parquet_page_filter_push_down = 0, input_format_parquet_bloom_filter_push_down = 0'

interface Asked {
  readonly type: string
  readonly transform: Transform | undefined
  readonly theirs: string
}

const isTimePart = ({ transform }: Asked): boolean => /^(year|month|day|hour)$/.test(transform?.name ?? '')

interface Fault {
  readonly reason: string
  readonly isMet: (asked: Asked) => boolean
  /** Also when pruning is off. */
  readonly always?: boolean
}

/** What ClickHouse gets wrong in tables of any writer. */
const FAULTS: readonly Fault[] = [
  {
    reason: 'takes what is before 1970 for 1970 in year, month, day and hour (ClickHouse/ClickHouse#119579)',
    isMet: asked => isTimePart(asked) && /'(19[0-6]\d|1970-01-01)/.test(asked.theirs),
  },
  {
    reason: 'computes days in 16 bits, which end in 2149',
    isMet: asked => asked.transform?.name === 'day' && /'2(1[5-9]|[2-9])/.test(asked.theirs),
  },
  {
    reason: 'cannot truncate decimals of more than 18 digits',
    isMet: ({ transform, type }) => transform?.name === 'truncate' && type === 'decimal',
    always: true,
  },
  {
    reason: 'wraps around when it truncates the lowest integer, which we leave the lowest',
    isMet: ({ transform, theirs }) =>
      transform?.name === 'truncate' && /^v >?= toInt..\('-(9.*[78]|21.*8)'/.test(theirs),
  },
  {
    reason: 'throws at a filter by a uuid that partitions the table',
    isMet: ({ transform, type, theirs }) => transform?.name === 'identity' && type === 'uuid' && theirs.includes('='),
    always: true,
  },
]
const met = new Set<string>()

test.for(EDGE_TABLES)('$table', async edgeTable => {
  const { table, edge, transform, rows } = edgeTable
  await makeEdgeTable(bench, edgeTable)
  expect(await readRows(bench, table, sql`id`)).toEqual(
    await bench.session.rows(sql`SELECT * FROM (${rows}) ORDER BY id`),
  )
  const schema = currentSchema((await openTable(bench.lake, table)).metadata)
  for (const { duckDb, clickHouse: theirs, sluice, operator } of conditions(edge)) {
    const wanted = await matching(rows, duckDb)
    const pruned = await readRows(bench, table, sql`id`, { where: parseWhere(sluice, schema) })
    expect(
      pruned.map(row => row['id']),
      sluice,
    ).toEqual(expect.arrayContaining([...wanted]))
    // ClickHouse orders uuids by their second half first.
    if (edge.name === 'uuid' && operator !== '=') continue
    const numbers = operator === '>=' ? await matching(rows, sql`${duckDb} AND ${IS_NUMBER}`) : wanted
    const fault = FAULTS.find(each => each.isMet({ type: edge.name, transform, theirs }))
    for (const settings of ['', PRUNING_OFF]) {
      const answer = attempt(() => found(table, theirs, settings))
      const excused = fault !== undefined && (settings === '' || fault.always === true)
      if (!excused) expect(answer, `${theirs} ${settings}`).toBe(numbers.join(','))
      else if (answer !== numbers.join(',')) met.add(fault.reason)
    }
  }
})

// Runs last: a fault that was repaired makes its test fail, and its exception can go.
test.for(FAULTS)('excused, because ClickHouse $reason', ({ reason }) => {
  expect([...met]).toContain(reason)
})

function attempt(read: () => string): string {
  try {
    return read()
  } catch (error) {
    return String(error)
  }
}

function found(table: string, where: string, settings: string): string {
  const ids = `arrayStringConcat(arraySort(groupArray(id)), ',')`
  return reader.query(`SELECT ${ids} FROM icebergLocal('tables/${table}') WHERE ${where} ${settings}`, 'TSVRaw')
}

/** DuckDB holds NaN to be the greatest number, ClickHouse and SQL to be none. */
const IS_NUMBER = sql`coalesce(NOT isnan(TRY_CAST(v AS DOUBLE)), TRUE)`

const matching = async (rows: Sql, where: Sql): Promise<readonly string[]> =>
  (await bench.session.rows(sql`SELECT id FROM (${rows}) WHERE ${where} ORDER BY id`)).map(row => String(row['id']))

const conditions = (edge: EdgeColumn) => [
  ...conditionsOf(edge),
  { operator: 'IS', duckDb: sql`v IS NULL`, clickHouse: 'v IS NULL', sluice: 'v is null' } as const,
]
