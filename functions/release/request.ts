import type { Dataset } from '#lake/dataset.ts'
import { LakeError } from '#lake/errors.ts'
import type { QuarantineFilter } from '#lake/quarantine/filter.ts'
import type { ReleaseRequest } from './release.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * Parses `{ action, dataset, reason?, stage?, batch?, source?, record?, since?, limit?, because?, dryRun? }`; `since` is a time in ISO 8601. Fails
 * with `event-invalid`: anyone who may invoke a function may send it anything, and a filter that was misspelt would mean all records.
 */
export function releaseRequest(
  datasets: readonly Dataset[],
  event: unknown,
): ReleaseRequest & { readonly dataset: Dataset } {
  const given = (event ?? {}) as Fields
  const stranger = Object.keys(given).find(name => !FIELDS.has(name))
  if (stranger !== undefined) throw invalid(`there is no field ${stranger}`)
  const { action } = given
  if (action !== 'release' && action !== 'drop') throw invalid(`action is release or drop, not ${shown(action)}`)
  const dataset = datasets.find(each => each.name === given['dataset'])
  if (dataset === undefined) throw invalid(`there is no dataset ${shown(given['dataset'])}`)
  const because = text(given, 'because')
  return {
    dataset,
    action,
    filter: filterOf(given),
    ...(given['limit'] === undefined ? {} : { limit: wholeNumber(given, 'limit', 1) }),
    ...(because === undefined ? {} : { reason: because }),
    dryRun: flag(given, 'dryRun'),
  }
}

const TEXTS = ['reason', 'stage', 'batch', 'source'] as const
const FIELDS: ReadonlySet<string> = new Set([
  ...TEXTS,
  ...['action', 'dataset', 'record', 'since', 'limit', 'because', 'dryRun'],
])

function filterOf(given: Fields): QuarantineFilter {
  const texts = TEXTS.flatMap(name => {
    const value = text(given, name)
    return value === undefined ? [] : [[name, value] as const]
  })
  const since = text(given, 'since')
  const sinceMs = since === undefined ? undefined : Date.parse(since)
  if (Number.isNaN(sinceMs)) throw invalid(`since is a time in ISO 8601, not ${shown(since)}`)
  return {
    ...Object.fromEntries(texts),
    ...(given['record'] === undefined ? {} : { record: wholeNumber(given, 'record', 0) }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
  }
}

const TEXT_LENGTH_MAX = 1_000

function text(given: Fields, name: string): string | undefined {
  const value = given[name]
  if (value === undefined) return undefined
  if (typeof value === 'string' && value !== '' && value.length <= TEXT_LENGTH_MAX) return value
  throw invalid(`${name} is a text, not ${shown(value)}`)
}

function wholeNumber(given: Fields, name: string, min: number): number {
  const value = given[name]
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min) return value
  throw invalid(`${name} is a whole number from ${min} on, not ${shown(value)}`)
}

function flag(given: Fields, name: string): boolean {
  const value = given[name] ?? false
  if (typeof value === 'boolean') return value
  throw invalid(`${name} is true or false, not ${shown(value)}`)
}

const invalid = (message: string): LakeError => new LakeError('event-invalid', message)
const shown = (value: unknown): string => (JSON.stringify(value) ?? 'undefined').slice(0, 100)
