import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { mapParallel } from '#lake/parallel.ts'
import type { ChangeCase } from './cdc-case.ts'
import type { EvaluateCase } from './dqdl-evaluate.ts'
import type { ParseCase } from './dqdl-parse.ts'

// `npm run conformance -- SUITE FILE`: runs a file of cases, one JSON document a line, or a folder of files that hold one each, and ends with
// `N passed, N failed`.
type Suite = (given: unknown) => Promise<readonly string[]>

/** Each loads what it runs: parsing needs no engine. */
const SUITES: Readonly<Record<string, Suite>> = {
  'dqdl-parse': async given => (await import('./dqdl-parse.ts')).checkParse(given as ParseCase),
  'dqdl-evaluate': async given => (await import('./dqdl-evaluate.ts')).checkEvaluate(given as EvaluateCase),
  cdc: async given => (await import('./cdc.ts')).checkChanges(given as ChangeCase),
}

/** A case that cannot be read, or breaks the suite, fails like any other. */
async function problemsOf(text: string): Promise<readonly string[]> {
  try {
    return (await suite?.(JSON.parse(text))) ?? []
  } catch (error) {
    return [String(error)]
  }
}

const nameOf = (text: string): string => {
  const quoted = /"name": ?("(?:[^"\\]|\\.)*")/.exec(text)?.[1]
  return quoted === undefined ? text.slice(0, 100) : String(JSON.parse(quoted))
}

interface Case {
  readonly place: string
  readonly text: string
}

async function casesOf(path: string): Promise<readonly Case[]> {
  if ((await stat(path)).isDirectory()) {
    const names = (await readdir(path)).filter(name => name.endsWith('.json')).toSorted()
    return Promise.all(names.map(async name => ({ place: name, text: await readFile(join(path, name), 'utf8') })))
  }
  const lines = (await readFile(path, 'utf8')).split('\n')
  return lines.map((text, at) => ({ place: `line ${at + 1}`, text })).filter(({ text }) => text.trim() !== '')
}

/** DuckDB works outside of this thread, so that two cases at once keep two cores busy. */
const AT_ONCE = 2

const [suiteName = '', path] = process.argv.slice(2)
const suite = SUITES[suiteName]
if (suite === undefined || path === undefined) {
  console.error(`usage: npm run conformance -- ${Object.keys(SUITES).join('|')} FILE|FOLDER`)
  process.exit(2)
}
let passed = 0
let failed = 0
const atOnce = suiteName === 'cdc' ? AT_ONCE : 1
await mapParallel(await casesOf(path), atOnce, async ({ place, text }) => {
  const problems = await problemsOf(text)
  if (problems.length === 0) passed++
  else {
    failed++
    console.log(`FAIL ${place}: ${nameOf(text)}`)
    for (const problem of problems) console.log(`  ${problem.replaceAll('\n', '\n  ')}`)
  }
})
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
