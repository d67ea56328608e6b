import type { Column } from './dataset.ts'

const EPOCH_MS = { 'epoch-seconds': 1_000, 'epoch-millis': 1, 'epoch-micros': 0.001 } as const
const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(?: ?(Z|z|[+-]\d{2}(?::?\d{2})?))?)?$/

/** Milliseconds since the epoch of a value of a temporal column; undefined when it is not beyond doubt which moment is meant. */
export function momentOf({ format }: Pick<Column, 'format'>, value: unknown): number | undefined {
  if (format !== undefined) {
    const unit = EPOCH_MS[format as keyof typeof EPOCH_MS]
    const count =
      typeof value === 'number' ? value : typeof value === 'string' && value !== '' ? Number(value) : Number.NaN
    return unit === undefined || !Number.isFinite(count) ? undefined : inRange(count * unit)
  }
  const parts = typeof value === 'string' ? ISO.exec(value) : null
  if (parts === null) return undefined
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(part => Number(part ?? 0)) as number[]
  const at = Date.UTC(year as number, (month as number) - 1, day, hour, minute, second)
  const made = new Date(at)
  // Date.UTC takes a 30th of February for a day in March, and 25 o'clock for one in the night.
  const isReal =
    made.getUTCMonth() === (month as number) - 1 &&
    made.getUTCDate() === day &&
    made.getUTCHours() === hour &&
    made.getUTCMinutes() === minute
  return isReal ? inRange(at - offsetMs(parts[8])) : undefined
}

function offsetMs(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z' || zone === 'z') return 0
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone) as unknown as [
    string,
    string,
    string,
    string?,
  ]
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes ?? 0)) * 60_000
}

/** The years that four digits can say. */
const inRange = (ms: number): number | undefined =>
  ms >= -62_167_219_200_000 && ms < 253_402_300_800_000 ? ms : undefined
