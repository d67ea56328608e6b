import type { Analyzer, Parameter } from './ast.ts'
import { type Check, type CheckContext, type Judgement, problem } from './check.ts'
import { measured } from './measured.ts'
import { printAnalyzer } from './printer.ts'
import { fieldOf, type Kind, kindOf, type RelationColumn } from './relation.ts'
import { checkOf } from './rules/registry.ts'

/** What an analyzer measured. It has no verdict; an `Error` says that it could not measure. */
export interface AnalyzerResult {
  readonly text: string
  readonly outcome: 'Passed' | 'Error'
  readonly reason: string | undefined
  readonly metrics: Readonly<Record<string, number>>
}

/** An analyzer is one metric or, for AllStatistics, several. */
export function analyzerChecks({ type, parameters }: Analyzer, context: CheckContext): readonly Check[] {
  if (type.name === 'AllStatistics') return allStatistics(parameters[0] as Parameter, context)
  const rule = measured(type.name, parameters)
  return [rule ? checkOf(rule, context) : problem(`${type.name} measures nothing without a condition`)]
}

export function analyzerResult(analyzer: Analyzer, judged: readonly Judgement[]): AnalyzerResult {
  const metrics = Object.assign({}, ...judged.map(each => each.metrics)) as AnalyzerResult['metrics']
  // Only what was measured counts: the condition that makes a rule of a metric is nobody's.
  const broken = judged.find(each => Object.keys(each.metrics).length === 0)
  const isMeasured = Object.keys(metrics).length > 0 && broken?.outcome !== 'Error'
  return {
    text: printAnalyzer(analyzer),
    outcome: isMeasured ? 'Passed' : 'Error',
    reason: isMeasured ? undefined : broken?.reason,
    metrics,
  }
}

// --- AllStatistics -------------------------------------------------------------------------------------------------

const OF_EVERY = ['Completeness', 'Uniqueness', 'UniqueValueRatio', 'DistinctValuesCount', 'Entropy']
const OF_KIND: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  number: ['Mean', 'Sum', 'StandardDeviation', 'ColumnValues'],
  text: ['ColumnLength'],
}

/** Every statistic that a column has; of all columns for the name `AllColumns`, unless there is such a column. */
function allStatistics({ value: name }: Parameter, context: CheckContext): readonly Check[] {
  const { relation } = context
  const field = fieldOf(relation, name)
  if (field) return statisticsOf({ name, type: field.type }, context)
  if (name === 'AllColumns') return relation.columns.flatMap(column => statisticsOf(column, context))
  return [problem(`Column ${name} does not exist in the dataset`)]
}

function statisticsOf({ name, type }: RelationColumn, context: CheckContext): readonly Check[] {
  const parameter = { value: name, raw: name, quoted: true, connector: undefined, variable: undefined }
  return [...OF_EVERY, ...(OF_KIND[kindOf(type)] ?? [])].flatMap(metric => {
    const rule = measured(metric, [parameter])
    return rule ? [checkOf(rule, context)] : []
  })
}
