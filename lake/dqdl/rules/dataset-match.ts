import { join, type Sql, sql } from '../../duckdb/sql.ts'
import type { SimpleRule } from '../ast.ts'
import { type Check, type CheckContext, failed, numberOf, problem } from '../check.ts'
import { fieldOf, type Relation } from '../relation.ts'
import { tuple } from '../rule-columns.ts'
import { comparableSides, countedRows, judge, type Pair, sourceOf } from './references.ts'

/** DatasetMatch: the share of rows whose partner, by key, is equal in the compared columns. Keys must be unique on both sides. */
export function datasetMatch(rule: SimpleRule, context: CheckContext): Check {
  const [alias = '', keyText = '', matchText] = rule.parameters.map(each => each.value)
  const theirs = sourceOf(alias, context)
  if (!theirs) return problem(`${alias} not found in additional sources`)
  const both = { mine: context.relation, theirs }
  const keys = pairsOf(keyText, both, 'key')
  if (typeof keys === 'string') return problem(keys)
  if (keys.length === 0) return problem('DatasetMatch needs at least one key column')
  const compared = pairsOf(matchText ?? otherColumns(keys, context.relation), both, 'match')
  if (typeof compared === 'string') return problem(compared)
  const test = matchTest(keys, compared, theirs)
  return {
    queries: [
      keyQuery(keys, context.relation, 'mine'),
      keyQuery(keys, theirs, 'theirs'),
      sql`SELECT count(*) AS kept, count_if(${test}) AS good FROM ${context.relation.source}`,
    ],
    row: { test, where: undefined, counted: countedRows },
    judge: values => {
      const count = (name: string): number => numberOf(values[name]) ?? 0
      if (count('mine_rows') !== count('mine_keys'))
        return failed('the key columns are not unique in the primary dataset')
      if (count('theirs_rows') !== count('theirs_keys')) return failed(`the key columns are not unique in ${alias}`)
      const { kept, good } = countedRows(values)
      if (kept === 0) return failed('Cannot evaluate: primary DataFrame is empty')
      return judge(rule, context, { name: `Dataset.${alias}.DatasetMatch`, value: good / kept })
    },
  }
}

interface Sides {
  readonly mine: Relation
  readonly theirs: Relation
}

/** `a->b, c`: column a of the primary and b of the reference, and c of both. */
function pairsOf(text: string, { mine, theirs }: Sides, what: 'key' | 'match'): readonly Pair[] | string {
  const pairs: Pair[] = []
  for (const part of text.split(',').filter(each => each.trim() !== '')) {
    const [left = '', right = left] = part.split('->').map(each => each.trim())
    const [first, second] = [fieldOf(mine, left), fieldOf(theirs, right)]
    if (!first) return `The following ${what} columns were not found in the first dataset: ${left}`
    if (!second) return `The following ${what} columns were not found in the second dataset: ${right}`
    pairs.push({ mine: first, theirs: second })
  }
  return pairs
}

/** Without mappings, all columns that are no keys are compared with those of the same name. */
function otherColumns(keys: readonly Pair[], mine: Relation): string {
  const keyed = new Set(keys.map(key => key.mine.sql.text))
  return mine.columns
    .filter(({ name }) => !keyed.has(fieldOf(mine, name)?.sql.text ?? ''))
    .map(({ name }) => name)
    .join(',')
}

/** Null is a key like any other when keys are counted. */
function keyQuery(keys: readonly Pair[], relation: Relation, side: keyof Pair): Sql {
  const columns = keys.map(key => key[side].sql)
  const [rows, distinct] = side === 'mine' ? [sql`mine_rows`, sql`mine_keys`] : [sql`theirs_rows`, sql`theirs_keys`]
  const groups = sql`SELECT count(*) AS n FROM ${relation.source} GROUP BY ${join(columns, ', ')}`
  return sql`SELECT COALESCE(sum(n), 0) AS ${rows}, count(*) AS ${distinct} FROM (${groups})`
}

/** Keys join by `=`, so one with a null finds nothing; what is compared may be null on both sides. */
function matchTest(keys: readonly Pair[], compared: readonly Pair[], other: Relation): Sql {
  const sides = [...keys, ...compared].map(comparableSides)
  const [mine, theirs] = [sides.map(([left]) => left), sides.map(([, right]) => right)]
  const known = keys.map((_key, at) => sql`${mine[at] as Sql} IS NOT NULL`)
  return sql`(${join(known, ' AND ')} AND ${tuple(mine)} IN (SELECT ${tuple(theirs)} FROM ${other.source}))`
}
