import { join, type Sql, sql } from '../duckdb/sql.ts'
import type { Term, WhereContext } from './where-sql.ts'
import { type Expression, WhereProblem } from './where-tree.ts'

interface Known {
  readonly min: number
  readonly max: number
  /** Of its value; 'first' is that of the first argument that has one. */
  readonly kind: Term['kind'] | 'first'
  readonly build: (given: readonly Sql[], context: WhereContext) => Sql
}

const one = (kind: Known['kind'], build: (value: Sql) => Sql): Known => ({
  min: 1,
  max: 1,
  kind,
  build: given => build(given[0] as Sql),
})
const two = (kind: Known['kind'], build: (left: Sql, right: Sql) => Sql): Known => ({
  min: 2,
  max: 2,
  kind,
  build: given => build(given[0] as Sql, given[1] as Sql),
})
const many = (min: number, kind: Known['kind'], build: (list: Sql) => Sql): Known => ({
  min,
  max: 50,
  kind,
  build: given => build(join(given, ', ')),
})
const clock = (kind: Known['kind'], build: (now: Sql) => Sql): Known => ({
  min: 0,
  max: 0,
  kind,
  build: (_given, { nowMs }) => build(sql`epoch_ms(${nowMs})`),
})
const text = (value: Sql): Sql => sql`CAST(${value} AS VARCHAR)`
const coalesce = many(1, 'first', list => sql`COALESCE(${list})`)
const substring: Known = {
  min: 2,
  max: 3,
  kind: 'text',
  build: given => sql`substring(${join([text(given[0] as Sql), ...given.slice(1)], ', ')})`,
}

/** Spark's functions that predicates may call, and what they are in DuckDB. Spark trims spaces only. */
const FUNCTIONS: ReadonlyMap<string, Known> = new Map([
  ['upper', one('text', value => sql`upper(${text(value)})`)],
  ['ucase', one('text', value => sql`upper(${text(value)})`)],
  ['lower', one('text', value => sql`lower(${text(value)})`)],
  ['lcase', one('text', value => sql`lower(${text(value)})`)],
  ['trim', one('text', value => sql`trim(${text(value)}, ' ')`)],
  ['ltrim', one('text', value => sql`ltrim(${text(value)}, ' ')`)],
  ['rtrim', one('text', value => sql`rtrim(${text(value)}, ' ')`)],
  ['length', one('number', value => sql`length(${text(value)})`)],
  ['char_length', one('number', value => sql`length(${text(value)})`)],
  ['reverse', one('text', value => sql`reverse(${text(value)})`)],
  ['substring', substring],
  ['substr', substring],
  ['concat', many(1, 'text', list => sql`array_to_string([${list}], '')`)],
  ['startswith', two('boolean', (value, prefix) => sql`starts_with(${text(value)}, ${text(prefix)})`)],
  ['endswith', two('boolean', (value, suffix) => sql`ends_with(${text(value)}, ${text(suffix)})`)],
  ['contains', two('boolean', (value, part) => sql`contains(${text(value)}, ${text(part)})`)],
  ['instr', two('number', (value, part) => sql`instr(${text(value)}, ${text(part)})`)],
  ['coalesce', coalesce],
  ['nvl', coalesce],
  ['ifnull', coalesce],
  ['nullif', two('first', (left, right) => sql`NULLIF(${left}, ${right})`)],
  ['isnull', one('boolean', value => sql`(${value} IS NULL)`)],
  ['isnotnull', one('boolean', value => sql`(${value} IS NOT NULL)`)],
  ['isnan', one('boolean', value => sql`COALESCE(isnan(CAST(${value} AS DOUBLE)), FALSE)`)],
  ['abs', one('number', value => sql`abs(${value})`)],
  ['ceil', one('number', value => sql`ceil(${value})`)],
  ['ceiling', one('number', value => sql`ceil(${value})`)],
  ['floor', one('number', value => sql`floor(${value})`)],
  ['sqrt', one('number', value => sql`(CASE WHEN ${value} >= 0 THEN sqrt(${value}) END)`)],
  ['round', { min: 1, max: 2, kind: 'number', build: given => sql`round(${join(given, ', ')})` }],
  ['pow', two('number', (base, exponent) => sql`pow(${base}, ${exponent})`)],
  ['power', two('number', (base, exponent) => sql`pow(${base}, ${exponent})`)],
  ['mod', two('number', (left, right) => sql`(${left} % NULLIF(${right}, 0))`)],
  ['greatest', many(2, 'first', list => sql`greatest(${list})`)],
  ['least', many(2, 'first', list => sql`least(${list})`)],
  ['year', one('number', value => sql`year(CAST(${value} AS TIMESTAMP))`)],
  ['month', one('number', value => sql`month(CAST(${value} AS TIMESTAMP))`)],
  ['day', one('number', value => sql`day(CAST(${value} AS TIMESTAMP))`)],
  ['dayofmonth', one('number', value => sql`day(CAST(${value} AS TIMESTAMP))`)],
  ['hour', one('number', value => sql`hour(CAST(${value} AS TIMESTAMP))`)],
  ['minute', one('number', value => sql`minute(CAST(${value} AS TIMESTAMP))`)],
  // Spark counts from Sunday, DuckDB's dayofweek from Sunday as 0.
  ['dayofweek', one('number', value => sql`(dayofweek(CAST(${value} AS DATE)) + 1)`)],
  ['to_date', one('date', value => sql`TRY_CAST(${value} AS DATE)`)],
  ['date', one('date', value => sql`TRY_CAST(${value} AS DATE)`)],
  ['to_timestamp', one('timestamp', value => sql`TRY_CAST(${value} AS TIMESTAMP)`)],
  ['timestamp', one('timestamp', value => sql`TRY_CAST(${value} AS TIMESTAMP)`)],
  ['datediff', two('number', (end, start) => sql`date_diff('day', CAST(${start} AS DATE), CAST(${end} AS DATE))`)],
  [
    'date_add',
    two('date', (date, days) => sql`CAST(CAST(${date} AS DATE) + to_days(CAST(${days} AS INTEGER)) AS DATE)`),
  ],
  [
    'date_sub',
    two('date', (date, days) => sql`CAST(CAST(${date} AS DATE) - to_days(CAST(${days} AS INTEGER)) AS DATE)`),
  ],
  ['current_date', clock('date', now => sql`CAST(${now} AS DATE)`)],
  ['current_timestamp', clock('timestamp', now => now)],
  ['now', clock('timestamp', now => now)],
  ['size', one('number', value => sql`len(${value})`)],
  ['array_contains', two('boolean', (list, value) => sql`list_contains(${list}, ${value})`)],
])

export function callFunction(
  call: Extract<Expression, { kind: 'call' }>,
  given: readonly Term[],
  context: WhereContext,
): Term {
  const known = FUNCTIONS.get(call.name)
  if (!known) throw new WhereProblem(`the function ${call.name} is not supported in where`, call.at)
  if (given.length < known.min || given.length > known.max)
    throw new WhereProblem(
      `${call.name} takes ${known.min === known.max ? known.min : `${known.min} to ${known.max}`} arguments`,
      call.at,
    )
  const kind = known.kind === 'first' ? (given.find(each => each.kind !== 'null')?.kind ?? 'null') : known.kind
  return {
    sql: known.build(
      given.map(each => each.sql),
      context,
    ),
    kind,
  }
}
