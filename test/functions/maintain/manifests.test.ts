// Many small manifests become few, of which each holds neighbouring partitions; the live files and their sequence numbers stay what they are,
// also when others commit at the same time. Few manifests, or large ones, are left alone.
import { expect, test } from 'vitest'
import { rewriteManifests } from '#functions/maintain/maintain.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { currentSnapshot } from '#lake/iceberg/metadata.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { manifestsOf } from '#lake/iceberg/snapshot.ts'
import { openTable } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'
import { manifestOnly } from '../../lake/iceberg/fixture.ts'
import { newTable } from '../sweep/swept.ts'

const append = (lake: Lake, id: string) =>
  commit(lake, 't', { commitId: id }, () =>
    stageAppend([manifestOnly(`s3://memory-tables/tables/t/data/${id}.parquet`)]),
  )

async function scene(commits: number, properties: Readonly<Record<string, string>> = {}): Promise<MemoryLake> {
  const lake = memoryLake()
  await newTable(lake, 't', { 'commit.manifest-merge.enabled': 'false', ...properties })
  for (let index = 0; index < commits; index++) await append(lake, `c${String(index).padStart(2, '0')}`)
  return lake
}

async function filesOf(lake: Lake): Promise<readonly string[]> {
  const files = await liveFiles(lake, await openTable(lake, 't'))
  return files.map(({ file, sequence_number }) => `${file.file_path.slice(-11, -8)} ${sequence_number}`).toSorted()
}

async function manifestCount(lake: Lake): Promise<number> {
  return (await manifestsOf(lake, currentSnapshot((await openTable(lake, 't')).metadata))).length
}

test('30 manifests become one', async () => {
  const lake = await scene(30)
  const files = await filesOf(lake)
  const would = await rewriteManifests(lake, { table: 't', dryRun: true })
  expect(would).toMatchObject({ dryRun: true, rewritten: true, before: { manifests: 30 }, after: { manifests: 1 } })
  expect(await manifestCount(lake)).toBe(30)
  const report = await rewriteManifests(lake, { table: 't' })
  expect(report).toMatchObject({ rewritten: true, before: { manifests: 30 }, after: { manifests: 1 } })
  expect(report.after.bytes).toBeGreaterThan(0)
  expect(report.after.bytes).toBeLessThan(report.before.bytes)
  expect(await manifestCount(lake)).toBe(1)
  expect(await filesOf(lake)).toEqual(files)
  expect(currentSnapshot((await openTable(lake, 't')).metadata)?.summary['operation']).toBe('replace')
})

test('a second time there is nothing to do', async () => {
  const lake = await scene(30)
  await rewriteManifests(lake, { table: 't' })
  const { entry } = await openTable(lake, 't')
  expect(await rewriteManifests(lake, { table: 't' })).toMatchObject({ rewritten: false, after: { manifests: 1 } })
  expect((await openTable(lake, 't')).entry).toEqual(entry)
})

test.each([
  ['few', 10, {}],
  // A manifest of one file takes some thousand bytes.
  ['large enough', 30, { 'commit.manifest.target-size-bytes': '4500' }],
])('%s: left alone', async (_what, commits, properties) => {
  const lake = await scene(commits, properties)
  const { entry } = await openTable(lake, 't')
  const report = await rewriteManifests(lake, { table: 't' })
  expect(report.before.bytes / commits).toBeLessThan(6_000)
  expect(report).toMatchObject({ rewritten: false, before: { manifests: commits }, after: { manifests: commits } })
  expect((await openTable(lake, 't')).entry).toEqual(entry)
})

test('an append that lands meanwhile is kept', async () => {
  const lake = await scene(30)
  let isDone = false
  const swap: Lake['catalog']['swap'] = async (...args) => {
    if (!isDone) {
      isDone = true
      await append(lake, 'new')
    }
    await lake.catalog.swap(...args)
  }
  await rewriteManifests({ ...lake, catalog: { ...lake.catalog, swap } }, { table: 't' })
  expect(await filesOf(lake)).toHaveLength(31)
  expect(await manifestCount(lake)).toBe(2)
})

test('two at once: one commits, and the files are there once', async () => {
  const lake = await scene(30)
  const files = await filesOf(lake)
  await Promise.all([rewriteManifests(lake, { table: 't' }), rewriteManifests(lake, { table: 't' })])
  expect(await filesOf(lake)).toEqual(files)
  expect((await openTable(lake, 't')).metadata.snapshots).toHaveLength(31)
})

test('a table without snapshots', async () => {
  const lake = await scene(0)
  expect(await rewriteManifests(lake, { table: 't' })).toMatchObject({ rewritten: false, before: { manifests: 0 } })
})
