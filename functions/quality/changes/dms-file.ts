/** What the key of a file of DMS says. */
export interface DmsFile {
  readonly kind: 'load' | 'changes' | 'transactions'
  /** The table's folder, without date partitions: files of one table are in order within it. */
  readonly folder: string
  /** Sortable: the time in the name of a file of changes, the counter of a load. undefined: DMS did not name this file. */
  readonly order: string | undefined
  /** When a file of changes was begun, in microseconds since the epoch. */
  readonly us: bigint | undefined
}

const LOAD = /^(?:SEGMENT(\d+)_)?LOAD([0-9A-F]+)/i
const CHANGES = /^(CDC_TXN-)?(\d{8})-?(\d{6,})/
const ORDER_DIGITS = 20

/** Files are sorted by their names, never by their keys: date partitions may stand in any order of day, month and year. */
export function dmsFile(key: string): DmsFile {
  const segments = key.split('/')
  const name = segments.at(-1) ?? ''
  const folder = segments
    .slice(0, -1)
    .filter(segment => !isPartition(segment))
    .join('/')
  const load = LOAD.exec(name)
  // The counter of loads is hexadecimal.
  if (load !== null)
    return {
      kind: 'load',
      folder,
      order: `${(load[1] ?? '').padStart(4, '0')}${(load[2] ?? '').toLowerCase().padStart(16, '0')}`,
      us: undefined,
    }
  const changes = CHANGES.exec(name)
  if (changes === null) return { kind: 'changes', folder, order: undefined, us: undefined }
  const [, transaction, day = '', time = ''] = changes
  return {
    kind: transaction === undefined ? 'changes' : 'transactions',
    folder,
    order: `${day}${time}`.padEnd(ORDER_DIGITS, '0').slice(0, ORDER_DIGITS),
    us: microsOf(day, time),
  }
}

const isPartition = (segment: string): boolean => /^\d{2}$|^\d{4}$|^\d{6}$|^\d{8}$|^\d{10}$|^partition$/i.test(segment)

function microsOf(day: string, time: string): bigint | undefined {
  const text = `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6, 8)}T${time.slice(0, 2)}:${time.slice(2, 4)}:${time.slice(4, 6)}Z`
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1000n + BigInt(time.slice(6, 12).padEnd(6, '0'))
}
