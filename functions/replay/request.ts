import type { Dataset } from '#lake/dataset.ts'
import { LakeError } from '#lake/errors.ts'
import type { TableName } from '#lake/lake.ts'
import type { ReplayMode } from '#lake/replay-documents.ts'

export const REPLAY_MODES: readonly ReplayMode[] = ['missing', 'failed', 'all']

/** Which raw objects are to be refined again, and into which table. */
export interface ReplayRequest {
  readonly dataset: Dataset
  /** Dates of ingest, `YYYY-MM-DD` in UTC, both included; open when absent. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** What the landing keys of the objects begin with. */
  readonly key?: string | undefined
  /**
   * `missing`: no commit accounts for them, nor the verdict of a halted batch. `failed`: their batch was halted, or began
   * and was never committed. `all`: every one.
   */
  readonly mode: ReplayMode
  /** A table beside the dataset's own, made when it is not there. */
  readonly into?: TableName | undefined
  readonly concurrency: number
  /** A batch that has no commit is under way when it is younger than this, and left alone. */
  readonly graceMinutes: number
  /** Ids of objects that are left out, because nothing but people can help them. */
  readonly except?: ReadonlySet<string> | undefined
}

export const CONCURRENCY = 4
/** All batches commit to one table, so that more of them would only wait for each other. */
export const CONCURRENCY_MAX = 20
/** Longer than the retries of a batch take that fails for good. */
export const GRACE_MINUTES = 60

const DATE = /^\d{4}-\d{2}-\d{2}$/
/** Names that Sluice gives itself: of side tables and of its own tables. */
const RESERVED = /__|^sluice/

/** Parses what a person or a payload asks for. Fails with `usage`, naming the option and what it takes. */
export function replayRequest(datasets: readonly Dataset[], given: Readonly<Record<string, unknown>>): ReplayRequest {
  const dataset = datasets.find(each => each.name === given['dataset'])
  if (dataset === undefined) {
    const names = datasets.map(each => each.name).join(', ')
    throw refused(`there is no dataset ${shown(given['dataset'])}`, `give --dataset one of ${names}`)
  }
  const mode = given['mode'] === undefined ? 'missing' : REPLAY_MODES.find(each => each === given['mode'])
  if (mode === undefined)
    throw refused(`--mode ${shown(given['mode'])}: there is no such mode`, `give one of ${REPLAY_MODES.join(', ')}`)
  const { from, to } = { from: dateOf('from', given['from']), to: dateOf('to', given['to']) }
  if (from !== undefined && to !== undefined && from > to)
    throw refused(`--from ${from} is after --to ${to}`, 'exchange them: both days are included')
  return {
    dataset,
    mode,
    from,
    to,
    key: textOf('key', given['key']),
    into: intoOf(datasets, given['into']),
    concurrency: whole('concurrency', given['concurrency'] ?? CONCURRENCY, { min: 1, max: CONCURRENCY_MAX }),
    graceMinutes: whole('grace', given['grace'] ?? GRACE_MINUTES, { min: 0, max: 100_000 }),
  }
}

function dateOf(option: string, value: unknown): string | undefined {
  if (value === undefined) return undefined
  const isDate = typeof value === 'string' && DATE.test(value) && isoDay(value) === value
  if (isDate) return value
  throw refused(`--${option} ${shown(value)}: not a date`, `give the day of ingest in UTC: --${option} 2026-05-01`)
}

/** The day after the 30th of February is a day too, but not the one that was asked for. */
function isoDay(text: string): string | undefined {
  const ms = Date.parse(`${text}T00:00:00Z`)
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString().slice(0, 10)
}

function textOf(option: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  throw refused(`--${option} is ${shown(value)}`, `give what landing keys begin with: --${option} orders/2026-05`)
}

function intoOf(datasets: readonly Dataset[], value: unknown): TableName | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || !/^[a-z0-9_]{1,200}$/.test(value))
    throw refused(`--into ${shown(value)}: not a table name`, 'lower-case letters, digits and _ only: --into orders_v2')
  if (RESERVED.test(value))
    throw refused(`--into ${value}: such names are Sluice's own`, 'choose one without __: --into orders_v2')
  if (datasets.some(each => each.name === value))
    throw refused(
      `--into ${value}: that is the table of a dataset`,
      'choose a new name, or leave --into out to replay into the table itself',
    )
  return value
}

function whole(option: string, value: unknown, { min, max }: { readonly min: number; readonly max: number }): number {
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max) return number
  throw refused(`--${option} ${shown(value)}: not a whole number from ${min} to ${max}`, `leave it out, or give one`)
}

const refused = (message: string, next: string): LakeError => new LakeError('usage', message, { next })
const shown = (value: unknown): string =>
  typeof value === 'string' ? value.slice(0, 100) : (JSON.stringify(value) ?? 'undefined').slice(0, 100)
