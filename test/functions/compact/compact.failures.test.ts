// A group that cannot be rewritten keeps no other from being committed, and the error says what is done and what is not.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compact } from '#functions/compact/compact.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { type Workbench, workbench } from '../../lake/iceberg/fixture.ts'
import { dataset, smallFiles } from './compacting.ts'

let bench: Workbench
beforeAll(async () => {
  bench = await workbench()
})
afterAll(() => bench.close())

test.each([[false], [true]])(
  'one lost file of ten, partial progress %s: the other partition is compacted',
  async partial => {
    const name = `lost_${partial}`
    await smallFiles(bench, name, { files: 5, partitionBy: [{ column: 'part', transform: { name: 'identity' } }] })
    const live = await liveFiles(bench.lake, await openTable(bench.lake, name))
    const lost = live.find(({ file }) => file.partition[0] === 0)?.file.file_path as string
    await bench.lake.storage.delete(lost)
    await expect(
      compact(bench.lake, { table: name, partialProgress: partial }, { datasets: [dataset(name, {})] }),
    ).rejects.toMatchObject({
      message: expect.stringMatching(/^1 of 2 groups of lost_\w+ could not be rewritten, 1 is committed: .*/),
    })
    const after = await liveFiles(bench.lake, await openTable(bench.lake, name))
    expect(Object.groupBy(after, ({ file }) => String(file.partition[0]))).toMatchObject({
      0: { length: 5 },
      1: { length: 1 },
    })
  },
)
