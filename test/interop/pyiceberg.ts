import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

/** What a reader should find in the whole table, a partition of it, or under a predicate; sums are decimal text. */
export interface Totals {
  readonly rows: number
  readonly sums?: Readonly<Record<string, string | null>>
}

/** The input of pyiceberg_read.py, where the fields are explained. */
export interface TableExpectation extends Totals {
  readonly metadata: string
  readonly partitions?: Readonly<Record<string, Totals>>
  readonly predicates?: readonly (Totals & { readonly filter: string })[]
}

export interface Reading {
  readonly metadata: string
  readonly differences: readonly string[]
}

/** Lets PyIceberg read the tables; what it found otherwise than expected comes back as sentences. */
export async function readByPyIceberg(expectations: readonly TableExpectation[]): Promise<readonly Reading[]> {
  // 1 is the exit code of a difference, and of Python for a script that failed: then there is no line for each table.
  const { answers, code, errors } = await runPython('pyiceberg_read.py', expectations)
  if ((code !== 0 && code !== 1) || answers.length !== expectations.length)
    throw new Error(`pyiceberg_read.py ended with ${code}:\n${errors}`)
  return answers as readonly Reading[]
}

/** Where PyIceberg finds tables: in the folder of a lake on disk, or in Glue with the properties of its catalog. */
export type PyIcebergCatalog = { readonly lake: string } | { readonly glue: Readonly<Record<string, string>> }

/** One thing that PyIceberg is to do; pyiceberg_work.py says what there is and what it takes. */
export interface PyIcebergStep {
  readonly do: string
  readonly table: string
  readonly [argument: string]: unknown
}

/** Lets PyIceberg do something to tables, step by step, in a process of its own; gives the answer of each step. */
export async function workWithPyIceberg(
  catalog: PyIcebergCatalog,
  steps: readonly PyIcebergStep[],
  database = 'lake',
): Promise<readonly unknown[]> {
  const { answers, code, errors } = await runPython('pyiceberg_work.py', { catalog, database, steps })
  if (code !== 0) throw new Error(`pyiceberg_work.py ended with ${code} after ${answers.length} steps:\n${errors}`)
  return answers
}

interface PythonRun {
  readonly answers: readonly unknown[]
  readonly code: number | null
  readonly errors: string
}

/** Runs a script of this folder in run.sh's environment, with JSON as its input and a JSON value a line as its output. */
async function runPython(name: string, input: unknown): Promise<PythonRun> {
  const python = process.env['SLUICE_INTEROP_PYTHON']
  if (python === undefined) throw new Error('PyIceberg is in the environment that "npm run test:interop" makes')
  const child = spawn(python, [new URL(name, import.meta.url).pathname], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(JSON.stringify(input))
  const [output, errors, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>(resolve => child.on('close', resolve)),
  ])
  const lines = output.split('\n').filter(line => line !== '')
  return { answers: lines.map(line => JSON.parse(line) as unknown), code, errors }
}
