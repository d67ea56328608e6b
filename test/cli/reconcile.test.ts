// `sluice reconcile` tells what nothing accounts for, in landing and in raw, and ends with 1 while there is such a thing; with --repair it
// takes it up, and asked again it finds nothing.
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CommandBench, commandBench } from './command-bench.ts'

let bench: CommandBench
beforeEach(async () => {
  bench = commandBench()
  mkdirSync(join(bench.folder, '.sluice/landing/orders'), { recursive: true })
  writeFileSync(join(bench.folder, 'a.json'), '{"id": 1}\n')
  expect((await bench.run(['put', 'a.json', '--dataset', 'orders'])).code).toBe(0)
})
afterEach(() => bench.remove())

const drop = (name: string, text: string): void =>
  writeFileSync(join(bench.folder, '.sluice/landing/orders', name), text)

test('nothing is amiss', async () => {
  const { out, code } = await bench.run(['reconcile'])
  expect(code).toBe(0)
  expect(out).toBe(
    [
      'landing: 1 object, 1 recorded',
      'dataset  in raw  committed  duplicates  under way  halted  no batch  not refined  vanished',
      '───────  ──────  ─────────  ──────────  ─────────  ──────  ────────  ───────────  ────────',
      'orders        1          1           0          0       0         0            0         0',
      '✓ everything is accounted for',
      '',
    ].join('\n'),
  )
})

test('a file that nobody was told of: found, repaired, found no more', async () => {
  drop('b.json', '{"id": 2}\n')
  const found = await bench.run(['reconcile'])
  expect(found.code).toBe(1)
  expect(found.out).toContain('landing: 2 objects, 1 recorded, 1 never taken\n  orders/b.json\n')
  expect(found.out).toContain(
    '! 1 object that nothing accounts for\n  next: sluice reconcile --repair takes up what can be\n',
  )
  const repaired = await bench.run(['reconcile', '--repair'])
  expect(repaired.out).toContain(
    '✓ 1 object that nothing accounted for, taken up; 1 told to ingest again\n  next: sluice reconcile tells what became of it; what ingest refused is in sluice dlq list\n',
  )
  expect(repaired.code).toBe(0)
  expect((await bench.run(['sql', 'select id from orders order by id', '--csv'])).out).toBe('id\r\n1\r\n2\r\n')
  const again = await bench.run(['reconcile', '--json'])
  expect(again.code).toBe(0)
  expect(JSON.parse(again.out)).toMatchObject({ unaccounted: 0, landing: { recorded: 2, missing: 0 } })
})

test('what no key leads to is told of, because nobody will ever take it', async () => {
  drop('new\nline.json', '{"id": 2}\n')
  symlinkSync(join(bench.folder, 'a.json'), join(bench.folder, '.sluice/landing/orders/link.json'))
  const found = await bench.run(['reconcile'])
  expect(found.code).toBe(1)
  expect(found.out).toMatch(
    /! 2 files in landing that cannot be taken\n {2}orders\/link\.json {2}a link: copy the file itself\n {2}orders\/new.{1,2}line\.json {2}a name that no key can have: rename it\n$/,
  )
  expect(JSON.parse((await bench.run(['reconcile', '--json'])).out).strays).toHaveLength(2)
  const once = await bench.run(['local', '--once'])
  expect(once.out).toContain('! 2 files in landing that cannot be taken\n')
  rmSync(join(bench.folder, '.sluice/landing/orders/link.json'))
  renameSync(
    join(bench.folder, '.sluice/landing/orders/new\nline.json'),
    join(bench.folder, '.sluice/landing/orders/b.json'),
  )
  expect((await bench.run(['local', '--once'])).out).not.toContain('cannot be taken')
  expect((await bench.run(['reconcile'])).code).toBe(0)
})

test('of what is gone no repair is promised', async () => {
  for await (const { uri } of bench.lake.storage.list(`${bench.lake.zones.raw}/orders/`)) rmSync(uri.slice(7))
  const { code, out } = await bench.run(['reconcile', 'orders'])
  expect(code).toBe(1)
  expect(out).toMatch(/! 1 object that nothing accounts for; 1 is gone from raw, which no repair brings back\n$/)
})

test('a repair that cannot take up all of it ends with 1; what no dataset wants is taken up, and its place is said', async () => {
  writeFileSync(join(bench.folder, '.sluice/landing/strange.json'), '{"id": 2}\n')
  const refused = await bench.run(['reconcile', '--repair'])
  expect(refused.code).toBe(0)
  expect(refused.out).toContain('what ingest refused is in sluice dlq list\n')
  expect((await bench.run(['dlq', 'list'])).out).toMatch(/rejected +no-dataset +1 /)
  drop('b.json', '{"id": 2}\n')
  for await (const { uri } of bench.lake.storage.list(`${bench.lake.zones.raw}/orders/`)) rmSync(uri.slice(7))
  const partly = await bench.run(['reconcile', '--repair', '--json'])
  expect(partly.code).toBe(1)
  expect(JSON.parse(partly.out)).toMatchObject({ unaccounted: 2, left: 1, landing: { told: 1 } })
})

test('datasets alone, without landing', async () => {
  drop('b.json', '{"id": 2}\n')
  const { out, code } = await bench.run(['reconcile', 'orders'])
  expect(code).toBe(0)
  expect(out).not.toContain('landing')
})

test.each([
  [['order'], 'there is no dataset order', 'did you mean orders?'],
  [['--grace', 'x'], '--grace x: not a number of minutes', 'give whole minutes'],
])('%j is refused', async (argv, message, next) => {
  const { code, err } = await bench.run(['reconcile', ...argv])
  expect(code).toBe(2)
  expect(err).toContain(message)
  expect(err).toContain(next)
})
