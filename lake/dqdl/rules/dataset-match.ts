import { join, type Sql, sql } from '../../duckdb/sql.ts'
import type { SimpleRule } from '../ast.ts'
import { type Check, type CheckContext, failed, numberOf, problem } from '../check.ts'
import { type Field, fieldOf, type Relation } from '../relation.ts'
import { isRelation, judge, sourceOf } from './references.ts'

interface Pair {
  readonly mine: Field
  readonly theirs: Field
}

/** DatasetMatch: the share of rows whose partner, by key, is equal in the compared columns. Keys must be unique on both sides. */
export function datasetMatch(rule: SimpleRule, context: CheckContext): Check {
  const [alias = '', keyText = '', matchText] = rule.parameters.map(each => each.value)
  const other = sourceOf(alias, context)
  if (!isRelation(other)) return other
  const keys = pairsOf(keyText, { mine: context.relation, theirs: other })
  if (typeof keys === 'string') return problem(keys)
  const compared =
    matchText === undefined
      ? sameNamed(keys, context.relation, other)
      : pairsOf(matchText, { mine: context.relation, theirs: other })
  if (typeof compared === 'string') return problem(compared)
  const name = `Dataset.${alias}.DatasetMatch`
  return {
    queries: [
      sql`SELECT count(*) AS mine, count(DISTINCT ${keySql(keys, 'mine')}) AS my_keys FROM ${context.relation.source}`,
      sql`SELECT count(*) AS theirs, count(DISTINCT ${keySql(keys, 'theirs')}) AS their_keys FROM ${other.source}`,
      matchedQuery({ keys, compared, mine: context.relation, theirs: other }),
    ],
    judge: values => {
      const count = (key: string): number => numberOf(values[key]) ?? 0
      if (count('mine') !== count('my_keys')) return failed('the keys of the primary table are not unique')
      if (count('theirs') !== count('their_keys')) return failed(`the keys of ${alias} are not unique`)
      const value = count('mine') === 0 ? undefined : count('matched') / count('mine')
      return judge(rule, context, { name, value })
    },
  }
}

/** `a->b, c`: column a of the primary and b of the reference, and c of both. */
function pairsOf(
  text: string,
  { mine, theirs }: { readonly mine: Relation; readonly theirs: Relation },
): readonly Pair[] | string {
  const pairs: Pair[] = []
  for (const part of text.split(',')) {
    const [left = '', right = left] = part.split('->').map(each => each.trim())
    const [first, second] = [fieldOf(mine, left), fieldOf(theirs, right)]
    if (!first) return `there is no column ${left}`
    if (!second) return `the reference has no column ${right}`
    pairs.push({ mine: first, theirs: second })
  }
  return pairs
}

/** Without mappings, all columns that are no keys must be on both sides. */
function sameNamed(keys: readonly Pair[], mine: Relation, theirs: Relation): readonly Pair[] | string {
  const keyed = new Set(keys.map(key => key.mine.sql.text))
  const names = mine.columns.map(column => column.name).filter(name => !keyed.has(fieldOf(mine, name)?.sql.text ?? ''))
  return names.length === 0 ? [] : pairsOf(names.join(','), { mine, theirs })
}

const keySql = (keys: readonly Pair[], side: 'mine' | 'theirs'): Sql =>
  sql`(${join(
    keys.map(key => key[side].sql),
    ', ',
  )}, 0)`

interface Matching {
  readonly keys: readonly Pair[]
  readonly compared: readonly Pair[]
  readonly mine: Relation
  readonly theirs: Relation
}

function matchedQuery({ keys, compared, mine, theirs }: Matching): Sql {
  const columns = (side: 'mine' | 'theirs'): Sql =>
    join(
      [
        ...keys.map((key, at) => sql`${key[side].sql} AS k${at}`),
        ...compared.map((pair, at) => sql`${pair[side].sql} AS c${at}`),
      ],
      ', ',
    )
  const joined = join(
    keys.map((_key, at) => sql`p.k${at} = r.k${at}`),
    ' AND ',
  )
  const equal =
    compared.length === 0
      ? sql`TRUE`
      : join(
          compared.map((_pair, at) => sql`p.c${at} IS NOT DISTINCT FROM r.c${at}`),
          ' AND ',
        )
  return sql`SELECT count_if(${equal}) AS matched FROM (SELECT ${columns('mine')} FROM ${mine.source}) AS p JOIN (SELECT ${columns('theirs')} FROM ${theirs.source}) AS r ON ${joined}`
}
