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
  const columns = type.name === 'Distribution' ? columnsNamed(parameters[0] as Parameter, context) : undefined
  return (columns?.map(({ name }) => [parameterOf(name)]) ?? [parameters]).map(each => {
    const rule = measured(type.name, each)
    return rule ? checkOf(rule, context) : problem(`${type.name} measures nothing without a condition`)
  })
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

/** Every statistic that a column has, and the number of rows. */
function allStatistics(parameter: Parameter, context: CheckContext): readonly Check[] {
  const columns = columnsNamed(parameter, context)
  if (!columns) return [problem(`Column ${parameter.value} does not exist in the dataset`)]
  return [...measure('RowCount', [], context), ...columns.flatMap(column => statisticsOf(column, context))]
}

/** The column, or all of them for `AllColumns` unless there is such a column. */
function columnsNamed({ value: name }: Parameter, { relation }: CheckContext): readonly RelationColumn[] | undefined {
  const field = fieldOf(relation, name)
  if (field) return [{ name, type: field.type }]
  return name === 'AllColumns' ? relation.columns : undefined
}

function statisticsOf({ name, type }: RelationColumn, context: CheckContext): readonly Check[] {
  return [...OF_EVERY, ...(OF_KIND[kindOf(type)] ?? [])].flatMap(metric =>
    measure(metric, [parameterOf(name)], context),
  )
}

const parameterOf = (name: string): Parameter => ({
  ...{ value: name, raw: name, quoted: true },
  ...{ connector: undefined, variable: undefined },
})

function measure(metric: string, parameters: readonly Parameter[], context: CheckContext): readonly Check[] {
  const rule = measured(metric, parameters)
  return rule ? [checkOf(rule, context)] : []
}
