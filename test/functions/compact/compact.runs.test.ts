// A run is planned, rewritten and committed in steps that know each other by documents alone: each step may be repeated, or done by
// another process, and finds what was done. A dry run and a refusal write nothing at all.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type CompactionPlanned,
  type CompactionProgress,
  commitCompaction,
  compact,
  compactionAction,
  planCompaction,
  rewriteGroup,
} from '#functions/compact/compact.ts'
import { formatDocument, parseDocument } from '#lake/batch.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import type { Lake } from '#lake/lake.ts'
import { type Workbench, workbench } from '../../lake/iceberg/fixture.ts'
import { counts, dataset, rows, smallFiles, snapshots } from './compacting.ts'

let bench: Workbench
const partitionBy = [{ column: 'part', transform: { name: 'identity' } }] as const
beforeAll(async () => {
  bench = await workbench()
  await smallFiles(bench, 'parted', { files: 5, partitionBy })
})
afterAll(() => bench.close())

async function opsDocuments(): Promise<readonly string[]> {
  const found: string[] = []
  for await (const { uri } of bench.lake.storage.list(`${bench.lake.zones.ops}/compactions/`)) found.push(uri)
  return found.map(uri => uri.slice(bench.lake.zones.ops.length))
}

/** A lake that counts what is written to it. */
function watched(): { readonly lake: Lake; readonly writes: string[] } {
  const writes: string[] = []
  const { storage, catalog, bus } = bench.lake
  return {
    writes,
    lake: {
      ...bench.lake,
      storage: {
        ...storage,
        put: async (uri, ...rest) => {
          writes.push(uri)
          return storage.put(uri, ...rest)
        },
        upload: async (path, uri, options) => {
          writes.push(uri)
          return storage.upload(path, uri, options)
        },
      },
      catalog: {
        ...catalog,
        swap: async (...args) => {
          writes.push('swap')
          return catalog.swap(...args)
        },
      },
      bus: {
        publish: async events => {
          writes.push(...events.map(event => event['detail-type']))
          return bus.publish(events)
        },
      },
    },
  }
}

