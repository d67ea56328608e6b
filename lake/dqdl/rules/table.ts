import type { SimpleRule } from '../ast.ts'
import {
  type Check,
  type CheckContext,
  failed,
  judgeMetric,
  notMet,
  numberCondition,
  numberOf,
  passed,
  problem,
} from '../check.ts'
import { javaScriptPattern, withoutQuoteEscapes } from '../patterns.ts'
import { countRows, isCheck, scopeOf } from '../rule-columns.ts'

export function rowCount(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const condition = numberCondition(rule)
  if (!condition) return problem('RowCount needs a condition')
  return {
    aggregates: { value: countRows(scope.where) },
    judge: values =>
      judgeMetric(context, condition, { name: 'Dataset.*.RowCount', value: numberOf(values['value']) ?? 0 }),
  }
}

export function columnCount(rule: SimpleRule, context: CheckContext): Check {
  const condition = numberCondition(rule)
  if (!condition) return problem('ColumnCount needs a condition')
  const value = context.relation.columns.length
  return { judge: () => judgeMetric(context, condition, { name: 'Dataset.*.ColumnCount', value }) }
}

/** By exact name: `Id` is not `id`. */
export function columnExists(rule: SimpleRule, { relation }: CheckContext): Check {
  const name = rule.parameters[0]?.value as string
  const metric = `Dataset.${name}.ColumnExists`
  const exists = relation.columns.some(column => column.name === name)
  return { judge: () => (exists ? passed({ [metric]: 1 }) : failed(notMet(0), { [metric]: 0 })) }
}

/** How many columns a reason lists. */
const NAMES_MAX = 10

/** The pattern need only be found in a name. A table without columns passes, with no ratio to report. */
export function columnNames(rule: SimpleRule, { relation }: CheckContext): Check {
  const source = withoutQuoteEscapes(rule.parameters[0]?.raw as string)
  let pattern: RegExp
  try {
    pattern = new RegExp(javaScriptPattern(source))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return problem(`Invalid regex pattern '${source}' for ColumnNamesMatchPattern rule: ${why}`)
  }
  const { columns } = relation
  const others = columns.filter(column => !pattern.test(column.name)).map(column => column.name)
  if (columns.length === 0) return { judge: () => passed() }
  const metrics = { 'Dataset.*.ColumnNamesPatternMatchRatio': (columns.length - others.length) / columns.length }
  const more = others.length > NAMES_MAX ? ` and ${others.length - NAMES_MAX} more` : ''
  const reason = `Columns that do not match the pattern: ${others.slice(0, NAMES_MAX).join(', ')}${more}`
  return { judge: () => (others.length === 0 ? passed(metrics) : failed(reason, metrics)) }
}
