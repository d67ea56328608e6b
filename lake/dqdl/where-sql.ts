import { join, type Sql, sql } from '../duckdb/sql.ts'
import { patternProblem, re2Pattern } from './patterns.ts'
import { fieldAt, type Kind, kindOf, type Relation } from './relation.ts'
import { callFunction } from './where-functions.ts'
import { type BinaryOperator, type Expression, WhereProblem } from './where-tree.ts'

/** What predicates refer to. */
export interface WhereContext {
  readonly relation: Relation
  /** The time that current_date and now() mean, in milliseconds since the epoch. */
  readonly nowMs: number
}

/** SQL and what is known of its type. */
export interface Term {
  readonly sql: Sql
  readonly kind: Kind | 'interval' | 'null'
}

/** A predicate as DuckDB SQL with Spark's meaning. Fails with a `WhereProblem` when there is none. */
export function predicateSql(tree: Expression, context: WhereContext): Sql {
  const { sql: text, kind } = compile(tree, context)
  if (kind !== 'boolean' && kind !== 'null') throw new WhereProblem('the predicate is not true or false', 0)
  return sql`(${text})`
}

function compile(tree: Expression, context: WhereContext): Term {
  const inner = (expression: Expression): Term => compile(expression, context)
  switch (tree.kind) {
    case 'text':
      return { sql: sql`${tree.value}`, kind: 'text' }
    case 'number':
      return { sql: numberSql(tree.text), kind: 'number' }
    case 'boolean':
      return { sql: sql`${tree.value}`, kind: 'boolean' }
    case 'null':
      return { sql: sql`NULL`, kind: 'null' }
    case 'typed':
      return tree.type === 'DATE'
        ? { sql: sql`CAST(${tree.text} AS DATE)`, kind: 'date' }
        : { sql: sql`CAST(${tree.text} AS TIMESTAMP)`, kind: 'timestamp' }
    case 'interval':
      return { sql: sql`CAST(${`${tree.amount} ${tree.unit}`} AS INTERVAL)`, kind: 'interval' }
    case 'column':
      return columnTerm(tree, context)
    case 'not':
      return { sql: sql`(NOT ${inner(tree.operand).sql})`, kind: 'boolean' }
    case 'negative':
      return { sql: sql`(- ${inner(tree.operand).sql})`, kind: 'number' }
    case 'and':
      return { sql: sql`(${inner(tree.left).sql} AND ${inner(tree.right).sql})`, kind: 'boolean' }
    case 'or':
      return { sql: sql`(${inner(tree.left).sql} OR ${inner(tree.right).sql})`, kind: 'boolean' }
    case 'binary':
      return binaryTerm(tree.operator, inner(tree.left), inner(tree.right))
    default:
      return { sql: compileOther(tree, context), kind: kindOfOther(tree, context) }
  }
}

/** As many digits as were written: through a JavaScript number, long ones would be rounded. */
function numberSql(text: string): Sql {
  return /^\d{1,15}$/.test(text)
    ? sql`${Number(text)}`
    : sql`CAST(${text} AS ${/[.eE]/.test(text) ? sql`DOUBLE` : sql`HUGEINT`})`
}

/** Functions that Spark also takes without parentheses, where no column has the name. */
const BARE: ReadonlySet<string> = new Set(['current_date', 'current_timestamp'])

function columnTerm(tree: Extract<Expression, { kind: 'column' }>, context: WhereContext): Term {
  const { relation } = context
  const field = fieldAt(relation, tree.path)
  const name = (tree.path[0] as string).toLowerCase()
  if (!field && tree.path.length === 1 && BARE.has(name))
    return callFunction({ kind: 'call', name, arguments: [], at: tree.at }, [], context)
  if (!field) throw new WhereProblem(`there is no column ${tree.path.join('.')}`, tree.at)
  return { sql: field.sql, kind: kindOf(field.type) }
}

const OPERATORS: Readonly<Record<Exclude<BinaryOperator, '/' | '%' | 'DIV' | '<=>'>, Sql>> = {
  '=': sql`=`,
  '<>': sql`<>`,
  '<': sql`<`,
  '<=': sql`<=`,
  '>': sql`>`,
  '>=': sql`>=`,
  '+': sql`+`,
  '-': sql`-`,
  '*': sql`*`,
  '||': sql`||`,
}

function binaryTerm(operator: BinaryOperator, left: Term, right: Term): Term {
  const [one, other] = alike(left, right)
  switch (operator) {
    case '<=>':
      return { sql: sql`(${one} IS NOT DISTINCT FROM ${other})`, kind: 'boolean' }
    // Spark gives null where it divides by zero.
    case '/':
      return { sql: sql`(CAST(${one} AS DOUBLE) / NULLIF(CAST(${other} AS DOUBLE), 0))`, kind: 'number' }
    case 'DIV':
      return { sql: sql`trunc(${one} / NULLIF(${other}, 0))`, kind: 'number' }
    case '%':
      return { sql: sql`(${one} % NULLIF(${other}, 0))`, kind: 'number' }
    case '+':
    case '-':
    case '*':
      return { sql: sql`(${one} ${OPERATORS[operator]} ${other})`, kind: kindOfSum(operator, left.kind, right.kind) }
    case '||':
      return { sql: sql`(CAST(${left.sql} AS VARCHAR) || CAST(${right.sql} AS VARCHAR))`, kind: 'text' }
    default:
      return { sql: sql`(${one} ${OPERATORS[operator]} ${other})`, kind: 'boolean' }
  }
}

