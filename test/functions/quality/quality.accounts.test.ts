// Every record that is read is accounted for: applied, quarantined with its raw bytes, place and reason, or superseded. A bad
// record never takes its file along, a bad file never its batch.
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { quality } from '#functions/quality/quality.ts'
import { readDocument, type Verdict, verdictUri } from '#lake/batch.ts'
import { defineDataset } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { isLakeError } from '#lake/errors.ts'
import type { Lake } from '#lake/lake.ts'
import { LAKES, landBatch, lines, rawId, stagedRows } from './batches.ts'

const orders = defineDataset({
  name: 'orders',
  source: { system: 'shop', format: 'ndjson', match: 'orders/*' },
  contract: { version: 3, accepts: { min: 2, max: 3 } },
  columns: { id: { type: 'long', required: true }, amount: 'decimal(9,2)', note: 'string' },
})

const verdictOf = async (lake: Lake, batch: string): Promise<Verdict> => {
  const verdict = await readDocument<Verdict>(lake, verdictUri(lake, 'orders', batch))
  if (verdict === undefined) throw new Error('no verdict')
  return verdict
}

describe.each(LAKES)('%s', (_name, use) => {
  test('good, dirty and broken objects', () =>
    use(async lake => {
      const dirty =
        '{"id":3,"amount":1.5}\n{"id":"x"}\n\n{"id":4,"amount":1.555}\nno json\n{"id":5,"note":"é"}\n{"note":""}\n'
      await landBatch(lake, orders, {
        id: 'b1',
        objects: [
          { order: 1, bytes: gzipSync(lines({ id: 1, amount: 10 }, { id: 2, note: 'x', extra: true })) },
          { order: 2, bytes: dirty },
          { order: 3, bytes: gzipSync(lines({ id: 6 })).subarray(0, 20) },
          { order: 4, bytes: gzipSync(lines({ id: 7 }, { id: 8, amount: '1,5' })) },
          { order: 5, bytes: '' },
          { order: 6, bytes: lines({ id: 9 }), contractVersion: 1 },
          { order: 7, bytes: lines({ id: 10 }), sha256: '0'.repeat(64) },
        ],
      })
      const report = await quality(lake, orders, { batch: 'b1' })
      expect(report).toEqual({
        dataset: 'orders',
        batch: 'b1',
        status: 'pass',
        mode: 'append',
        read: 13,
        quarantined: 8,
      })
      const verdict = await verdictOf(lake, 'b1')
      expect(verdict.objects).toEqual([
        outcome(1, { read: 2, applied: 2 }),
        outcome(2, {
          read: 6,
          applied: 2,
          quarantined: 4,
          reasons: { 'type:id': 1, 'type:amount': 1, json: 1, 'required:id': 1 },
        }),
        outcome(3, { read: 1, quarantined: 1, reasons: { truncated: 1 } }),
        outcome(4, { read: 2, applied: 1, quarantined: 1, reasons: { 'type:amount': 1 } }),
        outcome(5, {}),
        outcome(6, { read: 1, quarantined: 1, reasons: { contract_version: 1 } }),
        outcome(7, { read: 1, quarantined: 1, reasons: { checksum: 1 } }),
      ])
      expect(await stagedRows(lake, verdict.target, sql`_raw_object, _raw_row, id, amount, note, _rescued`)).toEqual([
        row(1, '1', { id: '1', amount: '10.00' }),
        row(1, '2', { id: '2', note: 'x', _rescued: '{"extra":true}' }),
        row(2, '1', { id: '3', amount: '1.50' }),
        row(2, '5', { id: '5', note: 'é' }),
        row(4, '1', { id: '7' }),
      ])
      const select = sql`_raw_object, record, byte_offset, byte_length, decode(raw) AS raw, stage, reason, batch, contract_version, raw_uri, source_uri, CAST(_ingested_at AS VARCHAR) AS at`
      const quarantined = await stagedRows(lake, verdict.quarantine as Verdict['target'], select)
      expect(
        quarantined.map(each => [each['_raw_object'], each['record'], each['stage'], each['reason'], each['raw']]),
      ).toEqual([
        [rawId(2), '2', 'contract', 'type:id', '{"id":"x"}'],
        [rawId(2), '3', 'contract', 'type:amount', '{"id":4,"amount":1.555}'],
        [rawId(2), '4', 'decode', 'json', 'no json'],
        [rawId(2), '6', 'contract', 'required:id', '{"note":""}'],
        [rawId(3), '0', 'decode', 'truncated', null],
        [rawId(4), '2', 'contract', 'type:amount', '{"id":8,"amount":"1,5"}'],
        [rawId(6), '0', 'contract', 'contract_version', null],
        [rawId(7), '0', 'decode', 'checksum', null],
      ])
      for (const each of quarantined) {
        const { raw, record, byte_offset, byte_length } = each
        if (record === '0' || each['_raw_object'] === rawId(4)) continue
        const bytes = Buffer.from(dirty).subarray(Number(byte_offset), Number(byte_offset) + Number(byte_length))
        expect(bytes.toString()).toBe(raw)
      }
      expect(quarantined[0]).toMatchObject({
        batch: 'b1',
        contract_version: 3,
        raw_uri: `${lake.zones.raw}/orders/${rawId(2)}`,
        source_uri: `${lake.zones.landing}/orders/2`,
        at: '2026-01-02 00:00:02+00',
      })
    }))

  test('the first verdict stays', () =>
    use(async lake => {
      await landBatch(lake, orders, { id: 'b1', objects: [{ order: 1, bytes: lines({ id: 1 }) }] })
      const first = await quality(lake, orders, { batch: 'b1' })
      const verdict = await verdictOf(lake, 'b1')
      expect(await quality(lake, orders, { batch: 'b1' })).toEqual(first)
      const both = await Promise.all([quality(lake, orders, { batch: 'b1' }), quality(lake, orders, { batch: 'b1' })])
      expect(both).toEqual([first, first])
      expect(await verdictOf(lake, 'b1')).toEqual(verdict)
    }))

  test('two runs at once of a fresh batch agree on one verdict', () =>
    use(async lake => {
      await landBatch(lake, orders, { id: 'b1', objects: [{ order: 1, bytes: lines({ id: 1 }, 'x') }] })
      const both = await Promise.all([1, 2, 3].map(() => quality(lake, orders, { batch: 'b1' })))
      expect(new Set(both.map(each => JSON.stringify(each))).size).toBe(1)
      expect(await stagedRows(lake, (await verdictOf(lake, 'b1')).target, sql`id`)).toEqual([{ id: '1' }])
    }))

  test('a batch that nobody announced', () =>
    use(async lake => {
      const error = await quality(lake, orders, { batch: 'nope' }).catch(cause => cause)
      expect(isLakeError(error, 'not-found')).toBe(true)
    }))

  test('a batch of which nothing is usable', () =>
    use(async lake => {
      await landBatch(lake, orders, {
        id: 'b1',
        objects: [
          { order: 1, bytes: 'x\n' },
          { order: 2, bytes: '\0\0' },
        ],
      })
      await quality(lake, orders, { batch: 'b1' })
      const { target, quarantine } = await verdictOf(lake, 'b1')
      expect(target.files).toEqual([])
      expect((await stagedRows(lake, quarantine as Verdict['target'])).length).toBe(2)
    }))
})

function outcome(order: number, counts: Partial<Verdict['objects'][number]>): Verdict['objects'][number] {
  return { rawObject: rawId(order), read: 0, applied: 0, quarantined: 0, superseded: 0, reasons: {}, ...counts }
}

function row(order: number, number: string, values: Readonly<Record<string, unknown>>) {
  return { _raw_object: rawId(order), _raw_row: number, id: null, amount: null, note: null, _rescued: null, ...values }
}
