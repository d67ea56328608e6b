import { createHash } from 'node:crypto'
import type { Column } from './dataset.ts'
import type { PartitionKeys } from './stream.ts'
import type { Fields } from './stream-record.ts'
import type { StreamDataset } from './stream-route.ts'
import { momentOf } from './stream-time.ts'

const HOUR_MS = 3_600_000

/**
 * Events of this time around their arrival go by the hour, all others into one folder: a stream fills 500 folders at a time, and whoever
 * sends old events again, or has a wrong clock, would take them from everybody else.
 */
const PAST_MS_MAX = 7 * 24 * HOUR_MS
const FUTURE_MS_MAX = 24 * HOUR_MS

/** The folder of an event: of its own time and key, not of the time at which Firehose took it, which is used only where it has none. */
export function partitionOf(dataset: StreamDataset, fields: Fields | undefined, arrivalMs: number): PartitionKeys {
  const { eventTime, key } = dataset.source.stream
  const moment = momentOf(columnOf(dataset, eventTime), givenOf(dataset, eventTime, fields)) ?? arrivalMs
  const isOff = moment < arrivalMs - PAST_MS_MAX || moment > arrivalMs + FUTURE_MS_MAX
  const text = new Date(moment).toISOString()
  return {
    dataset: dataset.name,
    date: isOff ? 'other' : text.slice(0, 10),
    hour: isOff ? 'other' : text.slice(11, 13),
    key: key === undefined ? 'all' : folderSegment(givenOf(dataset, key, fields)),
  }
}

function columnOf(dataset: StreamDataset, name: string): Column {
  return dataset.columns.find(column => column.name === name) as Column
}

/** By the name of the column or a former one; the default where there is none. */
function givenOf(dataset: StreamDataset, name: string, fields: Fields | undefined): unknown {
  const column = columnOf(dataset, name)
  const given = [column.name, ...column.from].find(each => fields !== undefined && Object.hasOwn(fields, each))
  return given === undefined ? column.default : fields?.[given]
}

const SEGMENT_MAX = 64

/** A value as a level of folders: nothing in it may end the level, and no value makes the key too long. */
export function folderSegment(value: unknown): string {
  if (value === undefined || value === null || value === '') return 'null'
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  const safe = text
    .toWellFormed()
    .replace(/[^A-Za-z0-9._-]/gu, character => encodeURIComponent(character).replace(/[!'()*~]/g, escaped))
  // A name of dots alone is the way out of a folder.
  if (safe.length <= SEGMENT_MAX && !/^\.+$/.test(safe)) return safe
  return `sha256-${createHash('sha256').update(text).digest('hex').slice(0, 32)}`
}

const escaped = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`
