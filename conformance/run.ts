import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
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
  check(given: unknown): Promise<readonly string[]>
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
    fields: ['format', 'key', 'columns', 'batches'],
    check: async given => (await import('./cdc.ts')).checkChanges(given as ChangeCase),
  },
  'cdc-athena': {
    fields: ['format', 'key', 'columns', 'batches'],
    check: async given => (await import('./cdc.ts')).checkHandedOver(given as ChangeCase),
  },
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
const cases = await casesOf(path).catch((error: Error) => {
  console.error(`cannot read ${path}: ${error.message}`)
  process.exit(2)
})
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
