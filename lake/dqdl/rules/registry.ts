import type { SimpleRule } from '../ast.ts'
import { type Check, type CheckContext, problem } from '../check.ts'
import { detectAnomalies } from './anomalies.ts'
import { completeness } from './completeness.ts'
import { customSql } from './custom-sql.ts'
import { columnDataType } from './data-type.ts'
import { datasetMatch } from './dataset-match.ts'
import { distribution } from './distribution.ts'
import { fileFreshness, fileMatch, fileSize, fileUniqueness } from './files.ts'
import { dataFreshness } from './freshness.ts'
import { columnLength } from './length.ts'
import { aggregateMatch, referentialIntegrity, rowCountMatch, schemaMatch } from './references.ts'
import { correlation, distinctValues, entropy, statistic } from './statistics.ts'
import { columnCount, columnExists, columnNames, rowCount } from './table.ts'
import { duplicateRows, uniqueness, uniqueValueRatio } from './uniqueness.ts'
import { columnValues } from './values.ts'

type Compile = (rule: SimpleRule, context: CheckContext) => Check

/** One line for each rule type. */
const RULES: ReadonlyMap<string, Compile> = new Map<string, Compile>([
  ['RowCount', rowCount],
  ['RowCountMatch', rowCountMatch],
  ['ColumnCount', columnCount],
  ['Completeness', completeness],
  ['IsComplete', completeness],
  ['ColumnDataType', columnDataType],
  ['ColumnNamesMatchPattern', columnNames],
  ['ColumnExists', columnExists],
  ['ColumnCorrelation', correlation],
  ['Uniqueness', uniqueness],
  ['IsUnique', uniqueness],
  ['IsPrimaryKey', uniqueness],
  ['UniqueValueRatio', uniqueValueRatio],
  ['Mean', statistic],
  ['Sum', statistic],
  ['StandardDeviation', statistic],
  ['Variance', statistic],
  ['Entropy', entropy],
  ['Range', statistic],
  ['DistinctValuesCount', distinctValues],
  ['ColumnLength', columnLength],
  ['ColumnValues', columnValues],
  ['DataFreshness', dataFreshness],
  ['DuplicateRowCount', duplicateRows],
  ['CustomSql', customSql],
  ['ReferentialIntegrity', referentialIntegrity],
  ['DatasetMatch', datasetMatch],
  ['SchemaMatch', schemaMatch],
  ['AggregateMatch', aggregateMatch],
  ['DetectAnomalies', (rule, context) => detectAnomalies(rule, context, checkOf)],
  ['Distribution', distribution],
  ['FileMatch', fileMatch],
  ['FileUniqueness', fileUniqueness],
  ['FileFreshness', fileFreshness],
  ['FileSize', fileSize],
])

/** A rule made ready to be evaluated; one that cannot be says why when it is judged. */
export function checkOf(rule: SimpleRule, context: CheckContext): Check {
  const compile = RULES.get(rule.type.name)
  return compile ? compile(rule, context) : problem(`there is no evaluation of ${rule.type.name}`)
}
