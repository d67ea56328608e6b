// "Table Committed" says when small files have piled up in a partition, any partition, so that compaction starts by itself.
import { expect, test } from 'vitest'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { lines } from '../quality/batches.ts'
import { applied, orders } from './refining.ts'

const daily = orders({ partitionBy: ['day(day)'], compaction: { minFiles: 3 } })
const on = (id: number, ...days: readonly string[]) =>
  lines(...days.map(day => ({ id, v: 'x', day: `2024-01-${day}` })))

const said = (lake: MemoryLake) =>
  lake.bus.published.map(event => [event.detail['smallFiles'], event.detail['compactionDue']])

test('the third small file of a partition makes it due, and late data of an old one too', async () => {
  const lake = memoryLake()
  try {
    await applied(lake, daily, 'b1', { 1: on(1, '01', '02') })
    await applied(lake, daily, 'b2', { 2: on(2, '01', '03') })
    await applied(lake, daily, 'b3', { 3: on(3, '04') })
    await applied(lake, daily, 'b4', { 4: on(4, '01') })
    await applied(lake, daily, 'b5', { 5: on(5, '05') })
    expect(said(lake)).toEqual([
      [2, false],
      [4, false],
      [5, false],
      [6, true],
      [7, true],
    ])
  } finally {
    lake.dispose()
  }
})

test('files that are large enough make nothing due', async () => {
  const lake = memoryLake()
  try {
    const tiny = orders({ compaction: { minFiles: 2, targetFileBytes: 1_048_576 } })
    const random = (seed: number) =>
      lines(
        ...Array.from({ length: 30_000 }, (_, index) => ({ id: seed * 1e6 + index, v: `${Math.sin(index + seed)}` })),
      )
    await applied(lake, tiny, 'b1', { 1: lines({ id: 1, v: 'x' }) })
    await applied(lake, tiny, 'b2', { 2: random(1), 3: random(2), 4: random(3) })
    expect(said(lake)).toEqual([
      [1, false],
      [1, false],
    ])
    await applied(lake, tiny, 'b3', { 5: lines({ id: 2, v: 'x' }) })
    expect(said(lake).at(-1)).toEqual([2, true])
  } finally {
    lake.dispose()
  }
})
