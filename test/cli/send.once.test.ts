// Events that are put or delivered again are in the table of a dataset with `dedupe` once: the same file sent twice, a part of it sent again, and what the
// stream delivers a second time under another key. `explain` and `status` account for every one of them.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defineDataset } from '../../lake/dataset.ts'
import { type CommandBench, commandBench } from './command-bench.ts'

const clicks = defineDataset({
  name: 'clicks',
  source: { system: 'web', format: 'ndjson', stream: { eventTime: 'at' } },
  columns: { id: { type: 'string', required: true }, at: { type: 'timestamptz', required: true } },
  publish: { mode: 'append', dedupe: { key: 'id', within: '48 hours' } },
})

let bench: CommandBench
beforeEach(() => {
  bench = commandBench()
})
afterEach(() => bench.remove())

const run = (...argv: readonly string[]) => bench.run(argv, { datasets: [clicks], stop: new AbortController().signal })
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_none, at) => `{"id":"e${from + at}","at":"2026-05-01T10:00:00Z"}\n`).join('')

async function send(name: string, text: string, ...more: readonly string[]): Promise<void> {
  writeFileSync(join(bench.folder, name), text)
  expect((await run('send', name, '--dataset', 'clicks', ...more)).code).toBe(0)
}

async function counted(): Promise<string> {
  const { out } = await run('sql', 'select count(*) as rows, count(distinct id) as ids from clicks', '--json')
  const { rows, ids } = JSON.parse(out)
  return `${rows} rows, ${ids} ids`
}

const records = async () => JSON.parse((await run('status', '--json')).out).datasets[0].records

test('sent twice, in part, and with new ones', async () => {
  await send('a.ndjson', lines(0, 300))
  await send('a.ndjson', lines(0, 300))
  await send('a.ndjson', lines(0, 300), '--from-line', '200')
  await send('b.ndjson', lines(290, 310))
  expect(await counted()).toBe('310 rows, 310 ids')
  expect(await records()).toMatchObject({ put: 721, queryable: 310, superseded: 411, missing: 0 })
})

test('delivered twice, under another key', async () => {
  await send('a.ndjson', lines(0, 20))
  const landing = bench.lake.zones.landing
  for await (const { uri } of bench.lake.storage.list(`${landing}/streams/`)) {
    const again = `${dirname(uri.slice('file://'.length))}/again.gz`
    mkdirSync(dirname(again), { recursive: true })
    copyFileSync(uri.slice('file://'.length), again)
    break
  }
  expect((await run('local', '--once')).code).toBe(0)
  expect(await counted()).toBe('20 rows, 20 ids')
  const found = await Array.fromAsync(bench.lake.storage.list(`${landing}/streams/`))
  const key = found.find(({ uri }) => uri.endsWith('again.gz'))?.uri.slice(landing.length + 1) ?? ''
  const [version] = JSON.parse((await run('explain', key, '--json')).out).versions
  expect(version.rows).toMatchObject({ applied: 0, quarantined: 0 })
  expect(version.rows.superseded).toBe(version.rows.read)
})
