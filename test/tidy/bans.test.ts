// What is banned is found in code, with what to do instead; adapters may do what they are for, and words in texts are no calls.
import { expect, test } from 'vitest'
import { bannedCalls, bannedTexts, pausedTests } from './bans.ts'

const calls = (path: string, text: string) => bannedCalls([{ path, text }])

test.each([
  ['const now = Date.now()', 'lake.clock.nowMs()'],
  ['const now = new Date()', 'new Date(lake.clock.nowMs())'],
  ['const now = performance.now()', 'lake.clock.nowMs()'],
  ['if (Math.random() < 0.5) return', 'lake.ids.random()'],
  [`import { randomUUID } from 'node:crypto'`, 'lake.ids.uuid()'],
  ['const salt = randomBytes(8)', 'lake.ids.uuid()'],
  ['setTimeout(work, 10)', 'lake.clock.sleep(ms, signal)'],
  ['const timer = setInterval(work, 10)', 'lake.clock.sleep(ms, signal)'],
  [`const region = process.env['AWS_REGION']`, 'in the handler'],
  ['await fetch(address)', 'a port of lake/lake.ts'],
  ['console.log(row)', 'lake.log'],
])('a step must not: %s', (line, instead) => {
  expect(calls('functions/publish/append.ts', line)).toEqual([expect.stringContaining(instead)])
  expect(calls('lake/iceberg/scan.ts', line)).toHaveLength(1)
  for (const adapter of [
    'lake/disk/x.ts',
    'lake/aws/x.ts',
    'lake/system.ts',
    'local/x.ts',
    'cli/x.ts',
    'test/x.test.ts',
  ])
    expect(calls(adapter, line)).toEqual([])
})

test('the environment is read by handlers alone', () => {
  expect(calls('functions/publish/handler.ts', 'lambda(awsLake(process.env), publish)')).toEqual([])
  expect(calls('functions/publish/handler.ts', 'console.log(1)')).toHaveLength(1)
})

test.each([
  'const a = b as any',
  'const a: any = b',
  'function a(b: any): void {}',
  'const a: Map<string, any> = b',
  'const a: string | any = b',
  '  enum Color { Red }',
  'export const enum Color { Red }',
  'declare namespace Things {}',
])('nowhere: %s', line => {
  expect(calls('lake/a.ts', line)).toHaveLength(1)
  expect(calls('test/a.test.ts', `work()\n\n${line}`)).toEqual([expect.stringMatching(/^test\/a\.test\.ts:3 /)])
})

test.each([
  'const now = new Date(lake.clock.nowMs())',
  'const a = dates.Date.nowhere',
  '// Date.now() comes in through the clock',
  `const text = 'process.env and console.log'`,
  'const { prefetch } = a; prefetch(b)',
  'const options = { namespace: a, enum: b, any: c }',
  'const a = b(many, company)',
  'type Kinds = "enum" | "any"',
  '// biome-ignore lint/suspicious/noExplicitAny: the answer of a program that has no types\nconst a: any = b',
])('no ban: %s', text => {
  expect(calls('lake/a.ts', text)).toEqual([])
})

test.each([
  ['// TODO: later', 'do it'],
  ['FIXME', 'do it'],
  ['// @ts-ignore', 'repair the type'],
  ['see /work/notes/a.md', 'root of the repository'],
  [`open('/root/.config')`, 'root of the repository'],
  ['https://registry.example.org/a', 'configuration of whoever installs'],
  ['--index-url=https://a.example', 'configuration of whoever installs'],
  ['https://a.jfrog.io/b', 'configuration of whoever installs'],
])('in no text: %s', (line, instead) => {
  expect(bannedTexts([{ path: 'docs/a.md', text: `one\n${line}\n` }])).toEqual([
    expect.stringMatching(new RegExp(`^docs/a\\.md:2 .*${instead}`)),
  ])
})

test.each([
  '#!/usr/bin/env node',
  'file:///home/lake/landing',
  'join(root, "work/")',
  'https://docs.aws.amazon.com/work/latest/',
  '@ts-expect-error: the point of this test',
  'a method',
])('texts may say: %s', text => {
  expect(bannedTexts([{ path: 'docs/a.md', text }])).toEqual([])
})

test('a test that is left out needs a reason in its line, and .only has none', () => {
  const lines = [
    `test.only('a', () => {}) // because I am at it`,
    `test.skip('b', () => {})`,
    `describe.skipIf(!python)('c', () => {}) // Python is not part of Node, and CI has it`,
    `test('d', { skip: true }, () => {}) // short`,
    `reader.skip()`,
    `  test.todo('e')`,
    `const text = 'test.only'`,
  ]
  const { problems, paused } = pausedTests([{ path: 'test/a.test.ts', text: lines.join('\n') }])
  expect(problems).toEqual([
    'test/a.test.ts:1 .only: run them all',
    'test/a.test.ts:2 .skip: say why in the same line, // …',
    'test/a.test.ts:4 .skip: say why in the same line, // …',
    'test/a.test.ts:6 .todo: say why in the same line, // …',
  ])
  expect(paused).toEqual([
    { place: 'test/a.test.ts:3', how: 'skipIf', reason: 'Python is not part of Node, and CI has it' },
  ])
})
