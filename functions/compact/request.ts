import { TABLE_NAME } from '#lake/catalog-rules.ts'
import { LakeError } from '#lake/errors.ts'
import type { TableName } from '#lake/lake.ts'
import type { Strategy } from './settings.ts'

/** What is to be compacted, and how. */
export interface CompactionRequest {
  readonly table: TableName
  /** Only files that may hold rows for which this is true, as `sluice show --plan` takes it. */
  readonly where?: string | undefined
  /** The dataset's when absent. */
  readonly strategy?: Strategy | undefined
  /** Commit in up to ten steps, so that a conflict or a crash costs a part of the work. */
  readonly partialProgress?: boolean | undefined
  /** Say what would be done, and write nothing. */
  readonly dryRun?: boolean | undefined
  /** A repetition under the same name finds what it had done. A new one when absent. */
  readonly run?: string | undefined
  /** The rest stays as it is for the next run; most gain first. */
  readonly groupsMax?: number | undefined
  /** A table that is not there is nothing to do: a schedule names tables that no data has come for yet. */
  readonly ifExists?: boolean | undefined
  /** Leave it to whoever was first within so many minutes of the clock. */
  readonly windowMinutes?: number | undefined
}

/** One step of the workflow `compact`. */
export type CompactionStep =
  | ({ readonly action: 'plan' } & CompactionRequest)
  | { readonly action: 'rewrite'; readonly table: TableName; readonly run: string; readonly group: number }
  | { readonly action: 'commit'; readonly table: TableName; readonly run: string }

/** Parses the payload of a step. Fails with `event-invalid`: anyone who may invoke a function may send it anything. */
export function compactionStep(event: unknown): CompactionStep {
  const given = (event ?? {}) as Readonly<Record<string, unknown>>
  const table = text(given, 'table', TABLE_NAME)
  switch (given['action']) {
    case 'plan':
      return { action: 'plan', table, ...planOptions(given) }
    case 'rewrite':
      return { action: 'rewrite', table, run: runOf(given), group: whole(given, 'group', 0) }
    case 'commit':
      return { action: 'commit', table, run: runOf(given) }
    default:
      throw invalid('action', given['action'], 'plan, rewrite or commit')
  }
}

const STRATEGIES: readonly Strategy[] = ['binpack', 'sort', 'zorder']

function planOptions(given: Readonly<Record<string, unknown>>): Omit<CompactionRequest, 'table'> {
  const strategy = STRATEGIES.find(each => each === given['strategy'])
  if (given['strategy'] !== undefined && strategy === undefined)
    throw invalid('strategy', given['strategy'], STRATEGIES.join(', '))
  return {
    strategy,
    where: given['where'] === undefined ? undefined : text(given, 'where', /\S/),
    run: given['run'] === undefined ? undefined : runOf(given),
    groupsMax: given['groupsMax'] === undefined ? undefined : whole(given, 'groupsMax', 1),
    partialProgress: flag(given, 'partialProgress'),
    dryRun: flag(given, 'dryRun'),
    ifExists: flag(given, 'ifExists'),
    windowMinutes: given['windowMinutes'] === undefined ? undefined : whole(given, 'windowMinutes', 1),
  }
}

/** It becomes part of keys; the names of executions of Step Functions all pass. */
const RUN = /^[\w-]{1,100}$/

const runOf = (given: Readonly<Record<string, unknown>>): string => text(given, 'run', RUN)

export function checkRun(run: string): void {
  if (!RUN.test(run)) throw invalid('run', run, 'up to 100 letters, digits, _ and -')
}

function text(given: Readonly<Record<string, unknown>>, field: string, pattern: RegExp): string {
  const value = given[field]
  if (typeof value === 'string' && pattern.test(value)) return value
  throw invalid(field, value, `text like ${pattern.source}`)
}

function whole(given: Readonly<Record<string, unknown>>, field: string, min: number): number {
  const value = given[field]
  if (typeof value === 'number' && Number.isInteger(value) && value >= min) return value
  throw invalid(field, value, `a whole number from ${min}`)
}

function flag(given: Readonly<Record<string, unknown>>, field: string): boolean | undefined {
  const value = given[field]
  if (value === undefined || typeof value === 'boolean') return value
  throw invalid(field, value, 'true or false')
}

function invalid(field: string, value: unknown, wanted: string): LakeError {
  const shown = (JSON.stringify(value) ?? 'undefined').slice(0, 100)
  return new LakeError('event-invalid', `${field} is ${shown}: it must be ${wanted}`, { field })
}
