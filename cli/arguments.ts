import { parseArgs } from 'node:util'
import { closest } from './closest.ts'
import type { Command, CommandOption, Options } from './command.ts'
import { usage } from './refusal.ts'

/** Options of every command. */
export const GLOBAL_OPTIONS: Readonly<Record<string, CommandOption>> = {
  lake: {
    value: 'FOLDER',
    help: 'the lake; SLUICE_LAKE, or .sluice in this folder, when not given. Some commands take aws',
  },
  json: { help: 'print JSON' },
  debug: { help: 'print log lines, and the stack of an error' },
  help: { help: 'print this' },
}

export type CommandLine =
  | { readonly kind: 'version' }
  | { readonly kind: 'overview' }
  | { readonly kind: 'help'; readonly command: Command }
  | {
      readonly kind: 'command'
      readonly command: Command
      readonly given: readonly string[]
      readonly options: Options
    }

/** What the arguments ask for; a `usage` error names what is wrong with them. */
export function readArguments(argv: readonly string[], commands: readonly Command[]): CommandLine {
  const { name, rest } = takeName(argv)
  if (name === undefined) return withoutCommand(rest)
  if (name === 'help') return helpOn(rest, commands)
  const command = findCommand(name, commands)
  if (rest.includes('--help') || rest.includes('-h')) return { kind: 'help', command }
  const { values, positionals } = parse(rest, command)
  checkCount(command, positionals)
  return {
    kind: 'command',
    command,
    given: positionals,
    options: {
      has: option => values[option] === true,
      value: option => textsOf(values[option]).at(-1),
      values: option => textsOf(values[option]),
    },
  }
}

/** Global options may stand before the command as well as after it. */
function takeName(argv: readonly string[]): { readonly name: string | undefined; readonly rest: readonly string[] } {
  const { tokens } = parseArgs({
    args: [...argv],
    options: parserOptions(GLOBAL_OPTIONS),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const first = tokens.find(token => token.kind === 'positional')
  return first === undefined
    ? { name: undefined, rest: argv }
    : { name: first.value, rest: argv.filter((_text, index) => index !== first.index) }
}

function withoutCommand(rest: readonly string[]): CommandLine {
  const wanted = rest.filter(text => text !== '--debug')
  if (wanted.includes('--version') || wanted.includes('-V')) return { kind: 'version' }
  if (wanted.length === 0 || wanted.includes('--help') || wanted.includes('-h')) return { kind: 'overview' }
  throw usage(`${wanted.join(' ')} needs a command`, '`sluice --help` lists the commands')
}

function helpOn(rest: readonly string[], commands: readonly Command[]): CommandLine {
  const name = rest.find(text => !text.startsWith('-'))
  return name === undefined ? { kind: 'overview' } : { kind: 'help', command: findCommand(name, commands) }
}

function findCommand(name: string, commands: readonly Command[]): Command {
  const command = commands.find(each => each.name === name)
  if (command !== undefined) return command
  const near = closest(
    name,
    commands.map(each => each.name),
  )[0]
  const next = near === undefined ? '`sluice --help` lists the commands' : `did you mean \`sluice ${near}\`?`
  throw usage(`there is no command "${name}"`, next)
}

type Given = string | boolean | readonly string[] | undefined

function textsOf(given: Given): readonly string[] {
  if (typeof given === 'string') return [given]
  return typeof given === 'object' ? given : []
}

interface Parsed {
  readonly values: Readonly<Record<string, Given>>
  readonly positionals: readonly string[]
}

function parse(rest: readonly string[], command: Command): Parsed {
  const known = { ...GLOBAL_OPTIONS, ...command.options }
  try {
    return parseArgs({ args: [...rest], options: parserOptions(known), allowPositionals: true }) as Parsed
  } catch (error) {
    // The parser's messages go on with advice about `--` that helps nobody who has mistyped an option.
    const message = error instanceof Error ? (error.message.split(/\. |\n/)[0] as string) : String(error)
    const unknown = /^Unknown option '--?([^']+)'/.exec(message)?.[1]
    // A value that begins with a dash is taken for an option, and whoever gave it wants to know how to give it.
    const ambiguous = /^Option '(--[^' ]+)[^']*' argument is ambiguous/.exec(message)?.[1]
    if (ambiguous !== undefined)
      throw usage(
        `sluice ${command.name}: ${ambiguous} has no value`,
        `give one; one that begins with - as ${ambiguous}=-1`,
      )
    const near = unknown === undefined ? undefined : closest(unknown, Object.keys(known))[0]
    const next = near === undefined ? `\`sluice ${command.name} --help\` lists the options` : `did you mean --${near}?`
    throw usage(`sluice ${command.name}: ${message}`, next)
  }
}

function parserOptions(
  options: Readonly<Record<string, CommandOption>>,
): Record<string, { readonly type: 'string' | 'boolean'; readonly multiple: boolean }> {
  return Object.fromEntries(
    Object.entries(options).map(([name, { value, repeated = false }]) => [
      name,
      { type: value === undefined ? 'boolean' : 'string', multiple: repeated },
    ]),
  )
}

function checkCount(command: Command, positionals: readonly string[]): void {
  const { min, max, text } = command.takes
  const next = `use it as: ${command.examples[0]}`
  if (positionals.length < min) throw usage(`sluice ${command.name} needs ${text}`, next)
  if (positionals.length > max) {
    const extra = positionals.slice(max).join(' ')
    throw usage(`sluice ${command.name}: ${max === 0 ? 'takes no arguments' : 'too many arguments'}: ${extra}`, next)
  }
}
