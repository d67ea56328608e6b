// Events that a delivery stream could not process are released like any record: those that fit are rows, those that do not stay, each with its own
// bytes, place and reason; what fails a rule by now is put aside again.
import { expect, test } from 'vitest'
import { release } from '#functions/release/release.ts'
import { control, planReplay, replayRequest } from '#functions/replay/replay.ts'
import type { Dataset } from '#lake/dataset.ts'
import { defineDataset } from '#lake/dataset.ts'
import { diskLake, type LocalLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { runReplay } from '#local/executions.ts'
import { startLocal } from '#local/run.ts'
import { inFolder } from '../../local/lake-state.ts'
import { tableRows } from '../quality/batches.ts'

const columns = { id: { type: 'long', required: true }, day: 'date', amount: 'decimal(9,2)' } as const
const source = { system: 'shop', format: 'ndjson', match: 'payments/*', stream: { eventTime: 'day' } } as const
const payments = defineDataset({ name: 'payments', source, columns, evolution: 'freeze' })
const ruled = defineDataset({
  name: 'payments',
  source,
  columns,
  evolution: 'freeze',
  quality: 'Rules = [ RowCount > 100, ColumnValues "amount" > 0 ]',
})

const failure = (raw: string): string =>
  `${JSON.stringify({ attemptsMade: 1, arrivalTimestamp: 1777897800000, errorCode: 'Lambda.FunctionError', errorMessage: 'it died', rawData: Buffer.from(raw).toString('base64') })}\n`

const PLACE = 'stream-errors/processing-failed/2026/05/04/12/sluice-test-events-1-2026-05-04-12-31-00-2b7e1516'
const EVENTS =
  '{"_dataset":"payments"}\n{"id":1,"amount":"2.50"}\n{"id":"x"}\nno JSON\n{"id":2,"amount":"-1"}\n{"id":3,"amount":3}'

async function released(lake: LocalLake, dataset: Dataset): Promise<void> {
  const runner = startLocal(lake, [dataset], { windowMs: 5 })
  const { batches } = await release(lake, dataset, { action: 'release', filter: {}, dryRun: false })
  await runner.idle()
  await runner.close()
  expect(batches).toHaveLength(1)
}

const rows = (lake: LocalLake) => tableRows(lake, 'payments', sql`id, amount, _raw_row::INTEGER AS row`)
const held = (lake: LocalLake) =>
  tableRows(lake, 'payments__quarantine', sql`record::INTEGER AS record, reason, stage, decode(raw) AS raw`)

async function replayedAll(lake: LocalLake, dataset: Dataset): Promise<void> {
  const id = `r${++replays}`
  await planReplay(lake, id, replayRequest([dataset], { dataset: 'payments', mode: 'all', grace: 0 }))
  const { generation } = await control(lake, id, 'start')
  const world = { lake, datasets: [dataset], step: () => undefined }
  expect((await runReplay(world, { name: `${id}-1`, input: { replay: id, generation } })).status).toBe('SUCCEEDED')
}
let replays = 0

/** What is in quarantine, whatever the reason is called: a release reads a record by itself and may say it in another word. */
const records = async (lake: LocalLake) => (await held(lake)).map(each => `${each['record']} ${each['raw']}`)

async function inLake(work: (lake: LocalLake) => Promise<void>): Promise<void> {
  await inFolder(async folder => {
    const lake = diskLake(folder)
    const runner = startLocal(lake, [payments], { windowMs: 5 })
    runner.landed([await lake.storage.put(`${lake.zones.landing}/${PLACE}`, Buffer.from(failure(EVENTS)))])
    await runner.idle()
    await runner.close()
    await work(lake)
  })
}

test('what fits is in the table, under its number', () =>
  inLake(async lake => {
    const before = await held(lake)
    expect(await rows(lake)).toEqual([])
    await released(lake, payments)
    const fitting = new Set((await rows(lake)).map(row => row['row']))
    expect((await rows(lake)).map(row => `${row['id']} ${row['amount']}`)).toEqual(
      before
        .filter(each => fitting.has(each['record'] as number))
        .map(each => JSON.parse(each['raw'] as string))
        .map(({ id, amount }) => `${id} ${Number(amount).toFixed(2)}`),
    )
    expect(fitting.size).toBeGreaterThan(1)
    const left = before.filter(each => !fitting.has(each['record'] as number))
    const bytes = (some: Awaited<ReturnType<typeof held>>) => some.map(each => `${each['record']} ${each['raw']}`)
    expect(bytes(await held(lake))).toEqual(bytes(left))
  }))

test('what fails a rule is put aside again, with its own bytes', () =>
  inLake(async lake => {
    const before = await held(lake)
    await released(lake, ruled)
    expect((await rows(lake)).every(row => Number(row['amount']) > 0)).toBe(true)
    const again = (await held(lake)).filter(each => String(each['reason']).startsWith('rule:'))
    expect(again.map(each => each['record'])).toEqual([4])
    for (const each of again) expect(each['raw']).toBe(before.find(one => one['record'] === each['record'])?.['raw'])
    expect([...(await rows(lake)), ...(await held(lake))]).toHaveLength(before.length)
  }))

test('a replay keeps what was released, and judges it by the contract and the rules of today', () =>
  inLake(async lake => {
    await replayedAll(lake, payments)
    expect(await rows(lake)).toEqual([])
    await released(lake, payments)
    const [inTable, inQuarantine] = [await rows(lake), await records(lake)]
    expect(inTable.length).toBeGreaterThan(1)
    await replayedAll(lake, payments)
    expect([await rows(lake), await records(lake)]).toEqual([inTable, inQuarantine])
    await replayedAll(lake, ruled)
    expect(await rows(lake)).toEqual(inTable.filter(row => Number(row['amount']) > 0))
    const failing = inTable.filter(row => Number(row['amount']) <= 0)
    expect(failing).toHaveLength(1)
    expect((await held(lake)).length).toBe(inQuarantine.length + 1)
    await replayedAll(lake, payments)
    expect([await rows(lake), await records(lake)]).toEqual([inTable, inQuarantine])
  }))

test('what was released in part stays refused for the rest, and what is dropped stays out', () =>
  inLake(async lake => {
    const runner = startLocal(lake, [payments], { windowMs: 5 })
    await release(lake, payments, { action: 'release', filter: { record: 1 }, dryRun: false })
    await runner.idle()
    await release(lake, payments, { action: 'drop', filter: { record: 3 }, dryRun: false, reason: 'junk' })
    await runner.idle()
    await runner.close()
    const [inTable, inQuarantine] = [await rows(lake), await records(lake)]
    await replayedAll(lake, payments)
    expect([await rows(lake), await records(lake)]).toEqual([inTable, inQuarantine])
    expect(inTable.map(row => row['row'])).toEqual([1])
    expect(inQuarantine.length).toBeGreaterThan(1)
    expect(inQuarantine).not.toContain('3 no JSON')
  }))
