import { compact, type Strategy } from '#functions/compact/compact.ts'
import { expireSnapshots, rewriteManifests } from '#functions/maintain/maintain.ts'
import { sweep } from '#functions/sweep/sweep.ts'
import type { PartitionField } from '#lake/dataset.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { commit, updateTable } from '#lake/iceberg/commit.ts'
import { stageOverwrite, stageReplacePartitions, stageReplaceTable } from '#lake/iceberg/operations/overwrite.ts'
import { stageReplace } from '#lake/iceberg/operations/replace.ts'
import { danglingDeletes } from '#lake/iceberg/operations/staged.ts'
import type { Predicate } from '#lake/iceberg/predicate.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { liveFiles, planScan } from '#lake/iceberg/scan.ts'
import { updateSchema } from '#lake/iceberg/schema-change.ts'
import { updateSortOrder, updateSpec } from '#lake/iceberg/spec-change.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import { appendRows, column, definition, deleteRows, type Workbench, writeRows } from './fixture.ts'

/** What happens to a table before other engines read it. */
export interface Life {
  readonly name: string
  /** Makes the table of that name and lets it live. */
  readonly live: (bench: Workbench, name: string) => Promise<void>
  /** The rows that it must hold then. */
  readonly rows: Sql
  /** The rows that the tag `before` must still hold, where there is one. */
  readonly tagged?: Sql
}

const COLUMNS = [
  column('id', 'long'),
  column('region', 'string'),
  column('day', 'date'),
  column('amount', 'decimal(18,4)'),
  column('ratio', 'double'),
]

/** Rows by their ids; an id has the same row everywhere. */
export const rowsOf = (first: number, end: number): Sql => sql`(SELECT i::BIGINT AS id,
  CASE i % 4 WHEN 0 THEN 'north' WHEN 1 THEN 'süd / west' WHEN 2 THEN NULL ELSE 'a=b%2F' END AS region,
  DATE '1969-12-25' + (i % 13)::INT AS day, (i * 1.0001)::DECIMAL(18,4) AS amount,
  CASE WHEN i % 10 = 0 THEN NULL ELSE i / 8 END::DOUBLE AS ratio FROM range(${first}, ${end}) r(i))`

const some = (first: number, end: number, where: Sql): Sql => sql`(SELECT * FROM ${rowsOf(first, end)} WHERE ${where})`
const all = (rows: Sql): Sql => sql`SELECT * FROM ${rows}`

const BY_REGION: readonly PartitionField[] = [{ column: 'region', transform: { name: 'identity' } }]

/** A condition on the columns of all lives, as each engine writes it; for our scan what it prunes by. */
export const CONDITIONS: readonly {
  readonly ours: Sql
  readonly clickHouse: string
  readonly pyIceberg: string
  readonly where: readonly Predicate[]
}[] = [
  {
    ours: sql`id >= 40`,
    clickHouse: 'id >= 40',
    pyIceberg: 'id >= 40',
    where: [{ column: 'id', op: '>=', value: 40n }],
  },
  {
    ours: sql`region = 'süd / west' AND id < 30`,
    clickHouse: "region = 'süd / west' AND id < 30",
    pyIceberg: "region = 'süd / west' and id < 30",
    where: [
      { column: 'region', op: 'in', values: ['süd / west'] },
      { column: 'id', op: '<', value: 30n },
    ],
  },
  {
    ours: sql`region IS NULL`,
    clickHouse: 'region IS NULL',
    pyIceberg: 'region is null',
    where: [{ column: 'region', op: 'is-null' }],
  },
  {
    ours: sql`day >= DATE '1970-01-03'`,
    clickHouse: "day >= toDate32('1970-01-03')",
    pyIceberg: "day >= '1970-01-03'",
    where: [{ column: 'day', op: '>=', value: 2 }],
  },
  {
    ours: sql`amount <= 20.0020`,
    clickHouse: "amount <= toDecimal64('20.0020', 4)",
    pyIceberg: "amount <= '20.0020'",
    where: [{ column: 'amount', op: '<=', value: 200_020n }],
  },
]

async function make(bench: Workbench, name: string, more: Parameters<typeof definition>[2] = {}): Promise<void> {
  await ensureTable(bench.lake, definition(name, COLUMNS, { partitionBy: BY_REGION, ...more }))
}

