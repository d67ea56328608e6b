import { ident, join, type Sql, sql } from '../duckdb/sql.ts'
import type { CompositeRule, Rule, SimpleRule } from './ast.ts'
import type { Check, CheckContext, RowTest } from './check.ts'
import type { Relation } from './relation.ts'

/**
 * What a rule says of a row, as SQL over the primary: true, false, or null for rows that `where` leaves out when those are to be skipped.
 * undefined when the rule says nothing of rows; a composite speaks only when all of its rules do.
 */
export function rowOutcome(rule: Rule, checks: ReadonlyMap<SimpleRule, Check>, context: CheckContext): Sql | undefined {
  if (rule.kind === 'composite') return combined(rule, checks, context)
  const row = checks.get(rule)?.row
  return row && simpleOutcome(row, context)
}

function simpleOutcome({ test, where }: RowTest, { filteredRows = 'passed' }: CheckContext): Sql {
  const passes = sql`COALESCE(${test}, FALSE)`
  if (where === undefined) return passes
  const kept = sql`COALESCE(${where}, FALSE)`
  return filteredRows === 'passed' ? sql`(NOT ${kept} OR ${passes})` : sql`(CASE WHEN ${kept} THEN ${passes} END)`
}

/** SQL's own three-valued logic. */
function combined(rule: CompositeRule, checks: ReadonlyMap<SimpleRule, Check>, context: CheckContext): Sql | undefined {
  const outcomes = rule.rules.map(each => rowOutcome(each, checks, context))
  if (!outcomes.every(each => each !== undefined)) return undefined
  return sql`(${join(outcomes, rule.operator === 'and' ? ' AND ' : ' OR ')})`
}

// --- All rules of a row --------------------------------------------------------------------------------------------

/** Outcomes of rows packed into bits, which cost little in a pass over all rows and are unpacked for the few that failed. */
export interface PackedRows {
  /** The rows of the primary, with the columns of bits behind their own. */
  readonly select: Sql
  /** Columns of UBIGINT: bits of rules that the row fails. */
  readonly failures: readonly string[]
  /** Columns of UBIGINT: bits of rules that skip the row, other than those that skip every row. */
  readonly skips: readonly string[]
  /** Over `select`: whether the row fails any rule. */
  readonly isFailed: Sql
  /** Over `select`: texts of the rules, VARCHAR[]. */
  readonly failedRules: Sql
  readonly skippedRules: Sql
  readonly passedRules: Sql
}

/** A rule by its text, and what it says of a row. */
export interface RuleOfRows {
  readonly text: string
  readonly outcome: Sql | undefined
}

/** As many bits as a UBIGINT has. */
const WORD_BITS = 64

/** Splits rows by what all rules say of them, in one pass over the primary. */
export function packRows(relation: Relation, rules: readonly RuleOfRows[], isSkipping: boolean): PackedRows {
  const speaking = rules.flatMap(({ text, outcome }) => (outcome === undefined ? [] : [{ text, outcome }]))
  const words = chunks(speaking)
  const names = freshNames(relation, words.length * 2)
  const failures = names.slice(0, words.length)
  const skips = isSkipping ? names.slice(words.length) : []
  const columns = [
    ...words.map(
      (word, at) => sql`${bits(word.map(each => sql`NOT ${each.outcome}`))} AS ${ident(failures[at] as string)}`,
    ),
    ...skips.map(
      (name, at) => sql`${bits((words[at] ?? []).map(each => sql`${each.outcome} IS NULL`))} AS ${ident(name)}`,
    ),
  ]
  const mute = rules.flatMap(({ text, outcome }) => (outcome === undefined ? [text] : []))
  const unpacked = (fields: readonly string[]): Sql => listOf(words, fields)
  const skipped = [...(mute.length === 0 ? [] : [texts(mute)]), ...(isSkipping ? [unpacked(skips)] : [])]
  return {
    select: sql`SELECT ${join([sql`*`, ...columns], ', ')} FROM ${relation.source}`,
    failures,
    skips,
    isFailed:
      failures.length === 0
        ? sql`FALSE`
        : sql`(${join(
            failures.map(name => sql`${ident(name)} <> 0`),
            ' OR ',
          )})`,
    failedRules: unpacked(failures),
    skippedRules: concatenated(skipped),
    passedRules: passedList(words, failures, skips),
  }
}

/** The rows with Glue's four columns behind them: texts of rules, and Failed where any is failed, skipped or not. */
export function glueRows({ select, failures, skips, isFailed, ...lists }: PackedRows): Sql {
  const bitColumns = [...failures, ...skips].map(ident)
  const columns = bitColumns.length === 0 ? sql`*` : sql`* EXCLUDE (${join(bitColumns, ', ')})`
  return sql`SELECT ${columns}, ${lists.passedRules} AS "DataQualityRulesPass", ${lists.failedRules} AS "DataQualityRulesFail", ${lists.skippedRules} AS "DataQualityRulesSkip", CASE WHEN ${isFailed} THEN 'Failed' ELSE 'Passed' END AS "DataQualityEvaluationResult" FROM (${select})`
}

function chunks<T>(list: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / WORD_BITS) }, (_each, at) =>
    list.slice(at * WORD_BITS, (at + 1) * WORD_BITS),
  )
}

/** Names that no column of the primary has. */
function freshNames(relation: Relation, count: number): readonly string[] {
  const taken = new Set(relation.columns.map(({ name }) => name.toLowerCase()))
  let prefix = '_dq'
  while ([...taken].some(name => name.startsWith(prefix))) prefix += '_'
  return Array.from({ length: count }, (_each, at) => `${prefix}${at}`)
}

const bit = (at: number): Sql => sql`CAST(${2n ** BigInt(at)} AS UBIGINT)`
const NO_BITS = sql`CAST(0 AS UBIGINT)`

/** Bits of those tests that are true; null sets none. */
function bits(tests: readonly Sql[]): Sql {
  const each = tests.map((test, at) => sql`CASE WHEN ${test} THEN ${bit(at)} ELSE ${NO_BITS} END`)
  return each.reduce((all, next) => sql`${all} | ${next}`)
}

type Words = readonly (readonly { readonly text: string }[])[]

const texts = (list: readonly string[]): Sql => sql`CAST(${list} AS VARCHAR[])`
const concatenated = (lists: readonly Sql[]): Sql =>
  lists.length === 0 ? texts([]) : lists.reduce((all, next) => sql`list_concat(${all}, ${next})`)

/** Texts of the rules whose bits are set in these columns. */
function listOf(words: Words, columns: readonly string[]): Sql {
  return concatenated(
    words.map((word, at) => selected(word, rule => sql`(${ident(columns[at] as string)} & ${bit(rule)}) <> 0`)),
  )
}

function passedList(words: Words, failures: readonly string[], skips: readonly string[]): Sql {
  return concatenated(
    words.map((word, at) => {
      const columns = [failures[at], skips[at]].flatMap(name => (name === undefined ? [] : [ident(name)]))
      const said = columns.reduce((all, next) => sql`${all} | ${next}`)
      return selected(word, rule => sql`((${said}) & ${bit(rule)}) = 0`)
    }),
  )
}

function selected(word: Words[number], test: (rule: number) => Sql): Sql {
  const chosen = word.map(({ text }, at) => sql`CASE WHEN ${test(at)} THEN ${text} END`)
  return sql`list_filter(CAST([${join(chosen, ', ')}] AS VARCHAR[]), lambda rule: rule IS NOT NULL)`
}
