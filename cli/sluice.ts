import { readFileSync } from 'node:fs'
import { collectAtOnce } from '#lake/collector.ts'
import { canaryCommand } from './canary.ts'
import { cdc } from './cdc.ts'
import { check } from './check.ts'
import { runCommandLine } from './command-line.ts'
import { compact } from './compact.ts'
import { demoCommand } from './demo.ts'
import { dlq } from './dlq.ts'
import { erase } from './erase.ts'
import { explain } from './explain.ts'
import { local } from './local.ts'
import { maintain } from './maintain.ts'
import { put } from './put.ts'
import { quality } from './quality.ts'
import { quarantine } from './quarantine.ts'
import { reconcile } from './reconcile.ts'
import { describeError } from './refusal.ts'
import { replay } from './replay.ts'
import { send } from './send.ts'
import { show } from './show.ts'
import { sql } from './sql.ts'
import { status } from './status.ts'
import { tables } from './tables.ts'
import { processTerminal } from './terminal.ts'

/** The commands, in the order in which somebody new needs them. */
const COMMANDS = [
  demoCommand,
  local,
  put,
  send,
  tables,
  show,
  sql,
  check,
  quality,
  cdc,
  explain,
  quarantine,
  status,
  canaryCommand,
  dlq,
  replay,
  reconcile,
  compact,
  maintain,
  erase,
]

collectAtOnce()
const terminal = processTerminal()

// What nobody waited for must not print a stack over whatever is on the screen.
process.on('unhandledRejection', error => {
  process.stderr.write(`${describeError(error, { debug: process.argv.includes('--debug') })}\n`)
  process.exit(1)
})

const code = await runCommandLine(process.argv.slice(2), {
  commands: COMMANDS,
  terminal,
  version: version(),
  // Only the commands that run the pipeline need them: a mistake in a declaration must not keep anybody from looking at tables.
  datasets: async () => (await import('#datasets/index.ts')).datasets,
})
await terminal.flush()
process.exit(code)

function version(): string {
  const file = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(file) as { readonly version: string }).version
}
