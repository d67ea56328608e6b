// `sluice local` takes up what waits and what is dropped while it runs, prints each step, and ends cleanly when it is stopped.
// One process watches a lake at a time; the mark of one that died does not count.
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { markWatcher, watcherOf } from '../../cli/watcher-mark.ts'
import { type CommandBench, commandBench } from './command-bench.ts'

let bench: CommandBench
let root: string
beforeEach(() => {
  bench = commandBench()
  root = join(bench.folder, '.sluice')
  mkdirSync(join(root, 'landing/orders'), { recursive: true })
})
afterEach(() => bench.remove())

/** As `mv` does it: the object is there whole or not at all. */
function drop(name: string, text: string): void {
  writeFileSync(join(root, 'partial'), text)
  renameSync(join(root, 'partial'), join(root, 'landing/orders', name))
}

async function count(): Promise<number> {
  return JSON.parse((await bench.run(['sql', 'select count(*) as n from orders', '--json'])).out).n
}

test('--once takes up what waits, and again changes nothing', async () => {
  drop('a.ndjson', '{"id":1}\n')
  drop('b.ndjson', '{"id":2}\n')
  const ran = await bench.run(['local', '--once'])
  expect(ran).toMatchObject({ code: 0, err: '' })
  expect(ran.out).toContain('ingest  2 objects: 2 landed')
  expect(ran.out).toMatch(/commit {2}orders {2}2 rows, snapshot \d+\n$/)
  const again = await bench.run(['local', '--once'])
  expect(again.code).toBe(0)
  expect(again.out).toContain('ingest  2 objects: 2 suppressed')
  expect(await count()).toBe(2)
})

test('what waits, what is dropped meanwhile, and a clean stop', async () => {
  drop('before.ndjson', '{"id":1}\n')
  const controller = new AbortController()
  let printed = ''
  let commits = 0
  const ran = await bench.run(['local'], {
    stop: controller.signal,
    onOut: text => {
      printed += text
      if (!/commit {2}orders/.test(text)) return
      commits++
      if (commits === 1) drop('meanwhile.ndjson', '{"id":2}\n')
      else controller.abort()
    },
  })
  expect(ran.code).toBe(0)
  expect(printed).toMatch(/^Watching .*\/landing\/ for 1 dataset: orders\/\*\*\. Ctrl-C stops\.\n/)
  expect(printed).toContain('Stopping: what is under way is finished first.\n')
  expect(await count()).toBe(2)
  expect(await watcherOf(root)).toBeUndefined()
  expect(existsSync(join(root, 'tmp/local.json'))).toBe(false)
})

test('a second watcher is refused, and says which process the first one is', async () => {
  const release = await markWatcher(root, process.pid)
  expect(await watcherOf(root)).toBe(process.pid)
  const ran = await bench.run(['local'])
  expect(ran).toMatchObject({ code: 1, out: '' })
  expect(ran.err).toBe(`error: process ${process.pid} watches ${root} already\nnext:  use that one, or stop it first\n`)
  await release?.()
  expect(await watcherOf(root)).toBeUndefined()
})

test.each([
  ['a process that is gone', '{"pid":2147483646,"started":null}'],
  ['a number that another process has by now', `{"pid":${process.pid},"started":"1"}`],
  ['half a file', '{"pid":'],
])('the mark of %s does not count', async (_name, text) => {
  mkdirSync(join(root, 'tmp'), { recursive: true })
  writeFileSync(join(root, 'tmp/local.json'), text)
  expect(await watcherOf(root)).toBeUndefined()
  const release = await markWatcher(root, process.pid)
  expect(await watcherOf(root)).toBe(process.pid)
  await release?.()
})

test('a mistake in a declaration is an error before anything is watched', async () => {
  const { orders } = await import('./command-bench.ts')
  const ran = await bench.run(['local'], { datasets: [orders, { ...orders, name: 'twin' }] })
  expect(ran.code).toBe(1)
  expect(ran.err).toContain('are equally specific')
})
