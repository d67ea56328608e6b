// What is dropped leaves the quarantine, is counted as suppressed, and stays out when its object is replayed, whatever the contract is then.
// The reason that was given and the raw bytes are kept.
import { describe, expect, test } from 'vitest'
import { type CommitReport, commitUri, readDocument } from '#lake/batch.ts'
import { suppressedBy, suppressedRecords } from '#lake/quarantine/suppressed.ts'
import { applied, land, orders, refine, rows } from '../publish/refining.ts'
import { LAKES, landBatch, lines, rawId } from '../quality/batches.ts'
import { account, held, placedRows, settled } from './releasing.ts'

const strict = orders({ columns: { id: { type: 'long', required: true }, v: 'string', day: 'date' } })
const wide = orders()
const BYTES = lines({ id: 1, v: 'a' }, { v: 'b' }, { id: 'x' }, { v: 'd' })

describe.each(LAKES)('%s', (_name, use) => {
  test('dropped, and counted', () =>
    use(async lake => {
      await applied(lake, strict, 'b1', { 1: BYTES })
      const { batches } = await settled(lake, strict, { action: 'drop', filter: { record: 2 } })
      expect(await held(lake)).toEqual(['type:id @1.3 of b1', 'required:id @1.4 of b1'])
      expect(await placedRows(lake)).toEqual(['1 a @1.1'])
      expect(await account(lake, 'b1', 1)).toBe('4 = 1 + 2 + 0 + 1')
      const [document] = await suppressedBy(lake, {
        dataset: 'orders',
        drop: batches[0] as string,
        rawObjects: [rawId(1)],
      })
      expect(document).toMatchObject({ rawObject: rawId(1), batch: 'b1', records: [[2, 2]], reason: 'because' })
      const report = await readDocument<CommitReport>(lake, commitUri(lake, 'orders', batches[0] as string))
      expect(report?.settled).toEqual({ action: 'drop', taken: 1 })
    }))

  test('a replay leaves it out: what would be refused, and what would fit by now', () =>
    use(async lake => {
      await applied(lake, strict, 'b1', { 1: BYTES })
      await settled(lake, strict, { action: 'drop', filter: { record: 2 } })
      await settled(lake, strict, { action: 'drop', filter: { record: 3 } })
      await applied(lake, wide, 'b2', { 1: BYTES, 2: lines({ v: 'other' }) })
      expect(await placedRows(lake)).toEqual(['1 a @1.1', 'd @1.4', 'other @2.1'])
      expect(await held(lake)).toEqual([])
      expect(await account(lake, 'b2', 1)).toBe('4 = 2 + 0 + 0 + 2')
      expect(await account(lake, 'b2', 2)).toBe('1 = 1 + 0 + 0 + 0')
      expect(await account(lake, 'b1', 1)).toBe('4 = 1 + 1 + 0 + 2')
    }))

  test('a whole file', () =>
    use(async lake => {
      const old = orders({ contract: { version: 2 } })
      const both = orders({ contract: { version: 2, accepts: { min: 1, max: 2 } } })
      const objects = [{ order: 1, bytes: BYTES, contractVersion: 1 }]
      await landBatch(lake, old, { id: 'b1', objects })
      await refine(lake, old, 'b1')
      await settled(lake, old, { action: 'drop' })
      expect(await held(lake)).toEqual([])
      expect(await account(lake, 'b1', 1)).toBe('1 = 0 + 0 + 0 + 1')
      await landBatch(lake, both, { id: 'b2', objects })
      await refine(lake, both, 'b2')
      expect(await rows(lake)).toEqual([])
      expect(await account(lake, 'b2', 1)).toBe('1 = 0 + 0 + 0 + 1')
    }))

  test('of a file that is released now, records that were dropped before stay out', () =>
    use(async lake => {
      await applied(lake, strict, 'b1', { 1: BYTES })
      await settled(lake, strict, { action: 'drop', filter: { record: 2 } })
      const later = orders({ contract: { version: 2 } })
      await land(lake, strict, 'b2', { 1: BYTES })
      await refine(lake, later, 'b2')
      expect(await held(lake)).toEqual(['contract_version @1.0 of b2'])
      await settled(lake, wide)
      expect(await placedRows(lake)).toEqual(['1 a @1.1', 'd @1.4'])
      expect(await held(lake)).toEqual(['type:id @1.3 of b2'])
      expect(await account(lake, 'b2', 1)).toBe('4 = 2 + 1 + 0 + 1')
    }))
})

test('one listing finds what was dropped of the objects of a batch, and of no other', async () => {
  await LAKES[0]?.[1](async lake => {
    const objects = Object.fromEntries([1, 2, 3, 4, 5].map(order => [order, lines({ v: 'b' }, { id: order })]))
    await applied(lake, strict, 'b1', objects)
    await settled(lake, strict, { action: 'drop' })
    const found = await suppressedRecords(lake, 'orders', [rawId(4), rawId(2)])
    expect([...found]).toEqual([
      [rawId(2), [[1, 1]]],
      [rawId(4), [[1, 1]]],
    ])
    expect(await suppressedRecords(lake, 'orders', [])).toEqual(new Map())
    expect(await suppressedRecords(lake, 'others', [rawId(2)])).toEqual(new Map())
  })
})
