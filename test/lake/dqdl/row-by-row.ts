/**
 * A second evaluator, deliberately simple: it looks at one row after the other, in JavaScript, and shares nothing with the first. It knows
 * the rules that the property test writes.
 */
export interface Row {
  readonly id: number
  readonly n: number | null
  readonly x: number | null
  readonly s: string | null
  readonly d: string | null
}
export type Column = keyof Row

export type Where =
  | {
      readonly kind: 'compare'
      readonly column: Column
      readonly sign: '=' | '<' | '>='
      readonly value: number | string
    }
  | { readonly kind: 'null'; readonly column: Column }
  | { readonly kind: 'and' | 'or'; readonly left: Where; readonly right: Where }
  | { readonly kind: 'not'; readonly inner: Where }

export interface Comparison {
  readonly operator: '>' | '>=' | '<' | '<=' | '=' | '!=' | 'between' | 'not between' | 'in' | 'not in'
  readonly operands: readonly (number | string)[]
  /** NULL is among the operands. */
  readonly hasNull: boolean
}

export type TestRule = { readonly where: Where | undefined } & (
  | { readonly kind: 'IsComplete' | 'IsUnique' | 'IsPrimaryKey'; readonly columns: readonly Column[] }
  | {
      readonly kind: 'Completeness' | 'Uniqueness' | 'UniqueValueRatio' | 'DistinctValuesCount' | 'Entropy'
      readonly columns: readonly Column[]
      readonly comparison: Comparison
    }
  | {
      readonly kind: 'Mean' | 'Sum' | 'StandardDeviation' | 'Range' | 'RowCount' | 'DuplicateRowCount' | 'ColumnLength'
      readonly columns: readonly Column[]
      readonly comparison: Comparison
    }
  | { readonly kind: 'ColumnValues'; readonly columns: readonly Column[]; readonly comparison: Comparison }
)

export interface Verdict {
  readonly passes: boolean
  /** What the rule says of each row; undefined when it says nothing of rows. */
  readonly rows: readonly boolean[] | undefined
}

export function judgeSlowly(rule: TestRule, table: readonly Row[]): Verdict {
  const isKept = (row: Row): boolean => rule.where === undefined || truth(rule.where, row) === true
  const kept = table.filter(isKept)
  const good = rowTest(rule, kept)
  return {
    passes: passes(rule, kept),
    rows: good && table.map(row => !isKept(row) || good(row)),
  }
}

/** True, false or unknown. */
function truth(where: Where, row: Row): boolean | null {
  switch (where.kind) {
    case 'null':
      return row[where.column] === null
    case 'not': {
      const inner = truth(where.inner, row)
      return inner === null ? null : !inner
    }
    case 'compare': {
      const value = row[where.column]
      if (value === null) return null
      if (where.sign === '=') return value === where.value
      return where.sign === '<' ? value < where.value : value >= where.value
    }
    default: {
      const sides = [truth(where.left, row), truth(where.right, row)]
      const decisive = where.kind === 'or'
      return sides.includes(decisive) ? decisive : sides.includes(null) ? null : !decisive
    }
  }
}

// --- Keys ----------------------------------------------------------------------------------------------------------

const keyOf = (row: Row, columns: readonly Column[]): string => JSON.stringify(columns.map(column => row[column]))
const isKeyed = (row: Row, columns: readonly Column[]): boolean => columns.some(column => row[column] !== null)
const isWhole = (row: Row, columns: readonly Column[]): boolean => columns.every(column => row[column] !== null)
const twins = (row: Row, rows: readonly Row[], columns: readonly Column[]): number =>
  rows.filter(other => keyOf(other, columns) === keyOf(row, columns)).length

// --- Rows ----------------------------------------------------------------------------------------------------------

function rowTest(rule: TestRule, kept: readonly Row[]): ((row: Row) => boolean) | undefined {
  const { columns } = rule
  const [column = 'id'] = columns
  const isSingle = (row: Row): boolean => !isKeyed(row, columns) || twins(row, kept, columns) === 1
  switch (rule.kind) {
    case 'IsComplete':
    case 'Completeness':
      return row => row[column] !== null
    case 'IsUnique':
    case 'Uniqueness':
      return isSingle
    case 'IsPrimaryKey':
      return row => isWhole(row, columns) && isSingle(row)
    case 'ColumnLength':
      return row => satisfies(rule.comparison, lengthOf(row[column]))
    case 'ColumnValues':
      return row => valueTest(rule.comparison, row[column])
    default:
      return undefined
  }
}