describe('a plan', () => {
  test('of a dry run says what would be done, and writes nothing', async () => {
    const { lake, writes } = watched()
    const planned = await planCompaction(lake, { table: 'parted', dryRun: true })
    expect(planned).toMatchObject({
      table: 'parted',
      snapshotId: expect.stringMatching(/^\d+$/),
      groups: [
        { group: 0, route: 'function', files: 5, outputs: 1, partition: expect.stringMatching(/^part=[01]$/) },
        { group: 1, route: 'function', files: 5, outputs: 1, partition: expect.stringMatching(/^part=[01]$/) },
      ],
      before: { files: 10 },
      after: { files: 2 },
    })
    expect(planned.gbSeconds).toBeGreaterThan(0)
    expect(await compact(lake, { table: 'parted', dryRun: true })).toMatchObject({ committed: [], unfinished: [0, 1] })
    expect(writes).toEqual([])
  })

  test('is small enough for a state machine: pointers and counts', async () => {
    const { groups } = await planCompaction(bench.lake, { table: 'parted', dryRun: true })
    expect(JSON.stringify(groups[0]).length).toBeLessThan(300)
  })

  test('that has nothing to do says why, and writes nothing', async () => {
    await smallFiles(bench, 'few', { files: 4 })
    const { lake, writes } = watched()
    expect(await planCompaction(lake, { table: 'few' })).toMatchObject({
      groups: [],
      reason: expect.stringMatching(/^no partition has 5 files below 403 MB/),
    })
    await smallFiles(bench, 'empty', { files: 0 })
    expect(await planCompaction(bench.lake, { table: 'empty' })).toMatchObject({ groups: [], snapshotId: '' })
    expect(writes).toEqual([])
  })

  test('takes the settings of the dataset, for the tables beside it too', async () => {
    await smallFiles(bench, 'orders', { files: 3 })
    const datasets = [dataset('orders', { minFiles: 3, targetFileBytes: 2_097_152, strategy: 'sort' }, ['id'])]
    for (const table of ['orders__quarantine', 'orders__tombstones', 'orders__handover']) {
      await smallFiles(bench, table, { files: 3 })
      expect((await planCompaction(bench.lake, { table, dryRun: true }, { datasets })).groups, table).toHaveLength(1)
      expect((await planCompaction(bench.lake, { table, dryRun: true })).groups, table).toHaveLength(0)
    }
    // The table has not got the dataset's order yet.
    await expect(planCompaction(bench.lake, { table: 'orders' }, { datasets })).rejects.toMatchObject({ kind: 'usage' })
  })

  test('keeps to a condition, and to a number of groups', async () => {
    const where = await planCompaction(bench.lake, { table: 'parted', where: 'part = 1', dryRun: true })
    expect(where.groups.map(group => group.partition)).toEqual(['part=1'])
    const one = await planCompaction(bench.lake, { table: 'parted', groupsMax: 1, dryRun: true })
    expect(one.groups).toHaveLength(1)
    await expect(planCompaction(bench.lake, { table: 'parted', where: 'nobody = 1' })).rejects.toMatchObject({
      kind: 'usage',
    })
  })

  test('sends to Athena what no function can take, and this process takes it all the same', async () => {
    await smallFiles(bench, 'huge', { files: 1, partitionBy, properties: { 'write.target-file-size-bytes': '1000' } })
    const { groups, run } = await planCompaction(bench.lake, { table: 'huge' }, { bounds: { fileBytesMax: 2_000 } })
    expect(groups.map(({ route, where }) => [route, where]).toSorted()).toEqual([
      ['athena', '"part" = 0'],
      ['athena', '"part" = 1'],
    ])
    await expect(rewriteGroup(bench.lake, { table: 'huge', run, group: 0 })).rejects.toMatchObject({
      kind: 'unsupported',
    })
    expect(await commitCompaction(bench.lake, { table: 'huge', run })).toMatchObject({ committed: [], unfinished: [] })
    expect(
      (await planCompaction(bench.lake, { table: 'huge', dryRun: true })).groups.map(({ route }) => route),
    ).toEqual(['function', 'function'])
  })

  test.each([
    ['the table of raw objects', { table: 'orders__raw' }, 'usage'],
    ['a table that is not there', { table: 'nobody' }, 'not-found'],
    ['a name that cannot be part of a key', { table: 'parted', run: '../x' }, 'event-invalid'],
  ])('of %s is refused', async (_what, request, kind) => {
    const { lake, writes } = watched()
    await expect(planCompaction(lake, request)).rejects.toMatchObject({ kind })
    expect(writes).toEqual([])
  })
})