/** Rewrites all live files that a predicate may match into one for each partition, deletes applied. */
export async function compactFiles(bench: Workbench, name: string, where: readonly Predicate[] = []): Promise<void> {
  const start = await openTable(bench.lake, name)
  const live = await liveFiles(bench.lake, start)
  const { schema, files } = await planScan(bench.lake, start, { where })
  const local = await stageFiles(bench.lake, files, `${bench.root}/work`)
  const packed = await writeRows(bench, start, scanSql(schema, local))
  const dangling = new Set(danglingDeletes(live, files).map(file => file.file_path))
  const deletes = new Map(files.flatMap(each => each.deletes).map(each => [each.file.file_path, each]))
  const removedDeletes = [...deletes.values()].filter(each => dangling.has(each.file.file_path))
  const since = start.metadata['current-snapshot-id'] ?? null
  const sequence = start.metadata['last-sequence-number']
  await commit(bench.lake, name, { commitId: bench.lake.ids.uuid() }, () =>
    stageReplace({ added: packed, removed: files, removedDeletes }, sequence, { since }),
  )
}

/** Compacts as the function does, and makes sure that there was something to do. */
export async function compactTable(bench: Workbench, name: string, strategy: Strategy = 'binpack'): Promise<void> {
  const report = await compact(bench.lake, { table: name, strategy })
  if (report.before.files === 0) throw new Error(`${name} was to be compacted`)
}

async function keepAsTag(bench: Workbench, name: string): Promise<void> {
  await updateTable(bench.lake, name, metadata => {
    const id = metadata['current-snapshot-id']
    if (id === undefined || 'before' in metadata.refs) return metadata
    const aside = { 'snapshot-id': id, type: 'branch', 'min-snapshots-to-keep': 1 } as const
    return { ...metadata, refs: { ...metadata.refs, before: { 'snapshot-id': id, type: 'tag' }, aside } }
  })
}