const lengthOf = (value: Row[Column]): number => (value === null ? 0 : [...String(value)].length)

function valueTest(comparison: Comparison, value: Row[Column]): boolean {
  const { operator, operands, hasNull } = comparison
  if (value !== null)
    return operands.length === 0 ? operator.startsWith('not') || operator === '!=' : satisfies(comparison, value)
  if (operator === '=' || operator === 'in') return hasNull
  if (operator === '!=' || operator === 'not in') return !hasNull
  // Days that are null pass `not between`, numbers that are null do not.
  return operator === 'not between' && typeof operands[0] === 'string'
}

function satisfies({ operator, operands }: Comparison, value: number | string): boolean {
  const [first = 0, second = 0] = operands
  switch (operator) {
    case '>':
      return value > first
    case '>=':
      return value >= first
    case '<':
      return value < first
    case '<=':
      return value <= first
    case '=':
      return value === first
    case '!=':
      return value !== first
    case 'between':
      return value > first && value < second
    case 'not between':
      return value <= first || value >= second
    case 'in':
      return operands.includes(value)
    case 'not in':
      return !operands.includes(value)
  }
}

// --- The whole table -----------------------------------------------------------------------------------------------

function passes(rule: TestRule, kept: readonly Row[]): boolean {
  const { columns } = rule
  switch (rule.kind) {
    case 'IsComplete':
      return kept.length > 0 && kept.every(row => isWhole(row, columns))
    case 'IsUnique':
      return uniqueness(kept, columns) === 1
    case 'IsPrimaryKey':
      return uniqueness(kept, columns) === 1 && kept.every(row => isWhole(row, columns))
    case 'ColumnValues':
      return valuesPass(
        rule.comparison,
        rule.where,
        kept.map(row => row[columns[0] as Column]),
      )
    case 'ColumnLength':
      return kept.length > 0 && kept.every(row => satisfies(rule.comparison, lengthOf(row[columns[0] as Column])))
    default: {
      const metric = metricOf(rule.kind, kept, columns)
      return metric !== undefined && satisfies(rule.comparison, metric)
    }
  }
}

/** Without a row that `where` leaves they pass; a table without rows passes only where days are compared. */
function valuesPass(comparison: Comparison, where: Where | undefined, values: readonly Row[Column][]): boolean {
  if (values.length > 0) return values.every(value => valueTest(comparison, value))
  return where !== undefined || /^\d{4}-/.test(String(comparison.operands[0]))
}

function uniqueness(rows: readonly Row[], columns: readonly Column[]): number | undefined {
  const keyed = rows.filter(row => isKeyed(row, columns))
  return keyed.length === 0 ? undefined : keyed.filter(row => twins(row, rows, columns) === 1).length / keyed.length
}

function metricOf(kind: TestRule['kind'], rows: readonly Row[], columns: readonly Column[]): number | undefined {
  const [column = 'id'] = columns
  const values = rows.map(row => row[column])
  const known = values.filter(value => value !== null)
  const numbers = known as readonly number[]
  const total = numbers.reduce((sum, value) => sum + value, 0)
  switch (kind) {
    case 'RowCount':
      return rows.length
    case 'Completeness':
      return rows.length === 0 ? undefined : known.length / rows.length
    case 'Uniqueness':
      return uniqueness(rows, columns)
    case 'DistinctValuesCount':
      return new Set(values).size
    case 'UniqueValueRatio':
      return known.length === 0
        ? undefined
        : known.filter(value => known.indexOf(value) === known.lastIndexOf(value)).length / new Set(known).size
    case 'DuplicateRowCount':
      return rows.filter(row => twins(row, rows, columns) > 1).length
    default:
      return known.length === 0 ? undefined : statistic(kind, numbers, total)
  }
}

function statistic(kind: TestRule['kind'], numbers: readonly number[], total: number): number {
  const mean = total / numbers.length
  switch (kind) {
    case 'Mean':
      return mean
    case 'Sum':
      return total
    case 'Range':
      return Math.max(...numbers) - Math.min(...numbers)
    case 'StandardDeviation':
      return Math.sqrt(numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / numbers.length)
    default: {
      const shares = [...new Set(numbers)].map(value => numbers.filter(each => each === value).length / numbers.length)
      return -shares.reduce((sum, share) => sum + share * Math.log(share), 0)
    }
  }
}
