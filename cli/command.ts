import type { Dataset } from '#lake/dataset.ts'
import type { LocalLake } from '#lake/disk/disk-lake.ts'
import type { Lake } from '#lake/lake.ts'
import type { Terminal } from './terminal.ts'

/** One command of `sluice`, as data and a function. */
export interface Command {
  readonly name: string
  /** One line in the list of commands. */
  readonly summary: string
  /** The arguments as people read them: `TABLE`, `FILE…`. */
  readonly takes: { readonly text: string; readonly min: number; readonly max: number }
  readonly options: Readonly<Record<string, CommandOption>>
  /** What the options do not say, by paragraphs. */
  readonly notes: readonly string[]
  readonly examples: readonly string[]
  /** Looks at a lake that must be there already. */
  readonly reads: boolean
  /** It works on a lake on AWS as well: `--lake aws`. */
  readonly remote?: true
  /** Returns an exit code, 0 when there is none. */
  run(call: Call): Promise<number | undefined>
}

export interface CommandOption {
  readonly help: string
  /** The placeholder of the value; without one the option is a switch. */
  readonly value?: string
  /** It may be given several times. */
  readonly repeated?: true
}

export interface Call {
  readonly given: readonly string[]
  readonly options: Options
  readonly terminal: Terminal
  readonly lake: LocalLake
  /** What a command that may be `remote` works on: the lake in the folder, or the one on AWS. */
  readonly reached: Lake
  /** The folder of the lake. */
  readonly root: string
  datasets(): Promise<readonly Dataset[]>
}

export interface Options {
  has(name: string): boolean
  /** Of a repeated option the last. */
  value(name: string): string | undefined
  /** All that were given, in order. */
  values(name: string): readonly string[]
}
