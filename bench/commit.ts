import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { createTable } from '#lake/iceberg/table-definition.ts'
import type { DataFile } from '#lake/iceberg/types.ts'
import { toBinary } from '#lake/iceberg/value.ts'
import { DATA, events } from './events.ts'
import { report } from './measure.ts'

// Commits of one file each to a table of as many data files as the argument says, on the disk lake: seconds of one commit, the merging of
// manifests included. The table has a hundred snapshots whatever the number of its files, so that the files alone make the difference.
const files = Number(process.argv[2] ?? 100)
const SNAPSHOTS = 100
/** Twice what fills a bin of manifests, so that two merges are paid for. */
const COMMITS = 200

const root = join(DATA, `commits-${files}`)
await rm(root, { recursive: true, force: true })
const lake = diskLake(root)
const { name, columns, partitionBy, sortBy, description } = { ...events, columns: events.columns, sortBy: [] }
const table = await createTable(lake, { name, columns, partitionBy, sortBy, description, properties: {} })
const ids = (table.metadata.schemas[0]?.fields ?? []).filter(field => typeof field.type === 'string')

for (let snapshot = 0; snapshot < SNAPSHOTS; snapshot++) {
  const added = Array.from({ length: files / SNAPSHOTS }, (_, index) => dataFile(`before-${snapshot}-${index}`))
  await commit(lake, name, { commitId: `before-${snapshot}` }, () => stageAppend(added))
}
const before = process.cpuUsage()
const started = performance.now()
for (let each = 0; each < COMMITS; each++)
  await commit(lake, name, { commitId: `measured-${each}` }, () => stageAppend([dataFile(`measured-${each}`)]))
const seconds = (performance.now() - started) / 1_000 / COMMITS
const { user, system } = process.cpuUsage(before)
await rm(root, { recursive: true, force: true })
report({ name: `commit to ${files} files`, seconds, rows: files, cpuSeconds: (user + system) / 1e6 / COMMITS })

/** Known to manifests alone, with the statistics of every column. */
function dataFile(name: string): DataFile {
  const count = new Map(ids.map(field => [field.id, 300_000n]))
  const bound = (low: boolean): ReadonlyMap<number, Buffer> =>
    new Map(
      ids.map(field => [
        field.id,
        field.type === 'string'
          ? Buffer.from(`${low ? 'a' : 'z'}${name}`.slice(0, 16))
          : toBinary('long', low ? 0n : 9n),
      ]),
    )
  return {
    content: 0,
    file_path: `${table.metadata.location}/data/${name}-00000.parquet`,
    file_format: 'PARQUET',
    partition: [],
    spec_id: 0,
    record_count: 300_000n,
    file_size_in_bytes: 12_000_000n,
    column_sizes: count,
    value_counts: count,
    null_value_counts: count,
    nan_value_counts: new Map(),
    lower_bounds: bound(true),
    upper_bounds: bound(false),
    split_offsets: [4n],
    equality_ids: null,
    sort_order_id: 0,
    referenced_data_file: null,
  }
}
