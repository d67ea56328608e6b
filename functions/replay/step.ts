import { LakeError } from '#lake/errors.ts'
import type { ItemRef } from './items.ts'

/** One step of the workflow `replay`, or one of the schedule's comparisons: of landing, or of one dataset. */
export type ReplayStep =
  | {
      readonly action: 'begin'
      readonly replay: string
      readonly generation: number | undefined
      readonly request: Readonly<Record<string, unknown>> | undefined
    }
  | ({ readonly action: 'admit' } & ItemRef)
  | ({ readonly action: 'settle'; readonly failure: string | undefined } & ItemRef)
  | { readonly action: 'finish'; readonly replay: string; readonly generation: number }
  | { readonly action: 'reconcile'; readonly dataset: string | undefined }

type Given = Readonly<Record<string, unknown>>

/** Parses the payload of a step. Fails with `event-invalid`: anyone who may invoke a function may send it anything. */
export function replayStep(event: unknown): ReplayStep {
  const given = (event ?? {}) as Given
  if (given['action'] === 'reconcile') {
    const dataset = given['dataset'] === undefined ? undefined : text(given, 'dataset', /^[a-z0-9_]{1,255}$/)
    return { action: 'reconcile', dataset }
  }
  const replay = text(given, 'replay', /^[\w-]{1,80}$/)
  switch (given['action']) {
    case 'begin':
      return {
        action: 'begin',
        replay,
        generation: given['generation'] === undefined ? undefined : whole(given, 'generation'),
        request: requestOf(given),
      }
    case 'admit':
      return { action: 'admit', ...itemRef(given, replay) }
    case 'settle': {
      const failure = given['failure']
      return {
        action: 'settle',
        failure: typeof failure === 'string' ? failure.slice(0, FAILURE_LENGTH_MAX) : undefined,
        ...itemRef(given, replay),
      }
    }
    case 'finish':
      return { action: 'finish', replay, generation: whole(given, 'generation') }
    default:
      throw invalid('action', given['action'], 'begin, admit, settle, finish or reconcile')
  }
}

const FAILURE_LENGTH_MAX = 2_000

const itemRef = (given: Given, replay: string): ItemRef => ({
  replay,
  item: whole(given, 'item'),
  generation: whole(given, 'generation'),
  // Ids of batches are ULIDs; they become part of keys, so nothing else passes.
  batch: text(given, 'batch', /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/),
})

function requestOf(given: Given): Given | undefined {
  const request = given['request']
  if (request === undefined || request === null) return undefined
  if (typeof request === 'object' && !Array.isArray(request)) return request as Given
  throw invalid('request', request, 'an object like { dataset, from, to, mode }')
}

function text(given: Given, field: string, pattern: RegExp): string {
  const value = given[field]
  if (typeof value === 'string' && pattern.test(value)) return value
  throw invalid(field, value, `text like ${pattern.source}`)
}

function whole(given: Given, field: string): number {
  const value = given[field]
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value
  throw invalid(field, value, 'a whole number from 0')
}

function invalid(field: string, value: unknown, wanted: string): LakeError {
  const shown = (JSON.stringify(value) ?? 'undefined').slice(0, 100)
  return new LakeError('event-invalid', `${field} is ${shown}: it must be ${wanted}`, { field })
}
