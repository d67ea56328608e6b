import { readFile } from 'node:fs/promises'
import type { EvaluateCase } from './dqdl-evaluate.ts'
import type { ParseCase } from './dqdl-parse.ts'

// `npm run conformance -- SUITE FILE`: runs a file of cases, one JSON document a line, and ends with `N passed, N failed`.
type Suite = (given: unknown) => Promise<readonly string[]>

/** Each loads what it runs: parsing needs no engine. */
const SUITES: Readonly<Record<string, Suite>> = {
  'dqdl-parse': async given => (await import('./dqdl-parse.ts')).checkParse(given as ParseCase),
  'dqdl-evaluate': async given => (await import('./dqdl-evaluate.ts')).checkEvaluate(given as EvaluateCase),
}

/** A line that cannot be read, or breaks the suite, fails like any other. */
async function problemsOf(line: string): Promise<readonly string[]> {
  try {
    return (await suite?.(JSON.parse(line))) ?? []
  } catch (error) {
    return [String(error)]
  }
}

const nameOf = (line: string): string => {
  const quoted = /"name": ?("(?:[^"\\]|\\.)*")/.exec(line)?.[1]
  return quoted === undefined ? line.slice(0, 100) : String(JSON.parse(quoted))
}

const [suiteName = '', file] = process.argv.slice(2)
const suite = SUITES[suiteName]
if (suite === undefined || file === undefined) {
  console.error(`usage: npm run conformance -- ${Object.keys(SUITES).join('|')} FILE`)
  process.exit(2)
}
let passed = 0
let failed = 0
for (const [at, line] of (await readFile(file, 'utf8')).split('\n').entries()) {
  if (line.trim() === '') continue
  const problems = await problemsOf(line)
  if (problems.length === 0) passed++
  else {
    failed++
    console.log(`FAIL line ${at + 1}: ${nameOf(line)}`)
    for (const problem of problems) console.log(`  ${problem.replaceAll('\n', '\n  ')}`)
  }
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
