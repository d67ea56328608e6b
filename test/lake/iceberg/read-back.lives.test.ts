// Contract: whatever happened to a table (appended, overwritten, deleted from by position, evolved, re-partitioned, compacted, its
// manifests merged or rewritten, its history expired and swept, tagged), ClickHouse and our scan read the rows that it should hold, in
// whole and by predicates, with ClickHouse's pruning on and off, and what a tag keeps.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Row } from '#lake/duckdb/engine.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { type ClickHouse, clickHouse, readRows, type Workbench, workbench } from './fixture.ts'
import { CONDITIONS, LIVES } from './lives.ts'

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
  'SETTINGS use_iceberg_partition_pruning = 0, input_format_parquet_filter_push_down = 0, input_format_parquet_page_filter_push_down = 0'

describe.for(LIVES)('$name', ({ name, live, rows, tagged }) => {
  beforeAll(() => live(bench, name))

  test('our scan reads its rows', async () => {
    expect(await readRows(bench, name, sql`id`)).toEqual(await expected(rows))
    for (const { ours, where } of CONDITIONS) {
      const found = await readRows(bench, name, sql`id`, { where })
      const ids = new Set(found.map(row => row['id']))
      const missing = (await expected(rows, ours)).filter(row => !ids.has(row['id'] as string))
      expect(missing).toEqual([])
    }
  })

  test('ClickHouse reads its rows', async () => {
    expect(theirs(name, '1', '')).toEqual(await numbers(rows))
    for (const { ours, clickHouse: where } of CONDITIONS)
      for (const settings of ['', PRUNING_OFF])
        expect(theirs(name, where, settings), where).toEqual(await numbers(rows, ours))
  })

  if (tagged === undefined) return

  test('a tag keeps what it was put on', async () => {
    const { metadata } = await openTable(bench.lake, name)
    const id = metadata.refs['before']?.['snapshot-id']
    const snapshot = metadata.snapshots.find(each => each['snapshot-id'] === id)
    expect(await readRows(bench, name, sql`id`, { snapshot })).toEqual(await expected(tagged))
    expect(theirs(name, '1', `SETTINGS iceberg_snapshot_id = ${id}`)).toEqual(await numbers(tagged))
  })
})

const expected = (rows: Sql, where: Sql = sql`TRUE`): Promise<readonly Row[]> =>
  bench.session.rows(sql`SELECT * FROM (${rows}) WHERE ${where} ORDER BY id`)

/** What both engines print alike, row by row: decimals and doubles as whole numbers. */
async function numbers(rows: Sql, where: Sql = sql`TRUE`): Promise<readonly unknown[]> {
  const found = await bench.session.rows(
    sql`SELECT id::INTEGER AS id, region, day::VARCHAR AS day, (amount * 10000)::INTEGER AS amount, (ratio * 8)::INTEGER AS ratio
      FROM (${rows}) WHERE ${where} ORDER BY id`,
  )
  return found.map(row => Object.values(row))
}

function theirs(table: string, where: string, settings: string): readonly unknown[] {
  const select = `SELECT toInt32(id), region, toString(day), toInt32(amount * 10000), toInt32(ratio * 8)
    FROM icebergLocal('tables/${table}') WHERE ${where} ORDER BY id ${settings}`
  return (JSON.parse(reader.query(select, 'JSONCompact')) as { readonly data: readonly unknown[] }).data
}
