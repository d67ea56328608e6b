import { ident, join, type Sql, sql } from '../../duckdb/sql.ts'
import type { SimpleRule } from '../ast.ts'
import {
  type Check,
  type CheckContext,
  failed,
  type Judgement,
  judgeRatio,
  notMet,
  type RowTest,
  type Values,
} from '../check.ts'
import type { Field, Relation } from '../relation.ts'
import { allKnown, isCheck, metricName, type Scope, scopeOf, someKnown, tuple } from '../rule-columns.ts'
import { type Groups, groupsOf, groupsQuery } from './groups.ts'

/** Uniqueness, IsUnique and IsPrimaryKey: the share of keyed rows whose key no other row has. */
export function uniqueness(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const isPrimaryKey = rule.type.name === 'IsPrimaryKey'
  const goodRows = ({ kept, keyed, single, singleWhole }: Groups): number =>
    isPrimaryKey ? singleWhole : kept - (keyed - single)
  return {
    queries: [countedQuery(groupsQuery(context.relation, scope), isPrimaryKey)],
    row: rowTest(context.relation, scope, isPrimaryKey),
    judge: values => {
      const groups = groupsOf(values, scope.fields.length)
      return isPrimaryKey ? judgePrimaryKey(rule, context, groups) : judgeUniqueness(rule, context, groups)
    },
  }
}
