import type { Dataset } from './dataset.ts'
import type { StreamSettings } from './dataset-stream.ts'
import { LakeError } from './errors.ts'
import { globMatches, globsMeet } from './glob.ts'
import { piecesOf } from './json-pieces.ts'
import { eventOf, type Fields, type StreamEvent } from './stream-record.ts'

/** A dataset that takes single events. */
export interface StreamDataset extends Dataset {
  readonly source: Dataset['source'] & { readonly stream: StreamSettings }
}

export const isStreamed = (dataset: Dataset): dataset is StreamDataset => dataset.source.stream !== undefined

export interface StreamRouter {
  named(name: string): StreamDataset | undefined
  /** The one whose route holds; of an event that two would take nobody can say whose it is. */
  routed(fields: Fields): StreamDataset | undefined
}

/** Fails with `dataset-invalid` when two datasets route by the same fields and some values of all of them are both's. */
export function streamRouter(datasets: readonly Dataset[]): StreamRouter {
  const streamed = datasets.filter(isStreamed)
  streamed.forEach((dataset, at) => {
    for (const other of streamed.slice(at + 1)) refuseRivals(dataset, other)
  })
  const byName = new Map(streamed.map(dataset => [dataset.name, dataset]))
  return {
    named: name => byName.get(name),
    routed: fields => {
      const [first, second] = streamed.filter(dataset => isRouted(dataset, fields))
      return second === undefined ? first : undefined
    },
  }
}

/** Whether the dataset's own route holds; one without a route takes only what names it. */
export function isRouted({ source }: StreamDataset, fields: Fields): boolean {
  const route = Object.entries(source.stream.route ?? {})
  return route.length > 0 && route.every(([field, wanted]) => holds(wanted, fields[field]))
}

function holds(wanted: readonly string[], value: unknown): boolean {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return false
  const text = String(value)
  return wanted.some(glob => (glob.includes('*') ? globMatches(glob, text) : glob === text))
}

function refuseRivals(one: StreamDataset, other: StreamDataset): void {
  const [left, right] = [one.source.stream.route, other.source.stream.route]
  if (left === undefined || right === undefined) return
  const fields = new Set([...Object.keys(left), ...Object.keys(right)])
  // Routes by different fields are for events of different forms; one that has both is found when it comes.
  const isApart = [...fields].some(field => {
    const [values, others] = [left[field], right[field]]
    return (
      values === undefined || others === undefined || !values.some(value => others.some(each => globsMeet(value, each)))
    )
  })
  if (!isApart)
    throw new LakeError(
      'dataset-invalid',
      `datasets "${one.name}" and "${other.name}": source.stream.route may hold of both for the same event; give them ` +
        'different values of one field',
      { dataset: one.name, other: other.name, field: 'source.stream.route' },
    )
}

/** The event inside its envelope, where the dataset has one; undefined when it is not there. */
export function unwrapped({ source }: StreamDataset, event: StreamEvent): StreamEvent | undefined {
  const { unwrap } = source.stream
  if (unwrap === undefined || event.fields === undefined) return event
  const inner = event.fields[unwrap]
  if (typeof inner === 'string') return ofText(inner)
  if (typeof inner !== 'object' || inner === null) return undefined
  const piece = piecesOf(event.text).findLast(({ key }) => key === unwrap)
  return piece && eventOf(piece.value)
}

/** What is no object is kept as a JSON string, so that it stays one record however many lines it has. */
function ofText(text: string): StreamEvent {
  const event = eventOf(text.trim())
  return event.fields === undefined ? { text: JSON.stringify(text), fields: undefined } : event
}
