import type { Column, DatasetSpec } from './dataset.ts'
import type { Check } from './dataset-columns.ts'

/** How single events of a delivery stream find the dataset and their place in landing. */
export interface StreamSettings {
  /** The column whose value gives the date and hour of the folder. */
  readonly eventTime: string
  /** A column whose value is one more level of folders. */
  readonly key: string | undefined
  /** Fields of an event and the values (globs) that they have when it is for this dataset; all of them must hold. */
  readonly route: Readonly<Record<string, readonly string[]>> | undefined
  /** The field of an envelope that holds the event: an object, or text that is one. */
  readonly unwrap: string | undefined
}

export interface StreamSpec<C extends string> {
  readonly eventTime: C
  readonly key?: C
  readonly route?: Readonly<Record<string, string | readonly string[]>>
  readonly unwrap?: string
}

const SETTINGS = ['eventTime', 'key', 'route', 'unwrap']

/** `source.stream` as it is declared, checked against the columns. */
export function streamOf(
  { source, publish }: DatasetSpec<string>,
  columns: readonly Column[],
  check: Check,
): StreamSettings | undefined {
  const stream = source.stream
  if (stream === undefined) return undefined
  for (const setting of Object.keys(stream))
    check(
      SETTINGS.includes(setting),
      `source.stream.${setting}`,
      `is not a setting; the settings are ${SETTINGS.join(', ')}`,
    )
  check(
    source.format === 'ndjson',
    'source.stream',
    "needs source.format 'ndjson': that is what events are delivered as",
  )
  check(
    source.changes === undefined,
    'source.stream',
    'is for events, not for changes of rows: their order is lost in a delivery stream; let the connector write files',
  )
  const mode = typeof publish === 'object' ? publish.mode : publish
  check(
    mode !== 'replace',
    'source.stream',
    "cannot feed a table that is replaced: each delivery would take the place of the one before; publish 'append' instead",
  )
  checkEventTime(stream.eventTime, columns, check)
  checkKey(stream.key, columns, check)
  check(
    stream.unwrap === undefined || (typeof stream.unwrap === 'string' && stream.unwrap.length > 0),
    'source.stream.unwrap',
    "must name the field of the envelope that holds the event, e.g. 'detail'",
  )
  return { eventTime: stream.eventTime, key: stream.key, route: routeOf(stream.route, check), unwrap: stream.unwrap }
}

function checkEventTime(name: string, columns: readonly Column[], check: Check): void {
  const column = columns.find(each => each.name === name)
  const field = 'source.stream.eventTime'
  check(
    column !== undefined,
    field,
    `names the column "${name}", which is not declared; the columns are ${columns.map(each => each.name).join(', ')}`,
  )
  check(
    ['date', 'timestamp', 'timestamptz'].includes(String(column.type)),
    field,
    `names "${name}", which is no date, timestamp or timestamptz`,
  )
  check(
    column.format === undefined || !column.format.startsWith('%'),
    field,
    `names "${name}", whose format "${column.format}" only the engine reads: take a column of ISO 8601 or of an epoch`,
  )
}

function checkKey(name: string | undefined, columns: readonly Column[], check: Check): void {
  if (name === undefined) return
  const column = columns.find(each => each.name === name)
  check(
    column !== undefined && typeof column.type === 'string',
    'source.stream.key',
    `names "${name}", which is not a declared primitive column`,
  )
}

function routeOf(route: StreamSpec<string>['route'], check: Check): StreamSettings['route'] {
  if (route === undefined) return undefined
  const fields = Object.entries(route).map(([field, wanted]) => [field, [wanted].flat()] as const)
  check(
    fields.length > 0 &&
      fields.every(([, values]) => values.length > 0 && values.every(each => typeof each === 'string' && each !== '')),
    'source.stream.route',
    "must give fields and the values that they have, e.g. { type: 'order' }",
  )
  return Object.fromEntries(fields)
}
