// While a release or a drop is under way, at any of its calls, somebody else replays the object, releases the same records under another
// contract, drops them, or compacts: in the end every record is in the table, or in quarantine, or dropped, in one of them alone and once,
// and what the account of its batch says is what the tables hold.
import { expect, test } from 'vitest'
import { compact } from '#functions/compact/compact.ts'
import type { Dataset } from '#lake/dataset.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { suppressedRecords } from '#lake/quarantine/suppressed.ts'
import { KILLS_TIMEOUT, killStride } from '../kills.ts'
import { countCalls } from '../mortal.ts'
import { applied, orders, refine } from '../publish/refining.ts'
import { lines, rawId } from '../quality/batches.ts'
import { meanwhile } from './meanwhile.ts'
import { account, held, placedRows, select, settled } from './releasing.ts'

/** SLUICE_KILLS=all lets the other one in before every call, which takes minutes. */
const STRIDE = killStride(11)

const required = { id: { type: 'long', required: true }, v: 'string', day: 'date' } as const
const strict = orders({ columns: required })
const wide = orders()
const BYTES = lines({ id: 1, v: 'a' }, { v: 'b' }, { id: 'x' }, { v: 'd' })

async function scene(action: 'release' | 'drop', dataset: Dataset) {
  const lake = memoryLake()
  await applied(lake, strict, 'b1', { 1: BYTES })
  const { batches } = await select(lake, dataset, { action, filter: { reason: 'required:*' } })
  return { lake, batch: batches[0] as string }
}

type Others = readonly (readonly [name: string, work: (lake: MemoryLake) => Promise<unknown>, account?: string])[]

const OTHERS: Others = [
  ['a replay under the old contract', lake => applied(lake, strict, 'b2', { 1: BYTES }), 'b2'],
  ['a replay under the new contract', lake => applied(lake, wide, 'b2', { 1: BYTES }), 'b2'],
  ['a release under the new contract', lake => settled(lake, wide)],
  ['a release under the old contract', lake => settled(lake, strict)],
  ['a drop', lake => settled(lake, wide, { action: 'drop', filter: { record: 2 } })],
  [
    'a compaction',
    lake =>
      compact(
        lake,
        { table: 'orders', where: undefined, strategy: undefined, dryRun: false, partialProgress: false },
        { datasets: [wide], bounds: { fileBytesMax: Number.POSITIVE_INFINITY } },
      ),
  ],
]

async function check(lake: MemoryLake, batch: string, where: string): Promise<void> {
  const places = (texts: readonly string[]) => texts.map(text => Number(/@1\.(\d+)/.exec(text)?.[1]))
  const rows = places(await placedRows(lake))
  const quarantined = places(await held(lake))
  const both = [...rows, ...quarantined].toSorted()
  expect(new Set(both).size, where).toBe(both.length)
  const dropped = (await suppressedRecords(lake, 'orders', [rawId(1)])).get(rawId(1)) ?? []
  const isDropped = (record: number): boolean => dropped.some(([first, last]) => record >= first && record <= last)
  const out = [1, 2, 3, 4].filter(record => !both.includes(record))
  expect(out.filter(isDropped), where).toEqual(out)
  const counts = `4 = ${rows.length} + ${quarantined.length} + 0 + ${out.length}`
  expect(await account(lake, batch, 1), where).toBe(counts)
}

test.each([
  ['release', wide],
  ['release', strict],
  ['drop', wide],
] as const)('%s beside others', { timeout: KILLS_TIMEOUT }, async (action, dataset) => {
  const first = await scene(action, dataset)
  const calls = await countCalls(first.lake, lake => refine(lake, dataset, first.batch))
  for (const [index, [name, work, replayed]] of OTHERS.entries())
    for (let at = index % STRIDE; at < calls; at += STRIDE) {
      const { lake, batch } = await scene(action, dataset)
      let ran = false
      const beside = meanwhile(lake, at, async () => {
        ran = true
        await work(lake)
      })
      await refine(beside, dataset, batch)
      const where = `${action}, ${name} before call ${at}`
      expect(ran, where).toBe(true)
      await check(lake, replayed ?? 'b1', where)
      lake.dispose()
    }
})
