import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Dataset } from '#lake/dataset.ts'
import { diskLake, type LogLine } from '#lake/disk/disk-lake.ts'
import { type CommandLine, readArguments } from './arguments.ts'
import type { Command } from './command.ts'
import { commandHelp, overview } from './help.ts'
import { describeError, EXIT_OK, exitCodeOf, refusal, usage } from './refusal.ts'
import { styleOf } from './style.ts'
import type { Terminal } from './terminal.ts'

export interface CommandLineOptions {
  readonly commands: readonly Command[]
  readonly terminal: Terminal
  readonly version: string
  datasets(): Promise<readonly Dataset[]>
}

/** Runs what the arguments ask for and returns the exit code: 0 done, 1 failed, 2 asked for in a way that cannot be. Never throws. */
export async function runCommandLine(argv: readonly string[], options: CommandLineOptions): Promise<number> {
  const { terminal } = options
  try {
    return await run(argv, options)
  } catch (error) {
    const debug = argv.includes('--debug')
    await terminal.err.write(`${describeError(error, { debug, style: styleOf(terminal.err) })}\n`)
    return exitCodeOf(error)
  }
}

async function run(argv: readonly string[], options: CommandLineOptions): Promise<number> {
  const { terminal, commands } = options
  const line = readArguments(argv, commands)
  switch (line.kind) {
    case 'version':
      await terminal.out.write(`${options.version}\n`)
      return EXIT_OK
    case 'overview':
      await terminal.out.write(overview(commands, terminal.out))
      return EXIT_OK
    case 'help':
      await terminal.out.write(commandHelp(line.command, terminal.out))
      return EXIT_OK
    case 'command':
      return (await runCommand(line, options)) ?? EXIT_OK
  }
}

async function runCommand(
  { command, given, options }: Extract<CommandLine, { kind: 'command' }>,
  { terminal, datasets }: CommandLineOptions,
): Promise<number | undefined> {
  const root = resolve(terminal.cwd, options.value('lake') ?? (terminal.env['SLUICE_LAKE'] || '.sluice'))
  const isRemote = options.value('lake') === REMOTE
  if (isRemote && command.remote === undefined)
    throw usage(
      `sluice ${command.name} works on a lake in a folder, not on AWS`,
      'give its folder: --lake FOLDER; ./aws is a folder of that name',
    )
  if (command.reads && !isRemote) await checkLake(root)
  const lake = diskLake(root, {
    limits: { threads: terminal.threads },
    log: line => logLine(terminal, line, options.has('debug')),
  })
  const reached = isRemote ? await (await import('./remote-lake.ts')).remoteLake(terminal) : lake
  return command.run({ given, options, terminal, lake, reached, root, datasets })
}

/** `--lake aws`: the lake that `npx sst deploy` has made, by its names in the environment. */
const REMOTE = 'aws'

async function checkLake(root: string): Promise<void> {
  const found = await stat(root).catch(() => undefined)
  if (found?.isDirectory()) return
  const next = 'name its folder with --lake FOLDER, or make one: `npm run demo`, or `sluice put FILE --dataset NAME`'
  throw refusal('not-found', `there is no lake at ${root}`, next)
}

/** Steps say what people need to know; the log is for those who look for a fault. */
function logLine(terminal: Terminal, { level, message, fields }: LogLine, debug: boolean): void {
  if (!debug) return
  const text = JSON.stringify(fields, (_key, value) => (typeof value === 'bigint' ? String(value) : value))
  void terminal.err.write(`${styleOf(terminal.err).dim(`${level} ${message} ${text}`)}\n`)
}
