import type { Column } from './dataset.ts'
import type { Check } from './dataset-columns.ts'

/** Rows of an appended table that are one row when their keys are equal and their objects landed within so long of each other. */
export interface Dedupe {
  readonly key: readonly string[]
  readonly withinMs: number
}

export type Within = `${number} ${'minute' | 'minutes' | 'hour' | 'hours' | 'day' | 'days'}`

export interface DedupeSpec<C extends string> {
  readonly key: C | readonly C[]
  readonly within: Within
}

const SETTINGS = ['key', 'within']
const UNIT_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const
/** Each commit reads the keys of all that landed within it. */
const WITHIN_MS_MAX = 90 * UNIT_MS.day

/** `publish.dedupe` as it is declared, checked against the columns. */
export function dedupeOf(spec: DedupeSpec<string>, columns: readonly Column[], check: Check): Dedupe {
  for (const setting of Object.keys(spec))
    check(
      SETTINGS.includes(setting),
      `publish.dedupe.${setting}`,
      `is not a setting; the settings are ${SETTINGS.join(' and ')}`,
    )
  const key = typeof spec.key === 'string' ? [spec.key] : (spec.key ?? [])
  const field = 'publish.dedupe.key'
  check(key.length > 0, field, 'is missing: name the columns that tell one row from another, e.g. an event id')
  check(new Set(key).size === key.length, field, 'names a column twice')
  for (const name of key) checkKeyColumn(name, columns, check)
  return { key, withinMs: withinOf(spec.within, check) }
}

function checkKeyColumn(name: string, columns: readonly Column[], check: Check): void {
  const field = 'publish.dedupe.key'
  const column = columns.find(each => each.name === name)
  check(column !== undefined, field, `names "${name}", which is not a declared column`)
  const { type, required, default: value } = column
  check(
    typeof type === 'string' && type !== 'float' && type !== 'double',
    field,
    `names "${name}", a ${typeof type === 'string' ? type : 'nested type'}: keys must be exact primitive values`,
  )
  check(
    required,
    field,
    `names "${name}", which may be null: rows without it would not be told apart; make it required`,
  )
  check(
    value === undefined,
    field,
    `names "${name}", which has a default: all rows without it would be taken for one; leave the default out`,
  )
}

function withinOf(within: string, check: Check): number {
  const field = 'publish.dedupe.within'
  check(
    within !== undefined,
    field,
    "is missing: say how far apart repeats may land, e.g. '48 hours'; without a bound each commit would read the keys of the whole table",
  )
  const [, count = '', unit = ''] = /^(\d{1,6}) (minute|hour|day)s?$/.exec(within) ?? []
  check(unit !== '', field, `is "${within}": give a whole number of minutes, hours or days, e.g. '48 hours'`)
  const ms = Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS]
  check(ms >= UNIT_MS.minute && ms <= WITHIN_MS_MAX, field, 'must be from 1 minute to 90 days')
  return ms
}
