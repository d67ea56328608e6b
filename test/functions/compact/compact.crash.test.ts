// The process may die between any two calls to the world, with the effect of the last one or without it. The table has the same rows
// at that moment, and whoever runs the compaction again, as the same run or as another one, ends with the files that a run without a
// death ends with.

import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { commitCompaction, compact, planCompaction, rewriteGroup } from '#functions/compact/compact.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import type { Row } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import type { Lake } from '#lake/lake.ts'
import { type Workbench, workbench } from '../../lake/iceberg/fixture.ts'
import { countCalls, dieAt, type Side } from '../mortal.ts'
import { counts, deleteRows, rows, smallFiles, snapshots } from './compacting.ts'

const TABLE = 'small'
const RUN = 'run-1'
const partitionBy = [{ column: 'part', transform: { name: 'identity' } }] as const

/** Two partitions, one of them with deleted rows: two groups, and delete files that go with the second. */
async function scene(): Promise<Workbench> {
  const bench = await workbench()
  await smallFiles(bench, TABLE, { files: 5, partitionBy })
  await deleteRows(bench, TABLE, sql`id IN (1, 3, 15)`)
  return bench
}

/** What the workflow does. */
async function workflow(lake: Lake, run = RUN, partialProgress = false): Promise<void> {
  const { groups } = await planCompaction(lake, { table: TABLE, run, partialProgress })
  for (const { group } of groups) await rewriteGroup(lake, { table: TABLE, run, group })
  if (groups.length > 0) await commitCompaction(lake, { table: TABLE, run })
}

async function check(bench: Workbench, wanted: readonly Row[], where: string): Promise<void> {
  expect(await rows(bench, TABLE), where).toEqual(wanted)
}

/** The lake is put back into its first state in place, because its paths are in its metadata. */
async function eachDeath(
  { calls, sides }: { readonly calls: number; readonly sides: readonly Side[] },
  work: (bench: Workbench, death: { readonly at: number; readonly side: Side }, where: string) => Promise<void>,
): Promise<void> {
  const bench = await scene()
  cpSync(bench.root, `${bench.root}-made`, { recursive: true })
  for (let at = 0; at < calls; at++)
    for (const side of sides) {
      for (const folder of ['catalog', 'ops', 'tables'] as const) restore(bench.root, folder)
      await work({ ...bench, lake: diskLake(bench.root) }, { at, side }, `${side} call ${at}`)
    }
  await bench.close()
}

function restore(root: string, folder: string): void {
  rmSync(join(root, folder), { recursive: true, force: true })
  const made = join(`${root}-made`, folder)
  if (existsSync(made)) cpSync(made, join(root, folder), { recursive: true })
}

async function callsOf(work: (lake: Lake) => Promise<unknown>): Promise<number> {
  const bench = await scene()
  const calls = await countCalls(bench.lake, work)
  await bench.close()
  return calls
}

test('dying at any call, then the same run again', { timeout: 400_000 }, async () => {
  const calls = await callsOf(lake => workflow(lake))
  expect(calls).toBeGreaterThan(30)
  await eachDeath({ calls, sides: ['before', 'after'] }, async (bench, death, where) => {
    const before = await rows(bench, TABLE)
    expect(await dieAt(bench.lake, death, lake => workflow(lake)), where).toBe('dead')
    await check(bench, before, where)
    await workflow(bench.lake)
    await check(bench, before, where)
    expect(await counts(bench.lake, TABLE), where).toEqual({ data: 2, deletes: 0 })
    expect(await replaced(bench.lake), where).toBe(1)
  })
})

test('dying at any call, then another run', { timeout: 400_000 }, async () => {
  const calls = await callsOf(lake => compact(lake, { table: TABLE, partialProgress: true }))
  expect(calls).toBeGreaterThan(30)
  // Before a call is after the one before it, which the other test tries all the same.
  await eachDeath({ calls, sides: ['after'] }, async (bench, death, where) => {
    const before = await rows(bench, TABLE)
    expect(await dieAt(bench.lake, death, lake => compact(lake, { table: TABLE, partialProgress: true })), where).toBe(
      'dead',
    )
    await check(bench, before, where)
    await compact(bench.lake, { table: TABLE, partialProgress: true })
    await check(bench, before, where)
    expect(await counts(bench.lake, TABLE), where).toEqual({ data: 2, deletes: 0 })
    // Each group has been committed once, whoever did it.
    expect(await replaced(bench.lake), where).toBe(2)
    expect((await compact(bench.lake, { table: TABLE })).committed, where).toEqual([])
  })
})

const replaced = async (lake: Lake): Promise<number> =>
  (await snapshots(lake, TABLE)).filter(({ summary }) => summary['operation'] === 'replace').length
