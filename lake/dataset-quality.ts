import type { DatasetSpec, QualitySettings } from './dataset.ts'
import type { Check } from './dataset-columns.ts'
import { labelsOf, type Ruleset } from './dqdl/ast.ts'
import { showDiagnostic } from './dqdl/diagnostics.ts'
import { parseRuleset } from './dqdl/parser.ts'
import { printRule } from './dqdl/printer.ts'

/** The label by which a rule says itself what is to follow when it fails. */
export const SEVERITY = 'severity'
export const SEVERITIES = ['halt', 'quarantine', 'warn'] as const

const FIELDS: ReadonlySet<string> = new Set(['rules', 'onFailure', 'rows'])

/**
 * The gate of a dataset. Its rules are parsed here, so that a typo fails where the dataset is declared: in a test, or at deployment, and
 * never at night.
 */
export function qualityOf(spec: DatasetSpec<string>['quality'], check: Check): QualitySettings | undefined {
  if (spec === undefined) return undefined
  const settings = typeof spec === 'string' ? { rules: spec } : spec
  const { rules, onFailure = 'halt', rows = 'quarantine' } = settings
  for (const field of Object.keys(settings))
    check(FIELDS.has(field), `quality.${field}`, `is not a setting; the settings are ${[...FIELDS].join(', ')}`)
  check(typeof rules === 'string', 'quality.rules', 'is missing: give a DQDL ruleset')
  check(onFailure === 'halt' || onFailure === 'warn', 'quality.onFailure', "must be 'halt' or 'warn'")
  check(rows === 'quarantine' || rows === 'keep', 'quality.rows', "must be 'quarantine' or 'keep'")
  const { ruleset, diagnostics } = parseRuleset(rules, { mode: 'lenient' })
  const shown = (severity: 'error' | 'warning'): readonly string[] =>
    diagnostics.filter(each => each.severity === severity).map(each => showDiagnostic(rules, each))
  const errors = shown('error')
  check(ruleset !== undefined && errors.length === 0, 'quality', `is no DQDL ruleset:\n${errors.join('\n')}`)
  return { rules, ruleset, warnings: [...shown('warning'), ...oddSeverities(ruleset)], onFailure, rows }
}

/** Labels are free text and rulesets of elsewhere have their own severities, so an unknown one is no error; a typo must show all the same. */
function oddSeverities(ruleset: Ruleset): readonly string[] {
  return ruleset.rules.flatMap(rule => {
    const severity = labelsOf(ruleset, rule)[SEVERITY]
    if (severity === undefined || SEVERITIES.some(known => known === severity)) return []
    return [`${printRule(rule)}: the severity "${severity}" has no meaning here; ${SEVERITIES.join(', ')} have one`]
  })
}
