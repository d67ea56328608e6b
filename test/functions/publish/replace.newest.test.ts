// Replace: a full extract takes the place of the table, or of the partitions that it holds, at once; an older extract that comes late
// or again never undoes a newer one, and an extract of which nothing is usable leaves the table as it is.
import { describe, expect, test } from 'vitest'
import type { Dataset } from '#lake/dataset.ts'
import { LAKES, lines } from '../quality/batches.ts'
import { applied, commitReport, counts, land, orders, refine, rows, snapshots } from './refining.ts'

const extract = (...ids: readonly number[]) => lines(...ids.map(id => ({ id, v: 'x' })))
const whole = orders({ publish: 'replace' })

const outcomes = async (lake: Parameters<typeof commitReport>[0], batch: string) =>
  (await commitReport(lake, batch)).objects.map(counts)

describe.each(LAKES)('the whole table, %s', (_name, use) => {
  test('the newest extract is the table', () =>
    use(async lake => {
      await applied(lake, whole, 'b1', { 1: extract(1, 2) })
      await applied(lake, whole, 'b2', { 2: extract(2, 3, 4) })
      expect(await rows(lake)).toEqual(['2 x', '3 x', '4 x'])
      expect(await outcomes(lake, 'b1')).toEqual(['2 = 2 + 0 + 0'])
      expect(await outcomes(lake, 'b2')).toEqual(['3 = 3 + 0 + 0'])
      expect((await snapshots(lake)).map(each => each.summary['operation'])).toEqual(['overwrite', 'overwrite'])
    }))

  test('an older one that comes late is counted as superseded', () =>
    use(async lake => {
      await applied(lake, whole, 'b2', { 2: extract(3) })
      const report = await applied(lake, whole, 'b1', { 1: `${extract(1, 2)}junk\n` })
      expect(report.rows).toBe(0)
      expect(await rows(lake)).toEqual(['3 x'])
      expect(await outcomes(lake, 'b1')).toEqual(['3 = 0 + 1 + 2'])
      await refine(lake, whole, 'b1')
      expect(await outcomes(lake, 'b1')).toEqual(['3 = 0 + 1 + 2'])
    }))

  test('of several in one batch the newest usable one counts', () =>
    use(async lake => {
      await applied(lake, whole, 'b1', { 1: extract(1), 2: extract(2, 3), 3: 'junk\n' })
      expect(await rows(lake)).toEqual(['2 x', '3 x'])
      expect(await outcomes(lake, 'b1')).toEqual(['1 = 0 + 0 + 1', '2 = 2 + 0 + 0', '1 = 0 + 1 + 0'])
    }))

  test('one of which nothing is usable leaves the table', () =>
    use(async lake => {
      await applied(lake, whole, 'b1', { 1: extract(1) })
      await applied(lake, whole, 'b2', { 2: 'junk\njunk\n' })
      expect(await rows(lake)).toEqual(['1 x'])
      expect(await outcomes(lake, 'b2')).toEqual(['2 = 0 + 2 + 0'])
    }))

  test('the same extract in another batch takes its own place', () =>
    use(async lake => {
      await applied(lake, whole, 'b1', { 1: extract(1, 2) })
      await applied(lake, whole, 'b2', { 1: extract(1, 2) })
      expect(await rows(lake)).toEqual(['1 x', '2 x'])
      expect(await outcomes(lake, 'b2')).toEqual(['2 = 2 + 0 + 0'])
    }))

  test('two at once', () =>
    use(async lake => {
      await land(lake, whole, 'b1', { 1: extract(1) })
      await land(lake, whole, 'b2', { 2: extract(2) })
      await land(lake, whole, 'b3', { 3: extract(3) })
      await Promise.all(['b3', 'b1', 'b2'].map(batch => refine(lake, whole, batch)))
      expect(await rows(lake)).toEqual(['3 x'])
      const all = await Promise.all(['b1', 'b2', 'b3'].map(batch => outcomes(lake, batch)))
      expect(all.at(-1)).toEqual(['1 = 1 + 0 + 0'])
    }))
})

const daily: Dataset = orders({ partitionBy: ['day(day)'], publish: { mode: 'replace', scope: 'partitions' } })
const days = (...all: readonly (readonly [day: number, v: string])[]) =>
  lines(...all.map(([day, v], id) => ({ id, v, day: `2024-01-0${day}` })))

describe.each(LAKES)('by partitions, %s', (_name, use) => {
  test('only the partitions that it holds', () =>
    use(async lake => {
      await applied(lake, daily, 'b1', { 1: days([1, 'a'], [2, 'b'], [2, 'c']) })
      await applied(lake, daily, 'b2', { 2: days([2, 'd'], [3, 'e']) })
      expect(await rows(lake)).toEqual(['0 a', '0 d', '1 e'])
    }))

  test('a late one takes only the partitions that no newer one holds', () =>
    use(async lake => {
      await applied(lake, daily, 'b2', { 2: days([2, 'd'], [3, 'e']) })
      await applied(lake, daily, 'b1', { 1: days([1, 'a'], [2, 'b'], [2, 'c']) })
      expect(await rows(lake)).toEqual(['0 a', '0 d', '1 e'])
      expect(await outcomes(lake, 'b1')).toEqual(['3 = 1 + 0 + 2'])
      await refine(lake, daily, 'b1')
      expect(await outcomes(lake, 'b1')).toEqual(['3 = 1 + 0 + 2'])
    }))

  test('a late one all of whose partitions are newer', () =>
    use(async lake => {
      await applied(lake, daily, 'b2', { 2: days([1, 'd']) })
      await applied(lake, daily, 'b1', { 1: days([1, 'a']) })
      expect(await rows(lake)).toEqual(['0 d'])
      expect(await outcomes(lake, 'b1')).toEqual(['1 = 0 + 0 + 1'])
    }))

  test('of several in one batch the newest counts, partition by partition', () =>
    use(async lake => {
      const undated = lines({ id: 7, v: 'n' })
      await applied(lake, daily, 'b1', { 1: days([1, 'a'], [2, 'b']) + undated, 2: days([2, 'c'], [3, 'd']) + undated })
      expect(await rows(lake)).toEqual(['0 a', '0 c', '1 d', '7 n'])
      expect(await outcomes(lake, 'b1')).toEqual(['3 = 1 + 0 + 2', '3 = 3 + 0 + 0'])
    }))

  test('a late batch of several is counted object by object', () =>
    use(async lake => {
      await applied(lake, daily, 'b9', { 9: days([3, 'z']) })
      await applied(lake, daily, 'b1', { 1: days([1, 'a'], [2, 'b']), 2: days([2, 'c'], [3, 'd'], [3, 'e']) })
      expect(await rows(lake)).toEqual(['0 a', '0 c', '0 z'])
      expect(await outcomes(lake, 'b1')).toEqual(['2 = 1 + 0 + 1', '3 = 1 + 0 + 2'])
    }))
})
