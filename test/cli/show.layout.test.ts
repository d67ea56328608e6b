// `sluice show` says what years leave in a table: deletes, small files, older partition specs and sort orders, branches and tags; and
// nothing of them where there is nothing to say.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../../lake/duckdb/sql.ts'
import { openTable } from '../../lake/iceberg/table.ts'
import { createTable, ensureTable } from '../../lake/iceberg/table-definition.ts'
import { appendRows, column, definition, deleteRows, openSession, type Workbench } from '../lake/iceberg/fixture.ts'
import { commitForeign, equalityDeletes, install } from '../lake/iceberg/foreign-commit.ts'
import { type CommandBench, commandBench } from './command-bench.ts'

let bench: CommandBench
let tagged: string
beforeAll(async () => {
  bench = commandBench()
  const session = await openSession(bench.folder)
  const maker: Workbench = { root: bench.folder, lake: bench.lake, session, close: async () => undefined }
  const columns = [column('id', 'long'), column('day', 'date')]
  const properties = { 'write.target-file-size-bytes': '1000000' }
  const row = (id: number) => sql`SELECT ${id}::BIGINT AS id, DATE '2026-01-05' AS day`
  await createTable(bench.lake, definition('old', columns, { properties }))
  await appendRows(maker, 'old', sql`${row(1)} UNION ALL ${row(2)}`)
  const tag = (await openTable(bench.lake, 'old')).metadata['current-snapshot-id'] as bigint
  tagged = String(tag)
  await ensureTable(
    bench.lake,
    definition('old', columns, {
      properties,
      partitionBy: [{ column: 'day', transform: { name: 'month' } }],
      sortBy: [{ column: 'id', direction: 'asc' }],
    }),
  )
  await appendRows(maker, 'old', row(3))
  await deleteRows(maker, 'old', sql`id = 1`)
  const keys = { source: sql`SELECT 3::BIGINT AS id`, ids: { id: 1 } }
  const global = { file: { spec_id: 0, partition: [] } }
  await commitForeign(bench.lake, 'old', {
    deletes: [await equalityDeletes(maker, await openTable(bench.lake, 'old'), keys, global)],
  })
  const { metadata } = await openTable(bench.lake, 'old')
  const audit = { type: 'tag', 'snapshot-id': tag, 'max-ref-age-ms': 864_000_000 } as const
  const dev = { type: 'branch', 'snapshot-id': tag, 'min-snapshots-to-keep': 3, 'max-snapshot-age-ms': 60_000 } as const
  await install(bench.lake, 'old', { ...metadata, refs: { ...metadata.refs, audit, dev } })
  await createTable(bench.lake, definition('young', columns))
  await appendRows(maker, 'young', row(1))
  await session.close()
})
afterAll(() => bench.remove())

test('as JSON', async () => {
  const shown = JSON.parse((await bench.run(['show', 'old', '--json'])).out)
  expect(shown).toMatchObject({
    rows: 3,
    deletes: { files: 2, positions: 1, equalities: 1 },
    smallFiles: { files: 2, targetBytes: 1_000_000 },
    partitionedBy: ['month(day)'],
    specs: [
      { id: 0, by: [], files: 1, default: false },
      { id: 1, by: ['month(day)'], files: 1, default: true },
    ],
    sortOrders: [
      { id: 0, by: [], default: false },
      { id: 1, by: ['id asc'], default: true },
    ],
  })
  expect(shown.refs).toEqual(
    expect.arrayContaining([
      { name: 'audit', type: 'tag', snapshot: tagged, keepSnapshots: null, snapshotAgeMs: null, refAgeMs: 864_000_000 },
      { name: 'dev', type: 'branch', snapshot: tagged, keepSnapshots: 3, snapshotAgeMs: 60_000, refAgeMs: null },
    ]),
  )
  expect(
    shown.files
      // In the order of their paths, which begin with a random name.
      .toSorted((left: { spec: number }, right: { spec: number }) => left.spec - right.spec)
      .map((file: Record<string, unknown>) => [
        file['spec'],
        file['sortOrder'],
        file['positionDeletes'],
        file['equalityDeletes'],
      ]),
  ).toEqual([
    [0, 0, 1, 1],
    [1, 1, 0, 1],
  ])
})

test('what people see', async () => {
  const { out } = await bench.run(['show', 'old'], { columns: 110 })
  expect(out).toContain('\nFormat          Iceberg, version 2\n')
  expect(out).toContain('\nSmall files     2 of 2 files below 75 % of the target, 1.0 MB\n')
  expect(out).toMatch(/\nDeletes {9}2 files, \d\.\d kB: 1 row by position, 1 key by equality\n/)
  expect(out).toMatch(/\n {3}0 {6}1 {2}nothing\n {3}1 {6}1 {2}month\(day\) {2}\(new files\)\n/)
  expect(out).toMatch(new RegExp(`\\n {2}audit +tag +${tagged} +itself for 10 days\\n`))
  expect(out).toMatch(new RegExp(`\\n {2}dev +branch +${tagged} +3 snapshots, snapshots of 60.0 s\\n`))
  expect(out).toMatch(/ {2}partition +rows +size +deletes +order +path\n/)
  expect(out).toContain(' 1 position, 1 equality ')
})

test('what there is nothing to say of is left out', async () => {
  const { out } = await bench.run(['show', 'young'])
  for (const title of ['Deletes', 'Partition specs', 'Branches and tags', ' order ']) expect(out).not.toContain(title)
  expect(out).toContain('\nSmall files     1 of 1 file below 75 % of the target, 536.9 MB\n')
})
