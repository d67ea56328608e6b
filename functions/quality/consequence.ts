import type { QualitySettings } from '#lake/dataset.ts'
import { SEVERITY } from '#lake/dataset-quality.ts'
import { leavesOf, type NumberCondition, type Rule, type SimpleRule } from '#lake/dqdl/ast.ts'
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

/**
 * The rules for rows that are judged again, without the rows that they came with: those about every row. What is said of a batch as a whole,
 * or of a share of its rows, was said when it came, and says nothing of a few of them.
 */
export function rulesOfRows(settings: QualitySettings): QualitySettings | undefined {
  const rules = settings.ruleset.rules.filter(rule => isAboutEveryRow(rule) && leavesOf(rule).every(saysOfRows))
  return rules.length === 0 ? undefined : { ...settings, ruleset: { ...settings.ruleset, rules, analyzers: [] } }
}

/** A row that fails is put aside again whatever else would follow for a batch. What cannot be evaluated lets none through. */
export function consequenceOfRows(
  result: Pick<RuleResult, 'outcome' | 'labels' | 'rowLevel'>,
  settings: Pick<QualitySettings, 'onFailure' | 'rows'>,
): Consequence {
  const severity = result.labels[SEVERITY]
  if (result.outcome === 'Passed' || severity === 'warn') return 'none'
  if (result.outcome === 'Error') return severity === undefined ? forBatch(settings) : 'halt'
  return result.rowLevel && (severity !== undefined || settings.rows === 'quarantine') ? 'quarantine' : 'none'
}

/** Those that have an outcome for a single row; `CustomSql` when it selects rows. */
const OF_ROWS: ReadonlySet<string> = new Set([
  'IsComplete',
  'Completeness',
  'IsUnique',
  'Uniqueness',
  'IsPrimaryKey',
  'ColumnLength',
  'ColumnValues',
  'ColumnDataType',
  'DataFreshness',
  'CustomSql',
])

const saysOfRows = ({ type, condition }: SimpleRule): boolean =>
  OF_ROWS.has(type.name) && (type.name !== 'CustomSql' || condition === undefined)

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
