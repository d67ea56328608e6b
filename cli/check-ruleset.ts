import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { leavesOf, type NumberOperand, type Ruleset, type SimpleRule } from '#lake/dqdl/ast.ts'
import { type Diagnostic, placeOf, showDiagnostic } from '#lake/dqdl/diagnostics.ts'
import { type ParseResult, parseRuleset } from '#lake/dqdl/parser.ts'
import type { Call } from './command.ts'
import { refusal, usage } from './refusal.ts'
import { type Style, styleOf } from './style.ts'
import { printable } from './text-width.ts'

export type Mode = 'aws' | 'lenient'

/** A file of rules as it was read. */
export interface RulesFile extends ParseResult {
  readonly name: string
  readonly text: string
}

export function readMode(text: string | undefined): Mode {
  if (text === undefined || text === 'lenient') return 'lenient'
  if (text === 'aws') return 'aws'
  throw usage(`--mode ${text} is neither aws nor lenient`, 'lenient takes what people mean; aws what AWS Glue takes')
}

/** Errors: `not-found`, `file-unreadable`. A text with mistakes is no error here: its diagnostics tell. */
export async function readRules(call: Call, name: string, mode: Mode): Promise<RulesFile> {
  const bytes = await readFile(resolve(call.terminal.cwd, name)).catch((error: NodeJS.ErrnoException) => {
    const what = error.code === 'EISDIR' ? `${name} is a folder` : `there is no file ${name} that can be read`
    throw refusal('not-found', what, 'name a file of rules: Rules = [ RowCount > 0 ]; --suggest writes a first one')
  })
  const text = decode(bytes, name)
  return { name, text, ...parseRuleset(text, { mode }) }
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    // A byte order mark stays in the text: whether it may is for the language to say.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw refusal('file-unreadable', `${name} is not UTF-8`, 'save it as UTF-8, or check that it is a file of rules')
  }
}

// --- Diagnostics ---------------------------------------------------------------------------------------------------

/** Each with its line and a caret, as compilers write them. */
export function showDiagnostics(rules: RulesFile, style: Style): string {
  return rules.diagnostics.map(each => `${marked(each, rules, style)}\n`).join('')
}

function marked(diagnostic: Diagnostic, { name, text }: RulesFile, style: Style): string {
  const [first = '', ...rest] = showDiagnostic(text, diagnostic).split('\n').map(harmless)
  const mark = diagnostic.severity === 'error' ? style.red : style.yellow
  const head = first.replace(`: ${diagnostic.severity}:`, `: ${mark(`${diagnostic.severity}:`)}`)
  return [`${harmless(name)}:${head}`, ...rest].join('\n')
}

/** Tabs stay: the line of the caret has the same. */
const harmless = (line: string): string => line.split('\t').map(printable).join('\t')

export interface DiagnosticDocument {
  readonly severity: Diagnostic['severity']
  readonly line: number
  readonly column: number
  readonly message: string
  readonly fix: string | null
}

export function diagnosticDocuments({ text, diagnostics }: RulesFile): readonly DiagnosticDocument[] {
  return diagnostics.map(({ severity, message, span, fix }) => ({
    severity,
    ...placeOf(text, span.start),
    message,
    fix: fix ?? null,
  }))
}

/** Prints why there is nothing to run. */
export async function refuseRules(call: Call, rules: RulesFile): Promise<void> {
  const { out, err } = call.terminal
  if (call.options.has('json')) {
    const document = { ruleset: rules.name, valid: false, diagnostics: diagnosticDocuments(rules) }
    await out.write(`${JSON.stringify(document, null, 2)}\n`)
    return
  }
  const style = styleOf(err)
  const errors = rules.diagnostics.filter(each => each.severity === 'error').length
  const count = errors === 1 ? 'a mistake' : `${errors} mistakes`
  await err.write(
    `${showDiagnostics(rules, style)}${style.red('error:')} ${harmless(rules.name)} has ${count}; no rule was evaluated\n`,
  )
}

// --- What rules need -----------------------------------------------------------------------------------------------

export const simpleRules = (ruleset: Ruleset): readonly SimpleRule[] => ruleset.rules.flatMap(leavesOf)

export interface Aliases {
  /** Without these a rule cannot be evaluated. */
  readonly needed: readonly string[]
  /** Perhaps a data source, perhaps a column, or any word of a statement. */
  readonly possible: readonly string[]
}

/** The data sources that rules name besides the data itself. */
export function aliasesOf(ruleset: Ruleset): Aliases {
  const needed = new Set<string>()
  const possible = new Set<string>()
  for (const rule of simpleRules(ruleset)) {
    const values = rule.parameters.map(each => each.value)
    for (const alias of neededBy(rule.type.name, values)) needed.add(alias)
    for (const alias of possibleIn(rule.type.name, values)) possible.add(alias)
  }
  needed.delete(PRIMARY)
  possible.delete(PRIMARY)
  return { needed: [...needed], possible: [...possible] }
}

/** What rules call the data themselves. */
export const PRIMARY = 'primary'

function neededBy(type: string, [first = '', second = '']: readonly string[]): readonly string[] {
  switch (type) {
    case 'RowCountMatch':
    case 'SchemaMatch':
    case 'DatasetMatch':
      return [first]
    case 'ReferentialIntegrity':
      return second.includes('.') ? [second.slice(0, second.indexOf('.')).trim()] : []
    default:
      return []
  }
}

function possibleIn(type: string, values: readonly string[]): readonly string[] {
  if (type === 'AggregateMatch') return values.flatMap(value => /\(\s*([^.()\s]+)\./.exec(value)?.[1] ?? [])
  return type === 'CustomSql' ? values.flatMap(value => value.match(/\w+/g) ?? []) : []
}

// --- History -------------------------------------------------------------------------------------------------------

/** What a check without a history means for the rules that ask for one. */
export function historyNotes(ruleset: Ruleset): readonly string[] {
  const asking = simpleRules(ruleset).filter(asksHistory).length
  if (asking === 0) return []
  const who = asking === 1 ? 'a rule compares' : `${asking} rules compare`
  return [`${who} with earlier runs, of which a check knows none: last(k) is 0, and nothing is an anomaly`]
}

function asksHistory({ type, condition, threshold }: SimpleRule): boolean {
  const operands = [condition, threshold].flatMap(each => (each?.kind === 'number' ? each.operands : []))
  return type.name === 'DetectAnomalies' || operands.some(callsLast)
}

function callsLast(operand: NumberOperand): boolean {
  if (operand.kind === 'binary') return callsLast(operand.left) || callsLast(operand.right)
  return operand.kind === 'call' && (operand.name === 'last' || operand.arguments.some(callsLast))
}
