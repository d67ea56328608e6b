import { TABLE_NAME } from './catalog-rules.ts'
import { LakeError } from './errors.ts'
import type { TableName } from './lake.ts'

/** What the workflow `maintain` asks of its functions: one piece of work on one table. */
export interface TableRequest<A extends string> {
  readonly action: A
  readonly table: TableName
  readonly dryRun: boolean
  /** A table that is not there is no failure: a schedule names tables that no data has come for yet. */
  readonly ifExists: boolean
}

/** Parses the payload `{ action, table, dryRun?, ifExists? }`. Fails with `event-invalid`: anyone who may invoke a function may send it anything. */
export function tableRequest<A extends string>(actions: readonly A[], event: unknown): TableRequest<A> {
  const given = (event ?? {}) as { readonly [Field in keyof TableRequest<A>]?: unknown }
  const action = actions.find(each => each === given.action)
  if (action === undefined)
    throw new LakeError('event-invalid', `${shown(given.action)} is none of the actions ${actions.join(', ')}`)
  if (typeof given.table !== 'string' || !TABLE_NAME.test(given.table))
    throw new LakeError('event-invalid', `${shown(given.table)} is not the name of a table`)
  return {
    action,
    table: given.table,
    dryRun: flag('dryRun', given.dryRun),
    ifExists: flag('ifExists', given.ifExists),
  }
}

function flag(name: string, value: unknown): boolean {
  if (value === undefined) return false
  if (typeof value !== 'boolean') throw new LakeError('event-invalid', `${name} is true or false, not ${shown(value)}`)
  return value
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'undefined').slice(0, 100)
