// Contract: while a merge is handed over the process may die after any call that changes the world, and Athena runs on. Whoever takes the batch up
// again, or hands it over beside another execution, ends with the table of the source and with the counts of a run that lived.
import { expect, test } from 'vitest'
import type { HandOver } from '#functions/cdc-apply/cdc-apply.ts'
import { cdcApplyStep } from '#functions/cdc-apply/cdc-apply.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { applyWithAthena, runStatement } from '#local/athena.ts'
import { countCalls, dieAt, READS } from '../mortal.ts'
import { applied, people, peopleRows, stageBatch } from './applying.ts'
import { handed } from './handing-over.ts'
import { play } from './source.ts'

/** Rows that are new, replaced, deleted, moved with a value that stays behind, and patched. */
const { records, table } = play([
  { do: 'upsert', key: '1', bio: 'new' },
  { do: 'upsert', key: '2', bio: 'new' },
  { do: 'upsert', key: '3', bio: 'new' },
  { do: 'upsert', key: '1', bio: 'same' },
  { do: 'delete', key: '2', end: 'both' },
  { do: 'move', key: '3', to: '4', as: 'update' },
  { do: 'upsert', key: '5', bio: 'new' },
])
const EARLIER = records.slice(0, 3)
const BATCH = records.slice(3)
const dataset = handed()
const rows = [...table].map(([key, { name, bio }]) => `${key} ${name ?? '-'} ${bio ?? '-'}`).toSorted()

async function scene(): Promise<MemoryLake> {
  const lake = memoryLake()
  await applied(lake, people(), 'b1', EARLIER)
  await stageBatch(lake, dataset, 'b2', BATCH)
  return lake
}

/** The hand-over table is empty once the batch is applied. */
const left = async (lake: MemoryLake): Promise<number> =>
  (await liveFiles(lake, await openTable(lake, 'people__handover'))).length

test('dying after any write, then running again', async () => {
  const living = await scene()
  const { counts } = await applyWithAthena(living, dataset, 'b2')
  expect(counts).toMatchObject({ received: 5, applied: 4, skipped: 1 })
  expect(await peopleRows(living)).toEqual(rows)
  expect(await left(living)).toBe(0)
  living.dispose()
  const counted = await scene()
  const work = (lake: MemoryLake) => (mortal: Parameters<typeof applyWithAthena>[0]) =>
    applyWithAthena(mortal, dataset, 'b2', statement => runStatement(lake, statement))
  const calls = await countCalls(counted, work(counted), READS)
  counted.dispose()
  expect(calls).toBeGreaterThan(20)
  for (let at = 0; at < calls; at++) {
    const lake = await scene()
    const where = `after write ${at}`
    expect(await dieAt(lake, { at, side: 'after', spared: READS }, work(lake)), where).toBe('dead')
    expect((await applyWithAthena(lake, dataset, 'b2')).counts, where).toEqual(counts)
    expect(await peopleRows(lake), where).toEqual(rows)
    expect(await left(lake), where).toBe(0)
    lake.dispose()
  }
}, 600_000)

test('two executions of one batch at once: one of the statements changes the table, and both report the same', async () => {
  const lake = await scene()
  const steps = async (): Promise<HandOver> => {
    const answer = await cdcApplyStep(lake, dataset, { batch: 'b2' })
    if (!('statement' in answer)) throw new Error('the batch was not handed over')
    await runStatement(lake, answer.statement)
    const merge = await cdcApplyStep(lake, dataset, { batch: 'b2', step: answer.step })
    if (!('statement' in merge)) throw new Error('the batch was closed too early')
    return merge
  }
  const [one, other] = [await steps(), await steps()]
  await runStatement(lake, one.statement)
  const after = await peopleRows(lake)
  await runStatement(lake, other.statement)
  expect(await peopleRows(lake)).toEqual(after)
  expect(after).toEqual(rows)
  const finish = async ({ step }: HandOver) => {
    let answer = await cdcApplyStep(lake, dataset, { batch: 'b2', step })
    while ('statement' in answer) {
      await runStatement(lake, answer.statement)
      answer = await cdcApplyStep(lake, dataset, { batch: 'b2', step: answer.step })
    }
    return answer.counts
  }
  const counts = await finish(other)
  expect(counts).toMatchObject({ received: 5, applied: 4, skipped: 1, duplicate: 0 })
  expect(await finish(one)).toEqual(counts)
  expect(await peopleRows(lake)).toEqual(rows)
  lake.dispose()
}, 60_000)

test('another batch of the same rows comes between, wherever it does', async () => {
  for (const cut of [1, 2, 4])
    for (const statements of [0, 1, 2, 3]) {
      const lake = memoryLake()
      await applied(lake, people(), 'b1', EARLIER)
      await stageBatch(lake, dataset, 'b2', BATCH.slice(0, cut))
      let ran = 0
      const report = await applyWithAthena(lake, dataset, 'b2', async statement => {
        if (ran++ === statements) await applied(lake, people(), 'b3', BATCH.slice(cut))
        await runStatement(lake, statement)
      })
      if (ran <= statements) await applied(lake, people(), 'b3', BATCH.slice(cut))
      const { received, applied: won, superseded, stale, duplicate, skipped, deadLetters } = report.counts
      const where = `cut after ${cut}, before statement ${statements}`
      expect(won + superseded + stale + duplicate + skipped + deadLetters, where).toBe(received)
      expect(await peopleRows(lake), where).toEqual(rows)
      lake.dispose()
    }
}, 120_000)

test.each([
  ['older', '00.00000001.1', rows],
  ['newer', '00.ffffffff.1', ['1 sneaked', ...rows.filter(row => !row.startsWith('1 '))]],
])(
  'a row of one key that a concurrent merge brought unseen, %s, is found when the batch is closed',
  async (_which, version, expected) => {
    const lake = await scene()
    let merges = 0
    await applyWithAthena(lake, dataset, 'b2', async statement => {
      await runStatement(lake, statement)
      if (statement.startsWith('MERGE') && merges++ === 0)
        await runStatement(
          lake,
          `INSERT INTO "people" SELECT * REPLACE ('sneaked' AS name, '${version}' AS _version, 'aaaa.x.y' AS _place) FROM "people" t WHERE id = 1`,
        )
    })
    const short = (await peopleRows(lake)).map(row => row.replace(/^1 sneaked .*/, '1 sneaked'))
    expect(short).toEqual(expected)
    expect(merges).toBe(2)
    lake.dispose()
  },
  60_000,
)
