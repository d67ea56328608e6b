import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { mapParallel } from '#lake/parallel.ts'
import type { ChangeCase } from './cdc-case.ts'
import type { EvaluateCase } from './dqdl-evaluate.ts'
import type { ParseCase } from './dqdl-parse.ts'

// `npm run conformance -- SUITE FILE`: runs a file of cases, one JSON document a line, or a folder of files that hold one each, and ends with
// `N passed, N failed`.
interface Suite {
  /** Fields without which a document is no case. */
  readonly fields: readonly string[]
  /** Loads what it runs: parsing needs no engine. */
  check(given: object): Promise<readonly string[]>
}

const SUITES: Readonly<Record<string, Suite>> = {
  'dqdl-parse': {
    fields: ['ruleset', 'valid'],
    check: async given => (await import('./dqdl-parse.ts')).checkParse(given as ParseCase),
  },
  'dqdl-evaluate': {
    fields: ['call', 'ruleset', 'primary', 'expect'],
    check: async given => (await import('./dqdl-evaluate.ts')).checkEvaluate(given as EvaluateCase),
  },
  cdc: {
    fields: [],
    check: async given => wellFormed(given, (await import('./cdc.ts')).checkChanges),
  },
  'cdc-athena': {
    fields: [],
    check: async given => wellFormed(given, (await import('./cdc.ts')).checkHandedOver),
  },
}

async function wellFormed(
  given: object,
  check: (given: ChangeCase) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const { filled, formProblems } = await import('./cdc-form.ts')
  const problems = formProblems(given)
  return problems.length > 0 ? problems : check(filled(given))
}

/** A case that cannot be read, or breaks the suite, fails like any other. */
async function problemsOf({ fields, check }: Suite, text: string): Promise<readonly string[]> {
  try {
    const given: unknown = JSON.parse(text)
    if (typeof given !== 'object' || given === null || Array.isArray(given)) return ['a case is a JSON object']
    const absent = fields.filter(field => !Object.hasOwn(given, field))
    return absent.length > 0 ? [`the case lacks ${absent.join(', ')}`] : await check(given)
  } catch (error) {
    return [String(error)]
  }
}

const nameOf = (text: string): string => {
  const quoted = /"name": ?("(?:[^"\\]|\\.)*")/.exec(text)?.[1]
  return quoted === undefined ? text.trim().slice(0, 100) : String(JSON.parse(quoted))
}

interface Case {
  readonly place: string
  readonly text: string
}

/** Every .json file of a folder and of those below it, the only case of a file, or its lines. */
async function casesOf(path: string): Promise<readonly Case[]> {
  if ((await stat(path)).isDirectory()) {
    const entries = await readdir(path, { recursive: true, withFileTypes: true })
    const files = entries.filter(entry => !entry.isDirectory() && entry.name.endsWith('.json'))
    const places = files.map(({ parentPath, name }) => relative(path, join(parentPath, name))).toSorted()
    return Promise.all(places.map(async place => ({ place, text: await readFile(join(path, place), 'utf8') })))
  }
  const text = await readFile(path, 'utf8')
  if (path.endsWith('.json') && isJson(text)) return [{ place: basename(path), text }]
  const lines = text.split('\n').map((line, at) => ({ place: `line ${at + 1}`, text: line }))
  return lines.filter(line => line.text.trim() !== '')
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** DuckDB works outside of this thread, so that two cases at once keep two cores busy. */
const AT_ONCE = 2

const [suiteName = '', path] = process.argv.slice(2)
const suite = SUITES[suiteName]
if (suite === undefined || path === undefined) {
  console.error(`usage: npm run conformance -- ${Object.keys(SUITES).join('|')} FILE|FOLDER`)
  process.exit(2)
}
const cases = await casesOf(path).catch((error: Error) => {
  console.error(`cannot read ${path}: ${error.message}`)
  process.exit(2)
})
if (cases.length === 0) {
  console.error(`${path} has no cases: a folder holds one JSON document in each file that ends with .json`)
  process.exit(1)
}
let passed = 0
let failed = 0
const atOnce = suiteName.startsWith('cdc') ? AT_ONCE : 1
await mapParallel(cases, atOnce, async ({ place, text }) => {
  const problems = await problemsOf(suite, text)
  if (problems.length === 0) passed++
  else {
    failed++
    console.log(`FAIL ${place}: ${nameOf(text)}`)
    for (const problem of problems) console.log(`  ${problem.replaceAll('\n', '\n  ')}`)
  }
})
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
