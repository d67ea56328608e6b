// What `sluice replay` cannot do it says before it looks at anything, with the option that is wrong and what to give instead.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CommandBench, commandBench } from './command-bench.ts'

let bench: CommandBench
beforeAll(() => {
  bench = commandBench()
  mkdirSync(join(bench.folder, '.sluice'))
})
afterAll(() => bench.remove())

const replay = (...argv: readonly string[]) => bench.run(['replay', ...argv])

test.each([
  [[], 'sluice replay needs --dataset NAME', 'use it as:'],
  [['--dataset', 'order'], 'there is no dataset order', 'give --dataset one of orders'],
  [['--dataset', 'orders', '--from', 'May'], '--from May: not a date', '--from 2026-05-01'],
  [['--dataset', 'orders', '--to', '2026-02-30'], '--to 2026-02-30: not a date', '--to 2026-05-01'],
  [['--dataset', 'orders', '--from', '2026-05-02', '--to', '2026-05-01'], 'is after --to', 'exchange them'],
  [['--dataset', 'orders', '--from', '2999-01-01'], '--from 2999-01-01 is in the future', 'leave --from out'],
  [['--dataset', 'orders', '--mode', 'some'], '--mode some: there is no such mode', 'missing, failed, all'],
  [['--dataset', 'orders', '--into', 'orders'], '--into orders: that is the table of a dataset', 'a new name'],
  [['--dataset', 'orders', '--into', 'Orders 2'], '--into Orders 2: not a table name', 'lower-case'],
  [['--dataset', 'orders', '--into', 'a__b'], "such names are Sluice's own", 'without __'],
  [['--dataset', 'orders', '--concurrency', '0'], '--concurrency 0: not a whole number from 1 to 20', 'leave it out'],
  [['--dataset', 'orders', '--grace', 'x'], '--grace x: not a whole number', 'leave it out'],
  [['paus', 'r1'], 'sluice replay paus: there is no such action', 'did you mean sluice replay pause?'],
  [['resume'], 'sluice replay resume needs the id of a replay', 'lists them'],
  [['stop', 'r1', '--dataset', 'orders'], '--dataset begins a replay', 'leave one of them out'],
])('%j is refused', async (argv, message, next) => {
  const { code, err } = await replay(...argv)
  expect(code).toBe(2)
  expect(err).toContain(message)
  expect(err).toContain(next)
})

test.each(['status', 'pause', 'resume', 'stop'])('%s of a replay that is not there', async action => {
  const { code, err } = await replay(action, 'nope')
  expect(code).toBe(1)
  expect(err).toBe('error: there is no replay nope\nnext:  `sluice replay status` lists the replays of this lake\n')
})