export const LIVES: readonly Life[] = [
  {
    name: 'appended',
    live: async (bench, name) => {
      await make(bench, name)
      for (const first of [0, 20, 40]) await appendRows(bench, name, all(rowsOf(first, first + 20)))
    },
    rows: all(rowsOf(0, 60)),
  },
  {
    name: 'overwritten',
    live: async (bench, name) => {
      await make(bench, name)
      await appendRows(bench, name, all(rowsOf(0, 20)))
      await appendRows(bench, name, all(rowsOf(20, 60)))
      const added = await writeRows(bench, await openTable(bench.lake, name), all(rowsOf(60, 64)))
      await commit(bench.lake, name, { commitId: 'overwrite' }, async base =>
        stageOverwrite({
          added,
          removed: await liveFiles(bench.lake, base, { where: [{ column: 'id', op: '<', value: 20n }] }),
        }),
      )
    },
    rows: all(rowsOf(20, 64)),
  },
  {
    name: 'replaced_partitions',
    live: async (bench, name) => {
      await make(bench, name)
      await appendRows(bench, name, all(rowsOf(0, 60)))
      const added = await writeRows(
        bench,
        await openTable(bench.lake, name),
        all(some(60, 80, sql`region IS NULL OR region = 'north'`)),
      )
      await commit(bench.lake, name, { commitId: 'replace' }, async base =>
        stageReplacePartitions(await liveFiles(bench.lake, base), added),
      )
    },
    rows: sql`SELECT * FROM ${some(0, 60, sql`id % 4 IN (1, 3)`)} UNION ALL SELECT * FROM ${some(60, 80, sql`id % 4 IN (0, 2)`)}`,
  },
  {
    name: 'replaced',
    live: async (bench, name) => {
      await make(bench, name)
      await appendRows(bench, name, all(rowsOf(60, 80)))
      const added = await writeRows(bench, await openTable(bench.lake, name), all(rowsOf(0, 60)))
      await commit(bench.lake, name, { commitId: 'replace' }, async base =>
        stageReplaceTable(await liveFiles(bench.lake, base), added),
      )
    },
    rows: all(rowsOf(0, 60)),
  },
  {
    name: 'deleted_by_position',
    live: async (bench, name) => {
      await make(bench, name)
      for (const first of [0, 20, 40]) await appendRows(bench, name, all(rowsOf(first, first + 20)))
      await deleteRows(bench, name, sql`id % 5 = 0`)
      await deleteRows(bench, name, sql`id % 7 = 0`)
      await appendRows(bench, name, all(rowsOf(60, 65)))
    },
    rows: sql`SELECT * FROM ${some(0, 60, sql`id % 5 <> 0 AND id % 7 <> 0`)} UNION ALL SELECT * FROM ${rowsOf(60, 65)}`,
  },
  {
    name: 'deleted_whole_files',
    live: async (bench, name) => {
      await make(bench, name, { partitionBy: [] })
      for (const first of [0, 30, 60]) await appendRows(bench, name, all(rowsOf(first, first + 30)))
      await deleteRows(bench, name, sql`id < 30 OR id = 65`)
    },
    rows: all(some(30, 90, sql`id <> 65`)),
  },
  {
    name: 'deleted_in_two_specs',
    live: async (bench, name) => {
      await make(bench, name)
      await appendRows(bench, name, all(rowsOf(0, 30)))
      await updateTable(bench.lake, name, metadata =>
        updateSpec(metadata, [
          { type: 'remove', name: 'region' },
          { type: 'add', column: 'day', transform: { name: 'month' } },
          { type: 'add', column: 'id', transform: { name: 'bucket', width: 3 } },
        ]),
      )
      await appendRows(bench, name, all(rowsOf(30, 60)))
      await deleteRows(bench, name, sql`id % 3 = 0`)
    },
    rows: all(some(0, 60, sql`id % 3 <> 0`)),
  },
  {
    name: 'updated',
    live: async (bench, name) => {
      await make(bench, name)
      await appendRows(bench, name, all(rowsOf(0, 60)))
      for (const round of [1, 2])
        await deleteRows(
          bench,
          name,
          sql`id % 6 = 0`,
          sql`SELECT * REPLACE (ratio + ${round} AS ratio) FROM ${some(0, 60, sql`id % 6 = 0`)}`,
        )
    },
    rows: sql`SELECT * REPLACE (CASE WHEN id % 6 = 0 THEN ratio + 2 ELSE ratio END AS ratio) FROM ${rowsOf(0, 60)}`,
  },
  {
    name: 'evolved',
    live: async (bench, name) => {
      const older = [column('small', 'int'), column('gone', 'string'), column('old', 'string')]
      await ensureTable(bench.lake, definition(name, [...COLUMNS, ...older], { partitionBy: BY_REGION }))
      await appendRows(
        bench,
        name,
        sql`SELECT *, id::INT AS small, 'gone' AS gone, 'o' || id AS old FROM ${rowsOf(0, 30)}`,
      )
      await updateTable(bench.lake, name, metadata =>
        updateSchema(metadata, [
          { type: 'promote', path: 'small', to: 'long' },
          { type: 'drop', path: 'gone' },
          { type: 'rename', path: 'old', to: 'fresh' },
          { type: 'add', path: 'gone', column: 'long' },
          { type: 'move', path: 'fresh', place: 'first' },
          { type: 'promote', path: 'amount', to: 'decimal(20,4)' },
        ]),
      )
      await appendRows(bench, name, sql`SELECT *, 5000000000 AS small, 7 AS gone, NULL AS fresh FROM ${rowsOf(30, 60)}`)
    },
    rows: sql`SELECT CASE WHEN id < 30 THEN 'o' || id END AS fresh, * REPLACE (amount::DECIMAL(20,4) AS amount),
      CASE WHEN id < 30 THEN id ELSE 5000000000 END AS small, CASE WHEN id >= 30 THEN 7::BIGINT END AS gone FROM ${rowsOf(0, 60)}`,
  },
  {
    name: 'respecified_and_sorted',
    live: async (bench, name) => {
      await make(bench, name)
      await appendRows(bench, name, all(rowsOf(0, 20)))
      await updateTable(bench.lake, name, metadata =>
        updateSpec(metadata, [{ type: 'add', column: 'day', transform: { name: 'day' } }]),
      )
      await updateTable(bench.lake, name, metadata => updateSortOrder(metadata, [{ column: 'id', direction: 'desc' }]))
      await appendRows(bench, name, all(rowsOf(20, 40)))
      await updateTable(bench.lake, name, metadata =>
        updateSpec(metadata, [
          { type: 'remove', name: 'region' },
          { type: 'remove', name: 'day_day' },
        ]),
      )
      await appendRows(bench, name, all(rowsOf(40, 60)))
    },
    rows: all(rowsOf(0, 60)),
  },
  {
    name: 'merged_manifests',
    live: async (bench, name) => {
      await make(bench, name, { properties: { 'commit.manifest.min-count-to-merge': '3' } })
      for (let first = 0; first < 56; first += 8) await appendRows(bench, name, all(rowsOf(first, first + 8)))
      await deleteRows(bench, name, sql`id % 9 = 0`)
    },
    rows: all(some(0, 56, sql`id % 9 <> 0`)),
  },
  {
    name: 'rewritten_manifests',
    live: async (bench, name) => {
      await make(bench, name)
      for (let first = 0; first < 60; first += 4) await appendRows(bench, name, all(rowsOf(first, first + 4)))
      await deleteRows(bench, name, sql`id % 9 = 0`)
      const report = await rewriteManifests(bench.lake, { table: name })
      if (!report.rewritten) throw new Error('the manifests of this life were to be rewritten')
    },
    rows: all(some(0, 60, sql`id % 9 <> 0`)),
  },
  {
    name: 'compacted',
    live: async (bench, name) => {
      await make(bench, name)
      for (const first of [0, 20, 40]) await appendRows(bench, name, all(rowsOf(first, first + 20)))
      await deleteRows(bench, name, sql`id % 5 = 0`)
      await compactFiles(bench, name)
      await deleteRows(bench, name, sql`id % 7 = 0`)
      await appendRows(bench, name, all(rowsOf(60, 70)))
      await compactFiles(bench, name, [{ column: 'region', op: 'in', values: ['north'] }])
    },
    rows: sql`SELECT * FROM ${some(0, 60, sql`id % 5 <> 0 AND id % 7 <> 0`)} UNION ALL SELECT * FROM ${rowsOf(60, 70)}`,
  },
  ...(['binpack', 'sort', 'zorder'] as const).map(
    (strategy): Life => ({
      name: `compacted_by_${strategy}`,
      live: async (bench, name) => {
        const sortBy = [
          { column: 'day', direction: 'desc' },
          { column: 'id', direction: 'asc' },
        ] as const
        await make(bench, name, { sortBy })
        for (let first = 0; first < 48; first += 8) await appendRows(bench, name, all(rowsOf(first, first + 8)))
        await deleteRows(bench, name, sql`id % 5 = 0`)
        await compactTable(bench, name, strategy)
        await deleteRows(bench, name, sql`id % 7 = 0`)
        await appendRows(bench, name, all(rowsOf(48, 60)))
      },
      rows: sql`SELECT * FROM ${some(0, 48, sql`id % 5 <> 0 AND id % 7 <> 0`)} UNION ALL SELECT * FROM ${rowsOf(48, 60)}`,
    }),
  ),
  {
    name: 'compacted_from_older_specs',
    live: async (bench, name) => {
      await make(bench, name)
      for (let first = 0; first < 24; first += 4) await appendRows(bench, name, all(rowsOf(first, first + 4)))
      await updateTable(bench.lake, name, metadata =>
        updateSpec(metadata, [{ type: 'add', column: 'day', transform: { name: 'month' } }]),
      )
      for (let first = 24; first < 60; first += 12) await appendRows(bench, name, all(rowsOf(first, first + 12)))
      await deleteRows(bench, name, sql`id % 3 = 0`)
      await compactTable(bench, name, 'binpack')
      const live = await liveFiles(bench.lake, await openTable(bench.lake, name))
      if (live.some(({ file }) => file.spec_id === 0)) throw new Error('files of the older spec were to be regrouped')
    },
    rows: all(some(0, 60, sql`id % 3 <> 0`)),
  },
  {
    name: 'tagged',
    live: async (bench, name) => {
      await make(bench, name)
      await appendRows(bench, name, all(rowsOf(0, 30)))
      await keepAsTag(bench, name)
      await deleteRows(bench, name, sql`id % 3 = 0`)
      await appendRows(bench, name, all(rowsOf(30, 60)))
      await compactFiles(bench, name)
    },
    rows: sql`SELECT * FROM ${some(0, 30, sql`id % 3 <> 0`)} UNION ALL SELECT * FROM ${rowsOf(30, 60)}`,
    tagged: all(rowsOf(0, 30)),
  },
  {
    name: 'expired_and_swept',
    live: async (bench, name) => {
      await make(bench, name, { properties: { 'history.expire.max-snapshot-age-ms': '1' } })
      await appendRows(bench, name, all(rowsOf(0, 30)))
      await keepAsTag(bench, name)
      for (const first of [30, 40, 50]) await appendRows(bench, name, all(rowsOf(first, first + 10)))
      await deleteRows(bench, name, sql`id % 3 = 0`)
      await compactFiles(bench, name)
      await bench.lake.clock.sleep(5)
      const expired = await expireSnapshots(bench.lake, { table: name })
      const swept = await sweep(bench.lake, { table: name, graceHours: 0 }, { graceHoursMin: 0 })
      if (expired.expired.length === 0 || swept.deleted.files === 0) throw new Error('nothing was expired or swept')
    },
    rows: all(some(0, 60, sql`id % 3 <> 0`)),
    tagged: all(rowsOf(0, 30)),
  },
]