/** A day and an interval are a time; two days differ by a number of days. */
function kindOfSum(operator: '+' | '-' | '*', left: Term['kind'], right: Term['kind']): Term['kind'] {
  const isTime = (kind: Term['kind']): boolean => kind === 'date' || kind === 'timestamp'
  if (isTime(left) && isTime(right)) return left === 'date' && right === 'date' ? 'number' : 'interval'
  if (left === 'interval' && right === 'interval') return 'interval'
  if (left === 'interval' || right === 'interval') return 'timestamp'
  return isTime(left) && operator !== '*' ? left : 'number'
}

/** Spark compares text with something else by casting the text; what cannot be cast is null, not an error. */
function alike(left: Term, right: Term): readonly [Sql, Sql] {
  if (left.kind === right.kind || right.kind === 'interval' || left.kind === 'interval') return [left.sql, right.sql]
  if (left.kind === 'text') return [castText(left.sql, right.kind), right.sql]
  if (right.kind === 'text') return [left.sql, castText(right.sql, left.kind)]
  return [left.sql, right.sql]
}

function castText(text: Sql, kind: Term['kind']): Sql {
  switch (kind) {
    case 'number':
      return sql`TRY_CAST(${text} AS DOUBLE)`
    case 'date':
      return sql`TRY_CAST(${text} AS DATE)`
    case 'timestamp':
      return sql`TRY_CAST(${text} AS TIMESTAMP)`
    case 'boolean':
      return sql`TRY_CAST(${text} AS BOOLEAN)`
    default:
      return text
  }
}

type Other = Exclude<
  Expression,
  {
    kind:
      | 'text'
      | 'number'
      | 'boolean'
      | 'null'
      | 'typed'
      | 'interval'
      | 'column'
      | 'not'
      | 'negative'
      | 'and'
      | 'or'
      | 'binary'
  }
>

function compileOther(tree: Other, context: WhereContext): Sql {
  const inner = (expression: Expression): Term => compile(expression, context)
  const not = 'negated' in tree && tree.negated ? sql`NOT ` : sql``
  switch (tree.kind) {
    case 'is-null':
      return sql`(${inner(tree.operand).sql} IS ${not}NULL)`
    case 'is-boolean':
      return sql`(${inner(tree.operand).sql} IS ${not}${tree.value ? sql`TRUE` : sql`FALSE`})`
    case 'in': {
      const operand = inner(tree.operand)
      const tests = tree.values.map(value => binaryTerm('=', operand, inner(value)).sql)
      return sql`(${not}(${join(tests, ' OR ')}))`
    }
    case 'between': {
      const operand = inner(tree.operand)
      const lower = binaryTerm('>=', operand, inner(tree.lower)).sql
      return sql`(${not}(${lower} AND ${binaryTerm('<=', operand, inner(tree.upper)).sql}))`
    }
    case 'like': {
      const word = tree.ignoreCase ? sql`ILIKE` : sql`LIKE`
      return sql`(${not}(${inner(tree.operand).sql} ${word} ${inner(tree.pattern).sql} ESCAPE ${tree.escape}))`
    }
    case 'rlike':
      return sql`(${not}regexp_matches(CAST(${inner(tree.operand).sql} AS VARCHAR), ${patternOf(tree.pattern)}))`
    case 'call':
      return callFunction(tree, tree.arguments.map(inner), context).sql
    case 'cast':
      return sql`TRY_CAST(${inner(tree.operand).sql} AS ${castType(tree)})`
    case 'case': {
      const branches = tree.branches.map(each => sql`WHEN ${inner(each.when).sql} THEN ${inner(each.result).sql}`)
      return sql`(CASE ${join(branches, ' ')} ELSE ${tree.otherwise ? inner(tree.otherwise).sql : sql`NULL`} END)`
    }
  }
}

function kindOfOther(tree: Other, context: WhereContext): Term['kind'] {
  switch (tree.kind) {
    case 'call':
      return callFunction(
        tree,
        tree.arguments.map(each => compile(each, context)),
        context,
      ).kind
    case 'cast':
      return kindOf(castType(tree).text)
    case 'case': {
      const [first] = tree.branches
      return first ? compile(first.result, context).kind : 'null'
    }
    default:
      return 'boolean'
  }
}

function patternOf(tree: Expression): Sql {
  if (tree.kind !== 'text') throw new WhereProblem('a regular expression must be a text', 0)
  const problem = patternProblem(tree.value)
  if (problem !== undefined) throw new WhereProblem(problem, 0)
  return sql`${re2Pattern(tree.value)}`
}

const CAST_TYPES: Readonly<Record<string, Sql>> = {
  string: sql`VARCHAR`,
  varchar: sql`VARCHAR`,
  int: sql`INTEGER`,
  integer: sql`INTEGER`,
  bigint: sql`BIGINT`,
  long: sql`BIGINT`,
  smallint: sql`SMALLINT`,
  short: sql`SMALLINT`,
  tinyint: sql`TINYINT`,
  double: sql`DOUBLE`,
  float: sql`FLOAT`,
  real: sql`FLOAT`,
  boolean: sql`BOOLEAN`,
  date: sql`DATE`,
  timestamp: sql`TIMESTAMP`,
  decimal: sql`DECIMAL(10,0)`,
}

function castType({ type, at }: Extract<Expression, { kind: 'cast' }>): Sql {
  const [, precision, scale = '0'] = /^decimal\((\d{1,2})(?:,(\d{1,2}))?\)$/.exec(type) ?? []
  if (precision !== undefined) return sql`DECIMAL(${Number(precision)}, ${Number(scale)})`
  const known = CAST_TYPES[type]
  if (!known) throw new WhereProblem(`CAST to ${type} is not supported`, at)
  return known
}
