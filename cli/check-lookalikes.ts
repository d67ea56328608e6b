/** What text may be, told by its looks. */
export interface Lookalike {
  readonly what: string
  /** RE2 and Java agree on it; it matches the whole value. */
  readonly pattern: string
  readonly rule: 'matches' | { readonly type: string; readonly format?: string }
}

const DAY = '(0[1-9]|[12][0-9]|3[01])'
const MONTH = '(0[1-9]|1[0-2])'
const YEAR = '[0-9]{4}'

/** The first that fits is proposed, so the narrower stand first. */
export const lookalikes: readonly Lookalike[] = [
  {
    what: 'identifiers (UUID)',
    pattern: '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}',
    rule: 'matches',
  },
  { what: 'e-mail addresses', pattern: '[^@ ]+@[^@ ]+[.][^@ ]+', rule: 'matches' },
  { what: 'web addresses', pattern: 'https?://[^ ]+', rule: 'matches' },
  { what: 'dates', pattern: `${YEAR}-${MONTH}-${DAY}`, rule: { type: 'DATE' } },
  { what: 'dates', pattern: `${YEAR}/${MONTH}/${DAY}`, rule: { type: 'DATE', format: 'yyyy/MM/dd' } },
  { what: 'dates', pattern: `${MONTH}/${DAY}/${YEAR}`, rule: { type: 'DATE', format: 'MM/dd/yyyy' } },
  { what: 'dates', pattern: `${DAY}/${MONTH}/${YEAR}`, rule: { type: 'DATE', format: 'dd/MM/yyyy' } },
  { what: 'dates', pattern: `${MONTH}-${DAY}-${YEAR}`, rule: { type: 'DATE', format: 'MM-dd-yyyy' } },
  { what: 'dates', pattern: `${DAY}-${MONTH}-${YEAR}`, rule: { type: 'DATE', format: 'dd-MM-yyyy' } },
  {
    what: 'times',
    pattern: `${YEAR}-${MONTH}-${DAY}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?`,
    rule: { type: 'TIMESTAMP' },
  },
  { what: 'whole numbers', pattern: '[+-]?[0-9]{1,9}', rule: { type: 'INTEGER' } },
  { what: 'whole numbers', pattern: '[+-]?[0-9]{1,18}', rule: { type: 'LONG' } },
  { what: 'numbers', pattern: '[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?', rule: { type: 'DOUBLE' } },
]
