// What is staged is the table's final form: few files, in its partitions and order, with the counts that a manifest needs. A crowd
// of small objects becomes one file, not a crowd of small files.
import { describe, expect, test } from 'vitest'
import { quality } from '#functions/quality/quality.ts'
import { readDocument, type Verdict, verdictUri } from '#lake/batch.ts'
import { type Dataset, type DatasetSpec, defineDataset } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import type { Lake } from '#lake/lake.ts'
import { LAKES, type Landing, landBatch, lines, stagedRows } from './batches.ts'

const dataset = (spec: Partial<DatasetSpec<'id' | 'day' | 'text'>> = {}) =>
  defineDataset({
    name: 'trips',
    source: { system: 's', format: 'ndjson', match: '*' },
    columns: { id: 'long', day: 'date', text: 'string' },
    ...spec,
  })

async function staged(lake: Lake, trips: Dataset, objects: readonly Landing[]): Promise<Verdict> {
  await landBatch(lake, trips, { id: 'b1', objects })
  await quality(lake, trips, { batch: 'b1' })
  return (await readDocument<Verdict>(lake, verdictUri(lake, 'trips', 'b1'))) as Verdict
}

const counts = ({ target }: Verdict) => target.files.map(each => Number(each.file.record_count))

describe.each(LAKES)('%s', (_name, use) => {
  test('200 tiny objects give one file', () =>
    use(async lake => {
      const objects = Array.from({ length: 200 }, (_, order) => ({
        order,
        bytes: lines({ id: order }, ...(order % 50 === 0 ? ['broken'] : [])),
      }))
      const verdict = await staged(lake, dataset(), objects)
      expect(counts(verdict)).toEqual([200])
      expect(verdict.quarantine?.files.map(each => each.file.record_count)).toEqual([4n])
      expect(verdict.objects.map(each => each.rawObject)).toEqual(
        verdict.objects.map(each => each.rawObject).toSorted(),
      )
      expect(verdict.objects.every(each => each.applied === 1)).toBe(true)
      const [sums] = await stagedRows(
        lake,
        verdict.target,
        sql`sum(id)::INTEGER AS ids, count(DISTINCT _raw_object)::INTEGER AS objects, any_value(_raw_object) AS _raw_object, 1 AS _raw_row`,
      )
      expect(sums).toMatchObject({ ids: 19_900, objects: 200 })
    }))

  test('a partitioned and sorted table gets a sorted file for each partition', () =>
    use(async lake => {
      const trips = dataset({ partitionBy: ['month(day)'], sortBy: ['text desc'] })
      const verdict = await staged(lake, trips, [
        { order: 1, bytes: lines({ id: 1, day: '2024-01-31', text: 'a' }, { id: 2, day: '2024-02-01', text: 'b' }) },
        { order: 2, bytes: lines({ id: 3, day: '2024-01-01', text: 'c' }, { id: 4 }, { id: 5, day: '1969-12-31' }) },
      ])
      const files = verdict.target.files.map(({ file }) => [
        file.partition[0],
        Number(file.record_count),
        file.sort_order_id,
      ])
      expect(files.toSorted((left, right) => Number(left[0] ?? 1e9) - Number(right[0] ?? 1e9))).toEqual([
        [-1, 1, 1],
        [648, 2, 1],
        [649, 1, 1],
        [null, 1, 1],
      ])
      const january = verdict.target.files.filter(({ file }) => file.partition[0] === 648)
      const rows = await stagedRows(
        lake,
        { ...verdict.target, files: january },
        sql`id, text, _raw_object, 1 AS _raw_row, file_row_number`,
      )
      expect(
        rows
          .toSorted((left, right) => Number(left['file_row_number']) - Number(right['file_row_number']))
          .map(row => row['text']),
      ).toEqual(['c', 'a'])
    }))

  test('large objects go in as they were decoded, small ones are written together', () =>
    use(async lake => {
      const text = (seed: number) =>
        Array.from({ length: 20 }, (_, at) => ((seed * 7_919 + at) * 2_654_435_761) % 4_294_967_296).join('')
      const large = (first: number) =>
        lines(...Array.from({ length: 60_000 }, (_, at) => ({ id: first + at, text: text(first + at) })))
      const verdict = await staged(lake, dataset(), [
        { order: 1, bytes: large(0) },
        { order: 2, bytes: lines({ id: -1 }) },
        { order: 3, bytes: large(100_000) },
        { order: 4, bytes: lines({ id: -2 }, 'broken') },
      ])
      expect(counts(verdict)).toEqual([60_000, 60_000, 2])
      expect(verdict.objects.map(each => each.applied)).toEqual([60_000, 1, 60_000, 1])
    }))

  test('a table that was partitioned anew gets files of its new spec', () =>
    use(async lake => {
      const row = lines({ id: 1, day: '2024-01-31' })
      expect((await staged(lake, dataset(), [{ order: 1, bytes: row }])).target.specId).toBe(0)
      const trips = dataset({ partitionBy: ['day(day)'] })
      await landBatch(lake, trips, { id: 'b2', objects: [{ order: 2, bytes: row }] })
      await quality(lake, trips, { batch: 'b2' })
      const verdict = await readDocument<Verdict>(lake, verdictUri(lake, 'trips', 'b2'))
      expect(verdict?.target.files.map(({ file }) => [file.spec_id, file.partition])).toEqual([[1, [19_753]]])
    }))
})
