// A file has a place in the tree, a name that says something, and somebody who reaches it.
import { expect, test } from 'vitest'
import { misplacedFiles, orphans, unfinishedFunctions } from './layout.ts'

const files = (...paths: readonly string[]) => paths.map(path => ({ path, text: '' }))

test.each([
  'README.md',
  'lake/iceberg/operations/append.ts',
  'functions/cdc-apply/decode/dms.ts',
  'examples/shop/a.ts',
])('%s has its place', path => {
  expect(misplacedFiles(files(path))).toEqual([])
  expect(misplacedFiles(files(`test/${path}`))).toEqual([])
})

test.each(['src/a.ts', 'lake/s3/a.ts', 'functions/extra/a.ts', 'test/other/a.test.ts', 'tools/a.sh'])(
  '%s has none',
  path => {
    expect(misplacedFiles(files(path))).toEqual([expect.stringContaining('the tree has no folder')])
  },
)

test.each(['lake/utils.ts', 'lake/common.ts', 'functions/ingest/helpers.ts', 'test/helper.ts', 'lake/index.ts'])(
  '%s says nothing',
  path => {
    expect(misplacedFiles(files(path))).toEqual([expect.stringContaining('does not say what is in it')])
  },
)

test('a function is a folder with a handler and a story', () => {
  expect(unfinishedFunctions(files('functions/compact/plan.ts'))).toEqual([
    'functions/compact/handler.ts is missing',
    'functions/compact/compact.ts is missing',
  ])
  expect(unfinishedFunctions(files('functions/compact/handler.ts', 'functions/compact/compact.ts'))).toEqual([])
})

test('a file that nothing reaches is an orphan, also when its own test reaches it', () => {
  const tree = [
    { path: 'functions/compact/handler.ts', text: `import './compact.ts'` },
    { path: 'functions/compact/compact.ts', text: `import type { A } from '#lake/used.ts'` },
    { path: 'lake/used.ts', text: '' },
    { path: 'lake/tested.ts', text: '' },
    { path: 'lake/alone.ts', text: `import './used.ts'` },
    { path: 'test/lake/tested.test.ts', text: `import '../../lake/tested.ts'\nstart(new URL('./child.ts', here))` },
    { path: 'test/lake/child.ts', text: '' },
    { path: 'test/lake/left.ts', text: '' },
  ]
  expect(orphans(tree)).toEqual([
    'lake/tested.ts: only tests import it',
    'lake/alone.ts: nothing imports it',
    'test/lake/left.ts: nothing imports it',
  ])
  const waiting = { 'lake/tested.ts': 'a reason', 'lake/used.ts': 'another' }
  expect(orphans(tree, waiting)).toEqual([
    'lake/alone.ts: nothing imports it',
    'test/lake/left.ts: nothing imports it',
    'lake/used.ts waits for nothing any more: drop it from the list',
  ])
})

test('files that a stack names as handlers or that run as processes of their own are reached', () => {
  const tree = [
    { path: 'sst.config.ts', text: `new Fn({ handler: 'functions/ingest/firehose.handler' })` },
    { path: 'functions/ingest/firehose.ts', text: '' },
    { path: 'bench/run.ts', text: `measure(script('floor.ts'))` },
    { path: 'bench/floor.ts', text: '' },
  ]
  expect(orphans(tree)).toEqual([])
})
