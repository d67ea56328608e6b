import type { ColumnProfile, Profile } from './check-profile.ts'
import { formatCount } from './units.ts'

/** A rule that the data seems to keep. */
export interface Proposed {
  readonly rule: string
  readonly why: string
}

export interface ProposalOptions {
  /** Whether the number of columns is a promise of whoever sends the data. */
  readonly countsColumns: boolean
  readonly nowMs: number
}

/** Rules that are worth trying, for the table and then column by column. What they say is guessed from a profile: some may fail. */
export function proposalsFor({ rows, columns }: Profile, options: ProposalOptions): readonly Proposed[] {
  const table = [
    ...(rows === 0 ? [] : [{ rule: 'RowCount > 0', why: `${formatCount(rows)} rows; an empty delivery is a mistake` }]),
    ...(options.countsColumns
      ? [{ rule: `ColumnCount = ${columns.length}`, why: 'a column more or less is worth a look' }]
      : []),
  ]
  const key = rows < ROWS_FOR_KEYS ? undefined : columns.toSorted((a, b) => keyRank(a) - keyRank(b)).find(isKey)
  return [...table, ...columns.flatMap(column => (rows === 0 ? [] : columnProposals(column, key, options)))]
}

/** Among fewer rows everything is unique. */
const ROWS_FOR_KEYS = 10

function columnProposals(
  column: ColumnProfile,
  key: ColumnProfile | undefined,
  { nowMs }: ProposalOptions,
): readonly Proposed[] {
  if (column.present === 0) return []
  if (column === key)
    return [{ rule: `IsPrimaryKey ${quoted(column.name)}`, why: 'never null, and no value twice' }, ...formOf(column)]
  return [
    completeness(column),
    ...(isKey(column) ? [{ rule: `IsUnique ${quoted(column.name)}`, why: 'no value twice' }] : []),
    ...contentOf(column, nowMs),
  ]
}

function contentOf(column: ColumnProfile, nowMs: number): readonly Proposed[] {
  if (hasFewValues(column)) return [valueList(column)]
  switch (column.kind) {
    case 'number':
      return isKey(column) ? [] : rangeOf(column)
    case 'text':
      return formOf(column)
    case 'date':
    case 'timestamp':
      return daysOf(column, nowMs)
    case 'boolean':
    case 'other':
      return []
  }
}

// --- Keys and nulls ------------------------------------------------------------------------------------------------

const KEY_NAME = /(^|[^a-z])(id|key|uuid|guid|code|number|no)$/i
/** Longer text is prose, which is different by chance. */
const KEY_LENGTH_MAX = 64

/** Few of a kind are counted wrong by so much that a key looks like none. */
function isKey({ kind, rows, present, distinct, numbers, lengths }: ColumnProfile): boolean {
  if (rows < ROWS_FOR_KEYS || present < rows || distinct < present * 0.9) return false
  return kind === 'number' ? numbers?.areWhole === true : kind === 'text' && (lengths?.most ?? 0) <= KEY_LENGTH_MAX
}

/** A column that is called one, or else the first. */
const keyRank = ({ name }: ColumnProfile): number => (KEY_NAME.test(name.replace(/([a-z])([A-Z])/g, '$1_$2')) ? 0 : 1)

/** Twice as many nulls as today, or a tenth fewer values, would be worth a look. */
function completeness({ name, rows, present }: ColumnProfile): Proposed {
  if (present === rows) return { rule: `IsComplete ${quoted(name)}`, why: 'never null' }
  const share = present / rows
  const least = Math.floor(Math.max(1 - 2 * (1 - share), share * 0.9) * 1_000 + 1e-9) / 1_000
  const why = `${percent(1 - share)} of the values are null`
  return { rule: `Completeness ${quoted(name)} > ${decimal(least, 3)}`, why }
}

const percent = (share: number): string => `${share < 0.001 ? 'less than 0.1' : (share * 100).toFixed(1)} %`

