// `sluice put` takes files through the whole pipeline and tells what became of each. Its exit code is 0 when every file has rows
// in its table, however often it is repeated, and 1 when one has not. Nothing is copied when one of the files cannot be put.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { markWatcher } from '../../cli/watcher-mark.ts'
import { startLocal } from '../../local/run.ts'
import { type CommandBench, commandBench, orders } from './command-bench.ts'

let bench: CommandBench
beforeEach(() => {
  bench = commandBench()
})
afterEach(() => bench.remove())

const file = (name: string, text: string): void => writeFileSync(join(bench.folder, name), text)

async function count(table: string): Promise<number> {
  const ran = await bench.run(['sql', `select count(*) as n from ${table}`, '--json'])
  expect(ran.err).toBe('')
  return JSON.parse(ran.out).n
}

test('the steps, then what became of the file', async () => {
  file('a.ndjson', '{"id":1}\n{"id":2,"note":"x"}\n{"note":"no id"}\n')
  const ran = await bench.run(['put', 'a.ndjson', '--dataset', 'orders'])
  expect(ran).toMatchObject({ code: 0, err: '' })
  const lines = ran.out.split('\n')
  expect(lines[0]).toBe('a.ndjson → landing/orders/a.ndjson, 46 B, orders')
  const time = String.raw`\d\d:\d\d:\d\dZ`
  for (const step of [
    'batch   orders \\w+ {2}1 object, 46 B',
    'refine  orders \\w+ {2}Quality',
    'ingest  1 object: 1 landed',
  ])
    expect(ran.out).toMatch(new RegExp(`\n${time}  ${step}\n`))
  expect(ran.out).toMatch(new RegExp(`\n${time}  commit  orders  2 rows, 1 quarantined, snapshot \\d+\n`))
  expect(ran.out).toContain('\n\norders/a.ndjson\n  landed ')
  expect(ran.out).toContain('rows        3 rows read: 2 applied, 1 quarantined\n')
  expect(ran.out).toContain('reasons     required:id 1\n')
  expect(await count('orders')).toBe(2)
  expect(await count('orders__quarantine')).toBe(1)
})

test('the same file again is a duplicate, and a success', async () => {
  file('a.ndjson', '{"id":1}\n')
  expect((await bench.run(['put', 'a.ndjson', '--dataset', 'orders'])).code).toBe(0)
  const again = await bench.run(['put', 'a.ndjson', '--dataset', 'orders'])
  expect(again.code).toBe(0)
  expect(again.out).toContain('ingest  1 object: 1 duplicate')
  expect(again.out).toContain('state       duplicate: the same bytes under the same key as ')
  expect(await count('orders')).toBe(1)
})

test('new content under the same key is told of alone', async () => {
  file('a.ndjson', '{"id":1}\n')
  await bench.run(['put', 'a.ndjson', '--dataset', 'orders'])
  file('a.ndjson', '{"id":2}\n{"id":3}\n')
  const ran = await bench.run(['put', 'a.ndjson', '--dataset', 'orders'])
  expect(ran.out).not.toContain('versions landed')
  expect(ran.out).toContain('rows        2 rows read: 2 applied')
  expect((await bench.run(['explain', 'orders/a.ndjson'])).out).toContain('orders/a.ndjson  2 versions landed')
})

test('several files in one batch, JSON on standard output and steps beside it', async () => {
  file('a.ndjson', '{"id":1}\n')
  file('b.ndjson', '{"id":2}\n')
  const ran = await bench.run(['put', 'a.ndjson', 'b.ndjson', '--dataset', 'orders', '--json'])
  expect(ran.code).toBe(0)
  expect(ran.err).toContain('2 objects')
  const told = JSON.parse(ran.out) as readonly { key: string; versions: readonly { state: string; batch: string }[] }[]
  expect(told.map(each => [each.key, each.versions.map(version => version.state)])).toEqual([
    ['orders/a.ndjson', ['committed']],
    ['orders/b.ndjson', ['committed']],
  ])
  expect(new Set(told.map(each => each.versions[0]?.batch)).size).toBe(1)
})

test('a file that is rejected is a failure that says why', async () => {
  file('big.ndjson', `${JSON.stringify({ id: 1, note: 'x'.repeat(2_000) })}\n`)
  const ran = await bench.run(['put', 'big.ndjson', '--dataset', 'orders'])
  expect(ran.code).toBe(1)
  expect(ran.out).toContain('ingest  1 object: 1 rejected (too-large 1)')
  expect(ran.out).toContain(
    'state       rejected: too-large\n  why         2019 bytes, limits.objectBytesMax is 1000\n',
  )
})

test('a file without a single good record is a failure, the others are taken', async () => {
  file('bad.ndjson', '{"note":"a"}\n{"note":"b"}\n')
  file('good.ndjson', '{"id":1}\n')
  const ran = await bench.run(['put', 'bad.ndjson', 'good.ndjson', '--dataset', 'orders'])
  expect(ran.code).toBe(1)
  expect(ran.out).toContain('rows        2 rows read: 0 applied, 2 quarantined')
  expect(await count('orders')).toBe(1)
})

test.each([
  [['gone.ndjson'], 'there is no file gone.ndjson'],
  [['folder'], 'folder is no file'],
  [['empty.ndjson'], 'empty.ndjson is empty'],
])('%j: nothing is copied', async (files, message) => {
  file('a.ndjson', '{"id":1}\n')
  file('empty.ndjson', '')
  mkdirSync(join(bench.folder, 'folder'))
  const ran = await bench.run(['put', 'a.ndjson', ...files, '--dataset', 'orders'])
  expect(ran).toMatchObject({ code: 1, out: '' })
  expect(ran.err).toContain(`error: ${message}\nnext:  `)
  expect(readdirSync(bench.folder)).not.toContain('.sluice')
})

test('while a watcher runs the pipeline, put waits for it', async () => {
  file('a.ndjson', '{"id":1}\n')
  const release = await markWatcher(join(bench.folder, '.sluice'), process.pid)
  const runner = startLocal(bench.lake, [orders])
  const waiting = bench.run(['put', 'a.ndjson', '--dataset', 'orders'])
  await bench.lake.clock.sleep(500)
  await runner.catchUp()
  const ran = await waiting
  await runner.close()
  await release?.()
  expect(ran.code).toBe(0)
  expect(ran.out).toContain(`\`sluice local\`, process ${process.pid}, takes it from here.\n\norders/a.ndjson\n`)
  expect(ran.out).toContain('state       committed')
  expect(await count('orders')).toBe(1)
})

test('when the watcher goes away, put does the work', async () => {
  file('a.ndjson', '{"id":1}\n')
  const release = await markWatcher(join(bench.folder, '.sluice'), process.pid)
  const waiting = bench.run(['put', 'a.ndjson', '--dataset', 'orders'])
  await bench.lake.clock.sleep(500)
  await release?.()
  const ran = await waiting
  expect(ran.code).toBe(0)
  expect(ran.out).toContain('ingest  1 object: 1 landed')
  expect(await count('orders')).toBe(1)
})
