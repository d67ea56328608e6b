import { sql } from '../../duckdb/sql.ts'
import type { SimpleRule } from '../ast.ts'
import {
  type Check,
  type CheckContext,
  failed,
  judgeMetric,
  numberCondition,
  numberOf,
  passed,
  problem,
} from '../check.ts'
import { isCheck, over, scopeOf } from '../rule-columns.ts'

export function rowCount(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const condition = numberCondition(rule)
  if (!condition) return problem('RowCount needs a condition')
  return {
    aggregates: { value: over(sql`count(*)`, scope.where) },
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
  return { judge: () => (exists ? passed({ [metric]: 1 }) : failed(`there is no column ${name}`, { [metric]: 0 })) }
}

/** The pattern need only be found in a name. A table without columns passes. */
export function columnNames(rule: SimpleRule, { relation }: CheckContext): Check {
  const source = rule.parameters[0]?.value as string
  const metric = 'Dataset.*.ColumnNamesPatternMatchRatio'
  let pattern: RegExp
  try {
    pattern = new RegExp(source)
  } catch (error) {
    return problem(`the regular expression "${source}" is not valid: ${error instanceof Error ? error.message : error}`)
  }
  const others = relation.columns.filter(column => !pattern.test(column.name)).map(column => column.name)
  if (relation.columns.length === 0) return { judge: () => passed() }
  const ratio = 1 - others.length / relation.columns.length
  return {
    judge: () =>
      others.length === 0
        ? passed({ [metric]: 1 })
        : failed(`columns that do not match the pattern: ${others.slice(0, 10).join(', ')}`, { [metric]: ratio }),
  }
}