/** Rules on values fail on null, so they look away from it: how many there are is another rule's affair. */
function present({ name, rows, present: some }: ColumnProfile): string {
  return some === rows ? '' : ` where ${quoted(`\`${name}\` is not null`)}`
}

// --- Values --------------------------------------------------------------------------------------------------------

/** So many rows for each value show that no others are to be expected. */
const ROWS_PER_TEXT = 5
const ROWS_PER_NUMBER = 20
const LISTED_LENGTH_MAX = 40

function hasFewValues({ kind, values, present: some, numbers, lengths, looks }: ColumnProfile): boolean {
  if (values === undefined || values.length === 0) return false
  // Days that are over come no more.
  if (looks[0] !== undefined && isTime(looks[0])) return false
  if (kind === 'number')
    return numbers?.areWhole === true && values.length <= 6 && some >= values.length * ROWS_PER_NUMBER
  return kind === 'text' && some >= values.length * ROWS_PER_TEXT && (lengths?.most ?? 0) <= LISTED_LENGTH_MAX
}

const isTime = ({ what }: ColumnProfile['looks'][number]): boolean => what === 'dates' || what === 'times'

function valueList(column: ColumnProfile): Proposed {
  const { name, kind, values = [] } = column
  const sorted =
    kind === 'number'
      ? values
          .map(Number)
          .toSorted((a, b) => a - b)
          .map(String)
      : values.map(quotedItem)
  const why = values.length === 1 ? 'always the same' : `${values.length} different values`
  return { rule: `ColumnValues ${quoted(name)} in [${sorted.join(', ')}]${present(column)}`, why }
}

/** A tenth of the range more on both sides, at round numbers. What is never negative stays so. */
function rangeOf(column: ColumnProfile): readonly Proposed[] {
  const { name, numbers } = column
  if (numbers === undefined || !Number.isFinite(numbers.least) || !Number.isFinite(numbers.most)) return []
  const { least, most } = numbers
  const span = most - least || Math.abs(most) || 1
  const step = 10 ** (Math.floor(Math.log10(span)) - 1)
  const digits = Math.max(0, -Math.floor(Math.log10(step)))
  const [low, high] = [Math.floor((least - span / 10) / step) * step, Math.ceil((most + span / 10) / step) * step]
  if (Math.max(Math.abs(low), Math.abs(high)) > 1e15 || digits > 12) return []
  const why = `from ${least} to ${most}`
  const values = `ColumnValues ${quoted(name)}`
  const top = decimal(high, digits)
  if (least >= 0 && low < 0)
    return [
      { rule: `${values} >= 0${present(column)}`, why: 'never negative' },
      { rule: `${values} <= ${top}${present(column)}`, why },
    ]
  return [{ rule: `${values} between ${decimal(low, digits)} and ${top}${present(column)}`, why }]
}

/** The language has no exponents. */
const decimal = (value: number, digits: number): string =>
  value
    .toFixed(digits)
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '')

function daysOf(column: ColumnProfile, nowMs: number): readonly Proposed[] {
  const { name, days } = column
  if (days === undefined || !/^\d{4}-/.test(days.first)) return []
  const why = `from ${days.first} to ${days.last}`
  const values = `ColumnValues ${quoted(name)}`
  const first = { rule: `${values} >= "${days.first.slice(0, 4)}-01-01"${present(column)}`, why }
  const isPast = Date.parse(days.last) <= nowMs
  return isPast ? [first, { rule: `${values} <= now()${present(column)}`, why: 'never in the future' }] : [first]
}

// --- Text ----------------------------------------------------------------------------------------------------------

/** What the text looks like, and how long it is where that does not say it. */
function formOf(column: ColumnProfile): readonly Proposed[] {
  const { name, kind, lengths, looks } = column
  if (kind !== 'text' || lengths === undefined) return []
  const [look] = looks
  const form = look === undefined ? [] : [lookRule(column, look)]
  if (look !== undefined && (look.rule === 'matches' || isTime(look))) return form
  const { least, most } = lengths
  const length = `ColumnLength ${quoted(name)}`
  if (least === most)
    return [...form, { rule: `${length} = ${most}${present(column)}`, why: 'always of the same length' }]
  if (look !== undefined) return form
  const longest = Math.ceil((most * 1.5) / 10) * 10
  const why = `${least} to ${most} characters`
  const rule = least > 0 ? `${length} between 0 and ${longest}` : `${length} <= ${longest}`
  return [{ rule: `${rule}${present(column)}`, why }]
}

function lookRule(column: ColumnProfile, { what, pattern, rule }: ColumnProfile['looks'][number]): Proposed {
  const { name } = column
  const why = `looks like ${what}`
  if (rule === 'matches') return { rule: `ColumnValues ${quoted(name)} matches "${pattern}"${present(column)}`, why }
  const format = rule.format === undefined ? '' : ` with format = "${rule.format}"`
  return { rule: `ColumnDataType ${quoted(name)} = "${rule.type}"${present(column)}${format}`, why }
}

/** Backslashes stay as they are in a name; only a quote would end it. */
const quoted = (text: string): string => `"${text.replaceAll('"', '\\"')}"`
/** In a list, backslashes are removed. */
const quotedItem = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`
