import type { Rule, Ruleset } from '#lake/dqdl/ast.ts'
import { evaluate } from '#lake/dqdl/evaluate.ts'
import { parseRuleset } from '#lake/dqdl/parser.ts'
import type { OpenData } from './check-data.ts'
import { type Profile, profileOf } from './check-profile.ts'
import { type Proposed, proposalsFor } from './check-proposals.ts'
import { printable } from './text-width.ts'
import { counted } from './units.ts'

/** Rules for data, and why each is proposed. */
export interface Suggestion {
  /** A whole file of rules, with the reasons as comments. */
  readonly ruleset: string
  readonly rules: readonly Proposed[]
}

/**
 * Proposes rules that hold for the data as it is. Two readings: one for what columns hold, and one that tries the rules; what AWS's
 * parser refuses or the data does not satisfy is left out, so every proposal parses and passes.
 */
export async function suggest(
  { session, primary }: OpenData,
  { name, nowMs }: { readonly name: string; readonly nowMs: number },
): Promise<Suggestion> {
  const { relation, place } = primary
  // Columns of the pipeline's own are no producer's promise.
  const isOwn = (column: string): boolean => place.kind === 'table' && column.startsWith('_')
  const columns = relation.columns.filter(column => !isOwn(column.name))
  const profile = await profileOf(session, { ...relation, columns })
  const proposed = proposalsFor(profile, { countsColumns: place.kind === 'file', nowMs }).flatMap(parsed)
  const context = {
    relation,
    sources: new Map(),
    files: [],
    history: () => [],
    nowMs,
    thresholds: 'glue' as const,
  }
  const evaluation = await evaluate(session, together(proposed), context)
  const rules = proposed.filter((_rule, at) => evaluation.rules[at]?.outcome === 'Passed')
  return { ruleset: printed(rules, profile, name), rules: rules.map(({ rule, why }) => ({ rule, why })) }
}

type Parsed = Proposed & { readonly parsed: Rule }

/**
 * A name or a value that the language cannot hold costs its rule, and no other. Read among others: behind a backslash, a quote
 * ends a text or does not, as the next quote comes.
 */
function parsed(proposed: Proposed): readonly Parsed[] {
  const { ruleset } = parseRuleset(`Rules = [ ColumnExists "a", ${proposed.rule}, ColumnExists "z" ]`, { mode: 'aws' })
  const [, rule, ...others] = ruleset?.rules ?? []
  return rule !== undefined && others.length === 1 ? [{ ...proposed, parsed: rule }] : []
}

function together(proposed: readonly Parsed[]): Ruleset {
  return {
    metadata: {},
    sources: { primary: undefined, additional: [] },
    variables: [],
    defaultLabels: {},
    rules: proposed.map(each => each.parsed),
    analyzers: [],
  }
}

function printed(rules: readonly Proposed[], { rows, columns }: Profile, name: string): string {
  const lines = rules.map(
    ({ rule, why }, at) => `    # ${printable(why)}\n    ${rule}${at < rules.length - 1 ? ',' : ''}\n`,
  )
  const sizes = `${counted(rows, 'row')}, ${counted(columns.length, 'column')}`
  const intro = `# Proposed for ${printable(name)} (${sizes}): what holds today, for you to keep, sharpen or drop.\n`
  return `${intro}Rules = [\n${lines.join('')}]\n`
}
