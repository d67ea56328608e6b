import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CheckDocument } from '../../cli/check-document.ts'
import { type CommandBench, commandBench, type Ran, type RunOptions } from './command-bench.ts'

/** `sluice check` in a folder without a lake; what a test checks stands in the test. */
export interface CheckBench extends CommandBench {
  write(name: string, content: string | Uint8Array): void
  read(name: string): Buffer
  /** Writes the rules, without the brackets, and checks them. */
  check(rules: string, argv: readonly string[], options?: RunOptions): Promise<Ran>
  /** The same with --json; the exit code must be 0 or 1. */
  judge(rules: string, argv: readonly string[]): Promise<CheckDocument>
  /** Outcomes by themselves. */
  outcomes(rules: string, argv: readonly string[]): Promise<readonly string[]>
}

export function checkBench(): CheckBench {
  const bench = commandBench()
  const write = (name: string, content: string | Uint8Array): void => writeFileSync(join(bench.folder, name), content)
  const check: CheckBench['check'] = (rules, argv, options) => {
    write('rules.dqdl', `Rules = [\n${rules}\n]\n`)
    return bench.run(['check', 'rules.dqdl', ...argv], options)
  }
  const judge: CheckBench['judge'] = async (rules, argv) => {
    const ran = await check(rules, [...argv, '--json'])
    if (ran.code > 1) throw new Error(`exit ${ran.code}: ${ran.err}${ran.out}`)
    return JSON.parse(ran.out) as CheckDocument
  }
  return {
    ...bench,
    write,
    read: name => readFileSync(join(bench.folder, name)),
    check,
    judge,
    outcomes: async (rules, argv) => (await judge(rules, argv)).rules.map(rule => rule.outcome),
  }
}
