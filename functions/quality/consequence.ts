import type { QualitySettings } from '#lake/dataset.ts'
import { SEVERITY } from '#lake/dataset-quality.ts'
import type { NumberCondition, Rule, SimpleRule } from '#lake/dqdl/ast.ts'
import type { RuleResult } from '#lake/dqdl/evaluate.ts'

/** What a rule's outcome means for the batch. */
export type Consequence = 'none' | 'quarantine' | 'halt'

/**
 * A rule about every row (`IsComplete "id"`) puts aside the rows that fail it and the batch goes on; a rule about the whole (`RowCount > 0`),
 * or about a share of the rows (`Completeness "id" > 0.9`, any `with threshold`), judges the batch. A rule that holds has no
 * consequence, whatever single rows are like: that is what its share allows. The label `severity` overrides all this for its rule.
 */
export function consequenceOf(
  rule: Rule,
  result: Pick<RuleResult, 'outcome' | 'labels' | 'rowLevel'>,
  settings: Pick<QualitySettings, 'onFailure' | 'rows'>,
): Consequence {
  const severity = result.labels[SEVERITY]
  if (result.outcome === 'Passed' || severity === 'warn') return 'none'
  if (severity === 'halt') return 'halt'
  // Nobody knows what a rule would have said that could not be evaluated: the gate fails closed.
  if (result.outcome === 'Error' || !result.rowLevel) return forBatch(settings)
  if (severity === 'quarantine') return 'quarantine'
  if (!isAboutEveryRow(rule)) return forBatch(settings)
  return settings.rows === 'quarantine' ? 'quarantine' : 'none'
}

/** What follows when the batch as a whole is at fault. */
export const forBatch = ({ onFailure }: Pick<QualitySettings, 'onFailure'>): Consequence =>
  onFailure === 'halt' ? 'halt' : 'none'

/** Of a composite, all of its rules must be. */
function isAboutEveryRow(rule: Rule): boolean {
  if (rule.kind === 'composite') return rule.rules.every(isAboutEveryRow)
  const share = shareOf(rule)
  return share === undefined || isWhole(share)
}

/** Rules whose condition is about the share of rows that pass. */
const SHARES: ReadonlySet<string> = new Set([
  'Completeness',
  'Uniqueness',
  'UniqueValueRatio',
  'ReferentialIntegrity',
  'DatasetMatch',
])

function shareOf(rule: SimpleRule): NumberCondition | undefined {
  if (rule.threshold !== undefined) return rule.threshold
  return SHARES.has(rule.type.name) && rule.condition?.kind === 'number' ? rule.condition : undefined
}

function isWhole({ operator, operands }: NumberCondition): boolean {
  const [operand] = operands
  return (operator === '=' || operator === '>=') && operand?.kind === 'literal' && operand.value === 1
}
