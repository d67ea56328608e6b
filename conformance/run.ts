import { readFile } from 'node:fs/promises'
import { checkEvaluate, type EvaluateCase } from './dqdl-evaluate.ts'
import { checkParse, type ParseCase } from './dqdl-parse.ts'

// `npm run conformance -- SUITE FILE`: runs a file of cases, one JSON document a line, and ends with `N passed, N failed`.
type Suite = (given: unknown) => readonly string[] | Promise<readonly string[]>

const SUITES: Readonly<Record<string, Suite>> = {
  'dqdl-parse': given => checkParse(given as ParseCase),
  'dqdl-evaluate': given => checkEvaluate(given as EvaluateCase),
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
  const given = JSON.parse(line) as { readonly name?: string }
  const problems = await suite(given)
  if (problems.length === 0) passed++
  else {
    failed++
    console.log(`FAIL line ${at + 1}: ${given.name ?? line.slice(0, 100)}`)
    for (const problem of problems) console.log(`  ${problem.replaceAll('\n', '\n  ')}`)
  }
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
