/** What a rule's condition is about. */
export type ConditionKind = 'number' | 'string' | 'date' | 'duration' | 'size'

/** A rule type as data: a rule is looked up by its name and the number of its parameters. */
export interface RuleType {
  readonly name: string
  readonly parameters: readonly string[]
  /** The last parameter may be repeated. */
  readonly vararg?: true
  /** The kinds of condition that it takes, tried in this order. */
  readonly conditions: readonly ConditionKind[]
  readonly needsCondition?: true
  readonly scope: 'table' | 'column' | 'file'
  readonly threshold?: true
  readonly where?: true
  /** Has no outcome of its own for a row within a composite. */
  readonly excludedFromRows?: true
  readonly use?: 'analyzers-only' | 'rules-only'
}

const number: readonly ConditionKind[] = ['number']
const counted = { conditions: number, needsCondition: true } as const
const yesNo = { conditions: [], use: 'rules-only' } as const
const column = { scope: 'column', parameters: ['TargetColumn'] } as const
const columns = { scope: 'column', parameters: ['TargetColumn'], vararg: true } as const
const statistic = { ...column, ...counted, where: true } as const
const table = { scope: 'table' } as const
const path = ['DataPath'] as const

/** Every rule type of the language, those newer than the published grammar included. */
export const RULE_TYPES: readonly RuleType[] = [
  { name: 'RowCount', ...table, parameters: [], ...counted, where: true },
  { name: 'RowCountMatch', ...table, parameters: ['ReferenceDatasetAlias'], ...counted },
  { name: 'ColumnCount', ...table, parameters: [], ...counted },
  { name: 'Completeness', ...statistic, excludedFromRows: true },
  { name: 'IsComplete', ...column, ...yesNo, where: true },
  { name: 'ColumnDataType', ...column, conditions: ['string'], needsCondition: true, threshold: true, where: true },
  { name: 'ColumnNamesMatchPattern', ...table, parameters: ['PatternToMatch'], ...yesNo },
  { name: 'ColumnExists', ...column, ...yesNo },
  {
    name: 'ColumnCorrelation',
    scope: 'column',
    parameters: ['TargetColumn1', 'TargetColumn2'],
    ...counted,
    where: true,
  },
  { name: 'Uniqueness', ...columns, ...counted, where: true, excludedFromRows: true },
  { name: 'IsUnique', ...columns, ...yesNo, where: true },
  { name: 'IsPrimaryKey', ...columns, ...yesNo, where: true },
  ...[
    'Mean',
    'Sum',
    'StandardDeviation',
    'Variance',
    'Entropy',
    'DistinctValuesCount',
    'UniqueValueRatio',
    'ColumnLength',
  ].map(name => ({ name, ...statistic })),
  { name: 'Range', ...statistic },
  {
    name: 'ColumnValues',
    ...column,
    conditions: ['string', 'number', 'date'],
    needsCondition: true,
    threshold: true,
    where: true,
  },
  { name: 'DataFreshness', ...column, conditions: ['duration'], needsCondition: true, where: true },
  { name: 'DuplicateRowCount', scope: 'table', parameters: [], ...counted, where: true },
  { name: 'DuplicateRowCount', ...columns, ...counted, where: true },
  { name: 'CustomSql', ...table, parameters: ['CustomSqlStatement'], conditions: number, threshold: true },
  {
    name: 'ReferentialIntegrity',
    ...table,
    parameters: ['PrimaryDatasetColumns', 'ReferenceDatasetColumns'],
    ...counted,
    excludedFromRows: true,
  },
  {
    name: 'DatasetMatch',
    ...table,
    parameters: ['ReferenceDatasetAlias', 'KeyColumnMappings'],
    ...counted,
    excludedFromRows: true,
  },
  {
    name: 'DatasetMatch',
    ...table,
    parameters: ['ReferenceDatasetAlias', 'KeyColumnMappings', 'MatchColumnMappings'],
    ...counted,
  },
  { name: 'SchemaMatch', ...table, parameters: ['ReferenceDatasetAlias'], ...counted },
  { name: 'AggregateMatch', ...table, parameters: ['AggregateExpression1', 'AggregateExpression2'], ...counted },
  { name: 'DetectAnomalies', ...table, parameters: ['MetricParameter'], vararg: true, ...yesNo },
  { name: 'AllStatistics', ...column, conditions: number, use: 'analyzers-only' },
  { name: 'Distribution', ...column, conditions: number, use: 'analyzers-only' },
  { name: 'FileMatch', scope: 'file', parameters: ['DataPath', 'CompareDataPath'], ...yesNo },
  { name: 'FileMatch', scope: 'file', parameters: path, conditions: ['string'], needsCondition: true },
  { name: 'FileMatch', scope: 'file', parameters: [], conditions: ['string'], needsCondition: true },
  { name: 'FileUniqueness', scope: 'file', parameters: path, ...counted },
  { name: 'FileUniqueness', scope: 'file', parameters: [], ...counted },
  {
    name: 'FileFreshness',
    scope: 'file',
    parameters: path,
    conditions: ['date'],
    needsCondition: true,
    threshold: true,
  },
  { name: 'FileFreshness', scope: 'file', parameters: [], conditions: ['date'], needsCondition: true, threshold: true },
  { name: 'FileSize', scope: 'file', parameters: path, conditions: ['size'], needsCondition: true, threshold: true },
  { name: 'FileSize', scope: 'file', parameters: [], conditions: ['size'], needsCondition: true, threshold: true },
]

const BY_NAME = Map.groupBy(RULE_TYPES, type => type.name)

export const RULE_NAMES: readonly string[] = [...BY_NAME.keys()]

/** All forms of a rule: they differ in their number of parameters. */
export const formsOf = (name: string): readonly RuleType[] => BY_NAME.get(name) ?? []

export function ruleTypeOf(name: string, parameters: number): RuleType | undefined {
  return formsOf(name).find(type => takes(type, parameters))
}

function takes(type: RuleType, parameters: number): boolean {
  const least = type.parameters.length
  return type.vararg ? parameters >= least : parameters === least
}

/** How many parameters a rule takes, in words. */
export function arity(forms: readonly RuleType[]): string {
  const counts = forms.map(type => (type.vararg ? `at least ${type.parameters.length}` : `${type.parameters.length}`))
  return `${counts.join(' or ')} parameter${counts.length === 1 && counts[0] === '1' ? '' : 's'}`
}
