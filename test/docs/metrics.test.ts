// docs/operations.md names every metric that functions write, no other, and in bold those that an alarm of ours waits for.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { codeSpans, ROOT, readPage, tableUnder } from './pages.ts'

const METRIC_NAME = /'([A-Z][a-z]+(?:[A-Z][a-z]+)+)'/g

const namesIn = (path: string): readonly string[] =>
  [...readFileSync(join(ROOT, path), 'utf8').matchAll(METRIC_NAME)].map(found => found[1] as string)

const cells = tableUnder(readPage('docs/operations.md'), '## Metrics').map(([metrics]) => metrics ?? '')
const documented = cells.flatMap(codeSpans)

test('every metric has its place in the table', () => {
  const files = readdirSync(join(ROOT, 'lake/aws')).filter(name => name.endsWith('-metrics.ts'))
  expect(files.length).toBeGreaterThan(3)
  const written = files.flatMap(name => namesIn(`lake/aws/${name}`))
  // The middleware of Powertools counts cold starts, and `lake/aws/handler.ts` failures.
  expect(documented.toSorted()).toEqual([...new Set([...written, 'ColdStart', 'Failures'])].toSorted())
})

test('those that an alarm waits for are in bold', () => {
  const bold = cells.flatMap(cell => [...cell.matchAll(/\*\*`(\w+)`\*\*/g)].map(found => found[1] as string))
  const watched = namesIn('stacks/alarms.ts').filter(name => documented.includes(name))
  expect(bold.toSorted()).toEqual([...new Set(watched)].toSorted())
})
