import { GLOBAL_OPTIONS } from './arguments.ts'
import type { Command, CommandOption } from './command.ts'
import type { Style } from './style.ts'

/** `sluice --help` */
export function overview(commands: readonly Command[], style: Style): string {
  const names = commands.map(command => [usageOf(command), command.summary] as const)
  return [
    `${style.bold('sluice')} — files that land become rows in Iceberg tables`,
    '',
    style.bold('Commands'),
    ...aligned(names),
    '',
    style.bold('Options'),
    ...aligned([...optionLines(GLOBAL_OPTIONS), ['--version', 'print the version']]),
    '',
    '`sluice COMMAND --help` shows the options of a command and examples.',
    '',
  ].join('\n')
}

/** `sluice COMMAND --help` */
export function commandHelp(command: Command, style: Style): string {
  return [
    `${style.bold(`sluice ${usageOf(command)} [OPTIONS]`)}`,
    `  ${command.summary}`,
    '',
    style.bold('Options'),
    ...aligned([...optionLines(command.options), ...optionLines(GLOBAL_OPTIONS)]),
    '',
    ...(command.notes === undefined ? [] : [...command.notes.split('\n').map(line => `  ${line}`.trimEnd()), '']),
    style.bold(command.examples.length === 1 ? 'Example' : 'Examples'),
    ...command.examples.map(example => `  ${example}`),
    '',
  ].join('\n')
}

const usageOf = (command: Command): string => `${command.name} ${command.takes.text}`.trimEnd()

function optionLines(options: Readonly<Record<string, CommandOption>>): readonly (readonly [string, string])[] {
  return Object.entries(options).map(([name, { value, help }]) => [
    value === undefined ? `--${name}` : `--${name} ${value}`,
    help,
  ])
}

function aligned(lines: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...lines.map(([left]) => left.length))
  return lines.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
