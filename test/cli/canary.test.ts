// `sluice canary` says whether the pipeline works from end to end: 0 when what it puts comes out, 1 when it does not, and then
// `sluice status` knows of it too.
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CommandBench, commandBench } from './command-bench.ts'

let bench: CommandBench
beforeEach(() => {
  bench = commandBench()
})
afterEach(() => bench.remove())

const statusOfAll = async () => JSON.parse((await bench.run(['status', '--json'])).out)

test('it comes out, and again', async () => {
  expect(await bench.run(['canary'])).toMatchObject({ code: 0, err: '' })
  const { code, out } = await bench.run(['canary', '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ visible: true, afterMs: expect.any(Number) })
  const { datasets } = await statusOfAll()
  expect(datasets.map((each: { readonly dataset: string }) => each.dataset)).toEqual(['orders', 'sluice_canary'])
  expect(datasets[1]).toMatchObject({ status: 'ok', records: { put: 2, queryable: 1, superseded: 1, missing: 0 } })
})

test('when the pipeline is broken it says so; mended, it comes out', { timeout: 60_000 }, async () => {
  // Nothing can be written to raw.
  await bench.lake.storage.put(`${bench.lake.zones.ops}/x`, Buffer.from('x'))
  const raw = join(bench.folder, '.sluice', 'raw')
  await writeFile(raw, '')
  const { code, out } = await bench.run(['canary', '--wait', '0'])
  expect(code).toBe(1)
  expect(out).toMatch(/^✗ not in sluice_canary after 0\.00 s: .*\n {2}next: sluice status; sluice dlq list\n$/)
  expect((await bench.run(['status'])).out).toContain('dead letters: 1 rejected')
  await rm(raw)
  expect((await bench.run(['dlq', 'redrive', '--all'])).code).toBe(0)
  expect((await bench.run(['canary'])).code).toBe(0)
  expect((await statusOfAll()).datasets[1]).toMatchObject({ records: { put: 2, missing: 0 } })
})

test('a lake without canaries does not speak of them', async () => {
  await bench.lake.storage.put(`${bench.lake.zones.ops}/x`, Buffer.from('x'))
  expect((await statusOfAll()).datasets).toHaveLength(1)
})

test('a wait that is no number is refused', async () => {
  expect(await bench.run(['canary', '--wait', 'long'])).toEqual({
    code: 2,
    out: '',
    err: 'error: --wait long: not a number of seconds\nnext:  give whole seconds: --wait 600\n',
  })
})
