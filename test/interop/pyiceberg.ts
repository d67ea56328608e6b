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
  const python = process.env['SLUICE_INTEROP_PYTHON']
  if (python === undefined) throw new Error('PyIceberg is in the environment that "npm run test:interop" makes')
  const script = new URL('./pyiceberg_read.py', import.meta.url).pathname
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(JSON.stringify(expectations))
  const [output, errors, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>(resolve => child.on('close', resolve)),
  ])
  // 1 is the exit code of a difference, and of Python for a script that failed: then there is no line for each table.
  const readings = output
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Reading)
  if ((code !== 0 && code !== 1) || readings.length !== expectations.length)
    throw new Error(`pyiceberg_read.py ended with ${code}:\n${errors}`)
  return readings
}
