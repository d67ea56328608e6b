import { labelsOf, type Rule, type Ruleset } from '#lake/dqdl/ast.ts'
import { showDiagnostic } from '#lake/dqdl/diagnostics.ts'
import { holds } from '#lake/dqdl/number.ts'
import { parameterMap } from '#lake/dqdl/parameters.ts'
import { parseRuleset } from '#lake/dqdl/parser.ts'
import { printAnalyzer, printRule, printRuleset } from '#lake/dqdl/printer.ts'

/** A case of a text and what AWS's parser makes of it: what is not asserted is absent. Indexes of rules are the keys of objects. */
export interface ParseCase {
  readonly name?: string
  readonly ruleset: string
  readonly valid: boolean
  readonly mode?: 'aws' | 'lenient'
  readonly rule_count?: number
  readonly rule_types?: Indexed<string>
  readonly canonical?: string
  readonly canonical_rules?: Indexed<string>
  readonly canonical_analyzers?: Indexed<string>
  readonly analyzer_count?: number
  readonly analyzer_types?: Indexed<string>
  readonly labels?: Indexed<Readonly<Record<string, string>>>
  readonly where?: Indexed<string | null>
  readonly params?: Indexed<Readonly<Record<string, string>>>
  readonly error_contains?: string | readonly string[]
  readonly metric?: number
  readonly passes?: boolean
}

type Indexed<T> = Readonly<Record<string, T>> | readonly T[]

/** What a case wanted and did not get, a line each; none when it passes. */
export function checkParse(wanted: ParseCase): readonly string[] {
  const { ruleset, diagnostics } = parseRuleset(wanted.ruleset, { mode: wanted.mode ?? 'aws' })
  const errors = diagnostics.filter(each => each.severity === 'error')
  const shown = errors.map(each => showDiagnostic(wanted.ruleset, each)).join('\n')
  if (wanted.valid !== (ruleset !== undefined))
    return [`valid: expected ${wanted.valid}, got ${ruleset !== undefined}${shown === '' ? '' : `\n${shown}`}`]
  if (ruleset === undefined) {
    const parts = wanted.error_contains === undefined ? [] : [wanted.error_contains].flat()
    return parts
      .filter(part => !shown.includes(part))
      .map(part => `error: expected ${JSON.stringify(part)} in\n${shown}`)
  }
  return [...checkCounts(wanted, ruleset), ...checkRules(wanted, ruleset), ...checkMetric(wanted, ruleset)]
}

function checkCounts(wanted: ParseCase, ruleset: Ruleset): readonly string[] {
  return [
    ...compare('rule_count', wanted.rule_count, ruleset.rules.length),
    ...compare('analyzer_count', wanted.analyzer_count, ruleset.analyzers.length),
    ...compare('canonical', wanted.canonical?.trim(), printRuleset(ruleset)),
  ]
}

function checkRules(wanted: ParseCase, ruleset: Ruleset): readonly string[] {
  const { rules, analyzers } = ruleset
  const simple = (rule: Rule) => (rule.kind === 'rule' ? rule : undefined)
  return [
    ...compareAll('rule_types', wanted.rule_types, at => typeName(rules[at])),
    ...compareAll('canonical_rules', wanted.canonical_rules, at => rules[at] && printRule(rules[at])),
    ...compareAll(
      'canonical_analyzers',
      wanted.canonical_analyzers,
      at => analyzers[at] && printAnalyzer(analyzers[at]),
    ),
    ...compareAll('analyzer_types', wanted.analyzer_types, at => analyzers[at]?.type.name),
    ...compareAll('labels', wanted.labels, at => rules[at] && labelsOf(ruleset, rules[at])),
    ...compareAll('where', wanted.where, at => (rules[at] && simple(rules[at])?.where) ?? null),
    ...compareAll('params', wanted.params, at => {
      const rule = rules[at] && simple(rules[at])
      return rule && parameterMap(rule)
    }),
  ]
}

const typeName = (rule: Rule | undefined): string | undefined =>
  rule?.kind === 'composite' ? 'Composite' : rule?.type.name

/** A rule with a threshold holds its metric, which is a share, against the threshold. */
function checkMetric({ metric, passes }: ParseCase, { rules }: Ruleset): readonly string[] {
  const [rule] = rules
  if (metric === undefined || passes === undefined) return []
  const condition = rule?.kind === 'rule' ? (rule.threshold ?? rule.condition) : undefined
  if (condition?.kind !== 'number') return ['metric: the first rule has no condition on a number']
  return compare('passes', passes, holds(condition, metric))
}

function compareAll<T>(what: string, wanted: Indexed<T> | undefined, got: (at: number) => unknown): readonly string[] {
  return Object.entries(wanted ?? {}).flatMap(([at, value]) => compare(`${what}[${at}]`, value, got(Number(at))))
}

function compare(what: string, wanted: unknown, got: unknown): readonly string[] {
  if (wanted === undefined || canonical(wanted) === canonical(got)) return []
  return [`${what}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`]
}

/** Objects are equal whatever the order of their keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([left], [right]) => (left < right ? -1 : 1)))
      : inner,
  )
}
