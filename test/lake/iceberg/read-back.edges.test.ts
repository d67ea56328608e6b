// Contract: at the edges of every type (signs, zeros, infinities, 38 digits, the epoch, long and astral texts, equal prefixes, empty
// values) every partition transform and all bounds keep every row: ClickHouse and our scan find by =, <, >= and IS NULL what DuckDB
// finds in the source, with ClickHouse's pruning by partitions, bounds, row groups and pages on and off.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Transform } from '#lake/dataset.ts'
import { join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import type { DataFile } from '#lake/iceberg/types.ts'
import { EDGE_COLUMNS, type EdgeColumn } from './edge-values.ts'
import {
  appendRows,
  type ClickHouse,
  clickHouse,
  column,
  definition,
  readRows,
  type Workbench,
  workbench,
  writeRows,
} from './fixture.ts'

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

const CASES = EDGE_COLUMNS.flatMap(edge => [
  { edge, table: `${edge.name}_files`, transform: undefined },
  ...edge.transforms.map(transform => ({
    edge,
    table: `${edge.name}_${transform.name}${'width' in transform ? transform.width : ''}`,
    transform,
  })),
])

test.for(CASES)('$table', async ({ edge, table, transform }) => {
  const partitionBy = transform ? [{ column: 'v', transform }] : []
  await ensureTable(bench.lake, definition(table, [column('id', 'long'), column('v', edge.type)], { partitionBy }))
  const rows = sourceRows(edge)
  // Without a partition for each, a file for each value: then its bounds are what finds it.
  if (transform) await appendRows(bench, table, join(rows, ' UNION ALL '))
  else await appendFiles(table, rows)
  const source = sql`(${join(rows, ' UNION ALL ')})`
  const ours = await readRows(bench, table, sql`id`)
  expect(ours).toEqual(await bench.session.rows(sql`SELECT * FROM ${source} ORDER BY id`))
  for (const { where, theirs } of conditions(edge)) {
    const ids = sql`coalesce(string_agg(id, ',' ORDER BY id), '')`
    const [wanted] = await bench.session.rows(sql`SELECT ${ids} AS ids FROM ${source} WHERE ${where}`)
    const fault = FAULTS.find(each => each.isMet({ type: edge.name, transform, theirs }))
    for (const settings of ['', PRUNING_OFF]) {
      const answer = attempt(() => found(table, theirs, settings))
      const excused = fault !== undefined && (settings === '' || fault.always === true)
      if (!excused) expect(answer, `${theirs} ${settings}`).toBe(wanted?.['ids'])
      else if (answer !== wanted?.['ids']) met.add(fault.reason)
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

/** Every value once, null, and NaN where there is one. */
function sourceRows({ type, edges }: EdgeColumn): readonly Sql[] {
  const nan = type === 'double' || type === 'float' ? [sql`'nan'::DOUBLE`] : []
  const values = [...edges.map(edge => edge.ours), ...nan, sql`NULL`]
  return values.map((value, index) => sql`SELECT ${index}::BIGINT AS id, ${value} AS v`)
}

function conditions({ name, edges }: EdgeColumn): readonly { readonly where: Sql; readonly theirs: string }[] {
  // DuckDB holds NaN to be the greatest number, ClickHouse and SQL to be none.
  const number = sql`NOT isnan(TRY_CAST(v AS DOUBLE))`
  const compared = edges.flatMap(({ ours, theirs }) => [
    { where: sql`v = ${ours}`, theirs: `v = ${theirs}` },
    { where: sql`v < ${ours}`, theirs: `v < ${theirs}` },
    { where: sql`v >= ${ours} AND coalesce(${number}, TRUE)`, theirs: `v >= ${theirs}` },
  ])
  // ClickHouse orders uuids by their second half first, so it is asked for equal ones only.
  const asked = name === 'uuid' ? compared.filter(each => each.theirs.startsWith('v = ')) : compared
  return [...asked, { where: sql`v IS NULL`, theirs: 'v IS NULL' }]
}

async function appendFiles(table: string, rows: readonly Sql[]): Promise<void> {
  const files: DataFile[] = []
  for (const row of rows) files.push(...(await writeRows(bench, await openTable(bench.lake, table), row)))
  expect(files).toHaveLength(rows.length)
  await commit(bench.lake, table, { commitId: table }, () => stageAppend(files))
}
