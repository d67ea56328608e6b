import { GLOBAL_OPTIONS } from './arguments.ts'
import type { Command, CommandOption } from './command.ts'
import { styleOf } from './style.ts'
import type { Output } from './terminal.ts'

/** `sluice --help` */
export function overview(commands: readonly Command[], output: Output): string {
  const style = styleOf(output)
  const width = widthOf(output)
  const names = commands.map(command => [usageOf(command), command.summary] as const)
  return [
    `${style.bold('sluice')} — files that land become rows in Iceberg tables`,
    '',
    style.bold('Commands'),
    ...aligned(names, width),
    '',
    style.bold('Options'),
    ...aligned([...optionLines(GLOBAL_OPTIONS), ['--version', 'print the version']], width),
    '',
    '`sluice COMMAND --help` shows the options of a command and examples.',
    '',
  ].join('\n')
}

/** `sluice COMMAND --help` */
export function commandHelp(command: Command, output: Output): string {
  const style = styleOf(output)
  const width = widthOf(output)
  return [
    `${style.bold(`sluice ${usageOf(command)} [OPTIONS]`)}`,
    `  ${command.summary}`,
    '',
    style.bold('Options'),
    ...aligned([...optionLines(command.options), ...optionLines(GLOBAL_OPTIONS)], width),
    '',
    ...command.notes.flatMap(paragraph => wrap(paragraph, width - 2).map(line => `  ${line}`)),
    '',
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

function aligned(lines: readonly (readonly [string, string])[], width: number): readonly string[] {
  const left = Math.max(...lines.map(([term]) => term.length))
  return lines.flatMap(([term, text]) =>
    wrap(text, width - left - 4).map((part, at) => `  ${(at === 0 ? term : '').padEnd(left)}  ${part}`),
  )
}

/** Wider lines are hard to read, however wide the terminal is. */
const WIDTH_MAX = 100
const WIDTH_MIN = 60

const widthOf = (output: Output): number => Math.max(WIDTH_MIN, Math.min(WIDTH_MAX, output.columns ?? WIDTH_MAX))

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) as string
    if (line === '') lines[lines.length - 1] = word
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines
}