describe('steps', () => {
  test('find what was done: repeated, they change nothing more', async () => {
    await smallFiles(bench, 'steps', { files: 5, partitionBy })
    const before = await rows(bench, 'steps')
    const step = (event: object) => compactionAction(bench.lake, { table: 'steps', run: 'execution-1', ...event })
    const twice = async (event: object) => {
      const [first, again] = [await step(event), await step(event)]
      expect(again).toEqual(first)
      return first
    }
    const planned = (await twice({ action: 'plan' })) as CompactionPlanned
    for (const { group } of planned.groups)
      expect(await twice({ action: 'rewrite', group })).toMatchObject({ group, files: 1, rows: 25 })
    const report = await twice({ action: 'commit' })
    expect(report).toMatchObject({ committed: [0, 1], givenUp: [], unfinished: [], rows: 50 })
    expect(await snapshots(bench.lake, 'steps')).toHaveLength(6)
    expect(await rows(bench, 'steps')).toEqual(before)
    expect(
      (await opsDocuments())
        .filter(uri => uri.includes('/steps/execution-1/'))
        .map(uri => uri.replace(/files-.*-/, 'files-')),
    ).toEqual([
      '/compactions/steps/execution-1/files-0.json',
      '/compactions/steps/execution-1/files-1.json',
      '/compactions/steps/execution-1/group-0.json',
      '/compactions/steps/execution-1/group-1.json',
      '/compactions/steps/execution-1/plan.json',
    ])
  })

  test('commit what is finished; what comes later is committed by a repetition', async () => {
    await smallFiles(bench, 'late', { files: 5, partitionBy })
    const { run } = await planCompaction(bench.lake, { table: 'late' })
    await rewriteGroup(bench.lake, { table: 'late', run, group: 1 })
    expect(await commitCompaction(bench.lake, { table: 'late', run })).toMatchObject({
      committed: [1],
      unfinished: [0],
    })
    await rewriteGroup(bench.lake, { table: 'late', run, group: 0 })
    const report = await commitCompaction(bench.lake, { table: 'late', run })
    expect(report).toMatchObject({ committed: [1, 0], givenUp: [], unfinished: [] })
    expect(new Set(report.snapshotIds).size).toBe(2)
    expect(await counts(bench.lake, 'late')).toEqual({ data: 2, deletes: 0 })
  })

  test('do not commit a plan of the day before yesterday, whose files may be swept', async () => {
    await smallFiles(bench, 'old', { files: 5 })
    const { run } = await planCompaction(bench.lake, { table: 'old' })
    await rewriteGroup(bench.lake, { table: 'old', run, group: 0 })
    const clock = { ...bench.lake.clock, nowMs: () => bench.lake.clock.nowMs() + 86_400_001 }
    await expect(commitCompaction({ ...bench.lake, clock }, { table: 'old', run })).rejects.toMatchObject({
      kind: 'unsupported',
    })
  })

  test('of a run or a group that nobody planned are not found', async () => {
    await expect(commitCompaction(bench.lake, { table: 'parted', run: 'none' })).rejects.toMatchObject({
      kind: 'not-found',
    })
    const { run } = await planCompaction(bench.lake, { table: 'parted' })
    await expect(rewriteGroup(bench.lake, { table: 'parted', run, group: 9 })).rejects.toMatchObject({
      kind: 'not-found',
    })
  })
})

test('partial progress: a commit for each tenth, all rows there at any moment', async () => {
  await smallFiles(bench, 'parts', { files: 5, partitionBy })
  const before = await rows(bench, 'parts')
  const report = await compact(bench.lake, { table: 'parts', partialProgress: true })
  expect(report).toMatchObject({ committed: [0, 1], before: { files: 10 }, after: { files: 2 }, rows: 50 })
  expect(report.snapshotIds).toHaveLength(2)
  expect(await rows(bench, 'parts')).toEqual(before)
})

test('progress is told up to the end, and the event says what was done', async () => {
  await smallFiles(bench, 'told', { files: 5, partitionBy })
  const lake = diskLake(bench.root)
  const progress: CompactionProgress[] = []
  const report = await compact(lake, { table: 'told' }, { onProgress: step => progress.push(step) })
  expect(progress.map(step => `${step.filesDone}/${step.files}`)).toEqual(['5/10', '10/10'])
  expect(progress.at(-1)).toMatchObject({ bytesDone: report.before.bytes, bytes: report.before.bytes, groups: 2 })
  expect(
    lake.bus.published.filter(event => event['detail-type'] === 'Table Compacted').map(event => event.detail),
  ).toEqual([
    {
      table: 'told',
      run: report.run,
      snapshotIds: report.snapshotIds,
      filesBefore: 10,
      filesAfter: 2,
      bytesBefore: report.before.bytes,
      bytesAfter: report.after.bytes,
      groupsGivenUp: 0,
    },
  ])
})

test('partition values that JSON does not know survive in documents', () => {
  const values = [Number.NaN, Number.POSITIVE_INFINITY, -0, 0, 1.5, null, 7n, Buffer.from('ab')]
  expect(parseDocument(formatDocument(values))).toEqual(values)
})
