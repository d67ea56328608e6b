import { type ChangeCase, targetsOf } from './cdc-case.ts'

type Fields = Readonly<Record<string, unknown>>

const FORMATS = ['debezium-json', 's3-debezium-json', 'dms-json', 'dms-csv', 'dms-parquet']
const INVARIANTS = ['replay', 'rebatch', 'duplicate', 'permute']
const OPTIONS = [
  ...[
    'mode',
    'deletes',
    'ignoreNulls',
    'flattened',
    'addFields',
    'addHeaders',
    'decimals',
    'evolve',
    'partitionBy',
    'route',
    'epochs',
    'columnOrder',
  ],
  ...['header', 'includeOpForFullLoad', 'timestampColumn', 'seqColumn', 'csvNullValue', 'beforeImagePrefix'],
  ...['beforeImageField', 'transactionFiles', 'tables'],
]
const EXPECTED = ['expected_rows', 'expected_tables', 'expected_stats', 'expected_dead_letter_reasons']

/**
 * What keeps a document from being a case of changes. Options and expectations that nobody knows are problems, because a case would pass
 * that was never judged by them; other fields are the author's own.
 */
export function formProblems(document: object): readonly string[] {
  const given: Fields = { ...document }
  const { format, table, key, columns, options = {}, invariants = [] } = given
  const of = (field: string, isRight: boolean, form: string): readonly string[] =>
    isRight ? [] : [`${field} must be ${form}, is ${shown(given[field])}`]
  const problems = [
    ...of('format', FORMATS.includes(String(format)), `one of ${FORMATS.join(', ')}`),
    ...of('table', typeof table === 'string' && table !== '', 'a name, schema.table'),
    ...of('key', isTexts(key) && key.length > 0, 'a list of column names'),
    ...of('columns', isObject(columns) && isTexts(Object.values(columns)), 'an object of column names and SQL types'),
    ...of('options', isObject(options), 'an object'),
    ...of(
      'invariants',
      isTexts(invariants) && invariants.every(each => INVARIANTS.includes(each)),
      `a list of ${INVARIANTS.join(', ')}`,
    ),
    ...of('expected_rows', isRows(given['expected_rows']), 'a list of rows'),
    ...of('expected_stats', isObject(given['expected_stats']), 'an object of counts'),
    ...unknown('options', isObject(options) ? Object.keys(options) : [], OPTIONS),
    ...unknown(
      'the case',
      Object.keys(given).filter(name => name.startsWith('expected_')),
      EXPECTED,
    ),
    ...batchProblems(given),
  ]
  return problems.length > 0 ? problems : tableProblems(given)
}

/** What may be left out, filled in. */
export const filled = (document: object): ChangeCase =>
  ({ options: {}, invariants: [], ...document }) as object as ChangeCase

function unknown(what: string, names: readonly string[], known: readonly string[]): readonly string[] {
  return names
    .filter(name => !known.includes(name))
    .map(name => `${what} has ${name}, which no case has; known are ${known.join(', ')}`)
}

function batchProblems({ format, batches }: Fields): readonly string[] {
  if (!Array.isArray(batches)) return [`batches must be a list of batches, is ${shown(batches)}`]
  return batches.flatMap((batch: unknown, at) => {
    if (!Array.isArray(batch)) return [`batch ${at + 1} must be a list of events, is ${shown(batch)}`]
    return batch.flatMap((event: unknown, index) => {
      const problem = eventProblem(String(format), event)
      return problem === undefined ? [] : [`event ${index + 1} of batch ${at + 1} ${problem}`]
    })
  })
}

const FILES: Readonly<Record<string, string>> = {
  's3-debezium-json': 'content',
  'dms-csv': 'content',
  'dms-parquet': 'rows',
}

function eventProblem(format: string, event: unknown): string | undefined {
  if (!isObject(event)) return `must be an object, is ${shown(event)}`
  const inner = FILES[format]
  if (inner !== undefined) {
    const isRight = inner === 'rows' ? isRows(event['rows']) : typeof event['content'] === 'string'
    return typeof event['file'] === 'string' && isRight ? undefined : `must be { file, ${inner} }, is ${shown(event)}`
  }
  const isText = (name: string): boolean => event[name] === null || typeof event[name] === 'string'
  const hasKey = event['key'] === undefined || isText('key')
  const isPlaced = typeof event['topic'] === 'string' && isWhole(event['partition']) && isWhole(event['offset'])
  return isPlaced && hasKey && isText('value')
    ? undefined
    : `must be { topic, partition, offset, key, value } with key and value as text or null, is ${shown(event)}`
}

/** Rows of a table that the case never fills. */
function tableProblems(given: Fields): readonly string[] {
  const tables = given['expected_tables'] ?? {}
  if (!isObject(tables)) return [`expected_tables must be an object of tables, is ${shown(tables)}`]
  const known = targetsOf(filled(given)).map(({ table }) => table)
  return Object.entries({ ...tables, [String(given['table'])]: given['expected_rows'] }).flatMap(([name, rows]) => {
    if (!isRows(rows)) return [`expected_tables.${name} must be a list of rows, is ${shown(rows)}`]
    const isFilled = known.includes(name) || (rows as readonly unknown[]).length === 0
    return isFilled ? [] : [`rows of ${name} are expected, but the case fills only ${known.join(', ')}`]
  })
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every(each => typeof each === 'string')
const isRows = (value: unknown): boolean => Array.isArray(value) && value.every(isObject)
const isWhole = (value: unknown): boolean => Number.isSafeInteger(Number(value)) && value !== null && value !== ''

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing'
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
