import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { canaryCommand } from '../../cli/canary.ts'
import { cdc } from '../../cli/cdc.ts'
import { check } from '../../cli/check.ts'
import type { Command } from '../../cli/command.ts'
import { runCommandLine } from '../../cli/command-line.ts'
import { compact } from '../../cli/compact.ts'
import { dlq } from '../../cli/dlq.ts'
import { erase } from '../../cli/erase.ts'
import { explain } from '../../cli/explain.ts'
import { local } from '../../cli/local.ts'
import { maintain } from '../../cli/maintain.ts'
import { put } from '../../cli/put.ts'
import { quality } from '../../cli/quality.ts'
import { quarantine } from '../../cli/quarantine.ts'
import { reconcile } from '../../cli/reconcile.ts'
import { replay } from '../../cli/replay.ts'
import { send } from '../../cli/send.ts'
import { show } from '../../cli/show.ts'
import { sql } from '../../cli/sql.ts'
import { status } from '../../cli/status.ts'
import { tables } from '../../cli/tables.ts'
import type { Output, Terminal } from '../../cli/terminal.ts'
import { type Dataset, defineDataset } from '../../lake/dataset.ts'
import { diskLake, type LocalLake } from '../../lake/disk/disk-lake.ts'

/** Commands run in this process against a lake in a folder; what a test checks stands in the test. */

const COMMANDS: readonly Command[] = [
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

/** The least that routes, refuses and replaces; tests put in what they need. */
export const orders = defineDataset({
  name: 'orders',
  source: { system: 'shop', format: 'ndjson', match: 'orders/**' },
  columns: { id: { type: 'long', required: true }, note: 'string' },
  limits: { objectBytesMax: 1_000 },
})

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface RunOptions {
  readonly columns?: number
  readonly colour?: boolean
  readonly env?: Readonly<Record<string, string>>
  readonly datasets?: readonly Dataset[]
  readonly stop?: AbortSignal
  readonly input?: AsyncIterable<Uint8Array>
  /** Who sits there; nobody when absent. */
  readonly ask?: (question: string) => Promise<string | undefined>
  /** Sees what is printed as it is printed. */
  readonly onOut?: (text: string) => void
  /** Nothing printed is kept: for outputs larger than memory should be. */
  readonly forgets?: boolean
  /** Nobody reads after so many writes, as after `| head`. */
  readonly readsMax?: number
}

export interface CommandBench {
  /** The working directory; the lake is `.sluice` in it. */
  readonly folder: string
  readonly lake: LocalLake
  run(argv: readonly string[], options?: RunOptions): Promise<Ran>
  remove(): void
}

export function commandBench(): CommandBench {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'))
  return {
    folder,
    lake: diskLake(join(folder, '.sluice')),
    run: (argv, options = {}) => run(folder, argv, options),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function run(folder: string, argv: readonly string[], options: RunOptions): Promise<Ran> {
  const out = capture(options)
  const err = capture({})
  const terminal: Terminal = {
    out: out.output,
    err: err.output,
    input: options.input ?? nothing(),
    cwd: folder,
    env: options.env ?? {},
    threads: 2,
    pid: process.pid,
    untilStopped: () => options.stop ?? AbortSignal.abort(),
    ...(options.ask && { ask: options.ask }),
  }
  const code = await runCommandLine(argv, {
    commands: COMMANDS,
    terminal,
    version: '1.2.3',
    datasets: async () => options.datasets ?? [orders],
  })
  return { code, out: out.text(), err: err.text() }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function capture({ columns, colour = false, onOut, forgets, readsMax = Number.POSITIVE_INFINITY }: RunOptions): {
  readonly output: Output
  text(): string
} {
  const written: string[] = []
  let writes = 0
  return {
    output: {
      columns,
      colour,
      write: async text => {
        if (writes++ >= readsMax) return false
        if (!forgets) written.push(text)
        onOut?.(text)
        return true
      },
    },
    text: () => written.join(''),
  }
}
