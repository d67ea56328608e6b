// Every arrow that docs/architecture.md draws is allowed, and one against it is a complaint with the reason.
import { expect, test } from 'vitest'
import { forbiddenImports, importCycles } from './arrows.ts'
import { importsOf } from './imports.ts'

const file = (path: string, ...lines: readonly string[]) => ({ path, text: lines.join('\n') })
const problems = (path: string, line: string) => forbiddenImports([file(path, line)])

test.each([
  ['functions/publish/handler.ts', `import { publish } from './publish.ts'`],
  ['functions/publish/handler.ts', `import { awsLake } from '#lake/aws/aws-lake.ts'`],
  ['functions/publish/handler.ts', `import { datasets } from '#datasets/index.ts'`],
  ['functions/publish/publish.ts', `import { publishAppend } from './append.ts'`],
  ['functions/publish/append.ts', `import { commit } from '#lake/iceberg/commit.ts'`],
  ['functions/publish/append.ts', `import type { Contribution } from './publish.ts'`],
  ['functions/quality/decode/csv.ts', `import { decode } from './decode.ts'`],
  ['local/run.ts', `import { ingest } from '#functions/ingest/ingest.ts'`],
  ['local/run.ts', `import { refine } from '#workflows/refine.ts'`],
  ['cli/command.ts', `import { diskLake } from '#lake/disk/disk-lake.ts'`],
  ['stacks/catalog.ts', `import { datasets } from '../datasets/index.ts'`],
  ['datasets/orders.ts', `import { defineDataset } from '#lake/dataset.ts'`],
  ['workflows/rules.ts', `import { EVENT_SOURCE } from '#lake/events.ts'`],
  ['lake/aws/s3-read.ts', `import { S3Client } from '@aws-sdk/client-s3'`],
  ['lake/disk/disk-lake.ts', `import { systemClock } from '../system.ts'`],
  ['test/lake/x.test.ts', `import { anything } from '../../functions/ingest/event.ts'`],
])('%s may: %s', (path, line) => {
  expect(problems(path, line)).toEqual([])
})

test.each([
  ['functions/publish/publish.ts', `import { x } from '#lake/aws/aws-lake.ts'`, 'story may import'],
  ['functions/publish/append.ts', `import { x } from '#lake/disk/disk-lake.ts'`, 'step may import'],
  ['functions/publish/append.ts', `import { publish } from './publish.ts'`, 'step may import'],
  ['functions/publish/publish.ts', `import { datasets } from '#datasets/index.ts'`, 'story may import'],
  ['functions/publish/publish.ts', `import { handler } from './handler.ts'`, 'story may import'],
  ['functions/publish/handler.ts', `import { append } from './append.ts'`, 'handler may import'],
  ['functions/publish/append.ts', `import type { X } from '../quality/quality.ts'`, 'two functions'],
  ['functions/publish/handler.ts', `export * from '../quality/quality.ts'`, 'two functions'],
  ['functions/ingest/land.ts', `import { systemClock } from '#lake/system.ts'`, 'come in through `Lake`'],
  ['lake/iceberg/scan.ts', `import { x } from '../dqdl/parser.ts'`, 'lake/iceberg may import'],
  ['lake/dqdl/parser.ts', `import { x } from '../iceberg/scan.ts'`, 'lake/dqdl may import'],
  ['lake/batch.ts', `import { x } from '../functions/ingest/name.ts'`, 'lake may import'],
  ['lake/batch.ts', `import { x } from './disk/disk-lake.ts'`, 'lake may import'],
  ['lake/aws/aws-lake.ts', `import { x } from '../disk/disk-lake.ts'`, 'lake/aws may import'],
  ['lake/disk/disk-lake.ts', `import { x } from '#local/run.ts'`, 'lake/disk may import'],
  ['datasets/orders.ts', `import { x } from '#lake/batch.ts'`, 'datasets may import lake/dataset.ts'],
  ['workflows/refine.ts', `import { x } from '#lake/batch.ts'`, 'workflows may import'],
  ['stacks/catalog.ts', `import { x } from '../functions/ingest/name.ts'`, 'stacks may import'],
  ['sst.config.ts', `const x = await import('./local/run.ts')`, 'stacks may import'],
  ['local/run.ts', `import { x } from '#functions/ingest/event.ts'`, 'local may import'],
  ['local/run.ts', `import { x } from '#cli/tables.ts'`, 'local may import'],
  ['cli/tables.ts', `import { x } from '#lake/aws/aws-lake.ts'`, 'cli may import'],
  ['cli/demo.ts', `import { datasets } from '#datasets/index.ts'`, 'cli may import'],
  ['cli/tables.ts', `import { S3Client } from '@aws-sdk/client-s3'`, 'only lake/aws'],
  ['functions/ingest/handler.ts', `import middy from '@middy/core'`, 'only lake/aws'],
  ['lake/iceberg/scan.ts', `import { BLOB } from '@duckdb/node-api'`, 'only lake/duckdb'],
  ['workflows/refine.ts', `import { readFileSync } from 'node:fs'`, 'only handler'],
  ['lake/batch.ts', `import { z } from 'zod'`, 'has no place yet'],
])('%s may not: %s', (path, line, reason) => {
  expect(problems(path, line)).toEqual([expect.stringContaining(reason)])
})

test('all forms of an import are seen, and text that only looks like one is not', () => {
  const found = importsOf(
    file(
      'lake/a.ts',
      `import type { A } from './b.ts'`,
      'import {',
      '  c,',
      `} from '#lake/c.ts'`,
      `import '@scope/name/deep.js'`,
      `export * from 'plain/deep'`,
      `const d = await import('../local/d.ts')`,
      `const e = createRequire(import.meta.url)('e')`,
      `const f = import.meta.resolve('f')`,
      `// import { g } from './g.ts'`,
      `const text = "import { h } from './h.ts'"`,
      `const path = resolve('i'), from = 'j'`,
    ),
  )
  expect(found.map(({ line, to, typeOnly }) => `${line} ${to}${typeOnly ? ' type' : ''}`)).toEqual([
    '1 lake/b.ts type',
    '4 lake/c.ts',
    '5 @scope/name',
    '6 plain',
    '7 local/d.ts',
    '8 e',
    '9 f',
  ])
})

test('a circle is told once, with its way; types do not close one', () => {
  const [a, b] = [file('a.ts', `import './b.ts'`), file('b.ts', `import './c.ts'`)]
  expect(importCycles([a, b, file('c.ts', `import './a.ts'`)])).toEqual(['a.ts → b.ts → c.ts → a.ts'])
  expect(importCycles([a, b, file('c.ts', `import type { A } from './a.ts'`)])).toEqual([])
})
