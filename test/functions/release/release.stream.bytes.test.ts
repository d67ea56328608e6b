// An event of a stream that is no JSON keeps the bytes that were put, and its place among the others, however often it is released and refused again.
import { expect, test } from 'vitest'
import { release } from '#functions/release/release.ts'
import { defineDataset } from '#lake/dataset.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { startLocal } from '#local/run.ts'
import { inFolder } from '../../local/lake-state.ts'
import { tableRows } from '../quality/batches.ts'

const payments = defineDataset({
  name: 'payments',
  source: { system: 'shop', format: 'ndjson', match: 'payments/*', stream: { eventTime: 'day' } },
  columns: { id: { type: 'long', required: true }, day: 'date' },
})

const failure = (raw: Buffer): string =>
  `${JSON.stringify({ attemptsMade: 1, arrivalTimestamp: 1777897800000, errorCode: 'Lambda.FunctionError', errorMessage: 'it died', rawData: raw.toString('base64') })}\n`
const NAMED = '{"_dataset":"payments"}\n'
const LATIN = Buffer.from('{"id":4,"note":"caf\u00e9"}', 'latin1')
const BODY =
  failure(Buffer.from(`${NAMED}{"id":1}\n{"id": "no end\nsaid "so" [1\n{"id":"x"}\n"a text"`)) +
  failure(Buffer.concat([Buffer.from(NAMED), LATIN])) +
  failure(Buffer.from(`${NAMED}{"id":2}`))

const PLACE = 'stream-errors/processing-failed/2026/05/04/12/sluice-test-events-1-2026-05-04-12-31-00-2b7e1516'

const text = (value: string) => Buffer.from(value).toString('hex').toUpperCase()
const REFUSED = [
  { record: 2, raw: text('{"id": "no end'), at: 8, length: 14 },
  { record: 3, raw: text('said "so" [1'), at: 22, length: 12 },
  { record: 4, raw: text('{"id":"x"}'), at: 34, length: 10 },
  { record: 5, raw: text('"a text"'), at: 44, length: 8 },
  { record: 6, raw: LATIN.toString('hex').toUpperCase(), at: 52, length: LATIN.length },
]

test('released twice, what is no JSON has the bytes and the place that it had', () =>
  inFolder(async folder => {
    const lake = diskLake(folder)
    const runner = startLocal(lake, [payments], { windowMs: 5 })
    const held = () =>
      tableRows(
        lake,
        'payments__quarantine',
        sql`record::INTEGER AS record, hex(raw) AS raw, byte_offset::INTEGER AS at, byte_length::INTEGER AS length`,
      )
    runner.landed([await lake.storage.put(`${lake.zones.landing}/${PLACE}`, Buffer.from(BODY))])
    await runner.idle()
    const [first, last] = [
      { record: 1, raw: text('{"id":1}'), at: 0, length: 8 },
      { record: 7, raw: text('{"id":2}'), at: 52 + LATIN.length, length: 8 },
    ]
    expect(await held()).toEqual([first, ...REFUSED, last])
    for (const round of ['once', 'twice']) {
      await release(lake, payments, { action: 'release', filter: {}, dryRun: false })
      await runner.idle()
      expect(await held(), round).toEqual(REFUSED)
      expect(await tableRows(lake, 'payments', sql`id::INTEGER AS id`), round).toEqual([{ id: 1 }, { id: 2 }])
    }
    await runner.close()
  }))
