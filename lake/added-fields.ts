import type { Column, DatasetSpec } from './dataset.ts'
import type { ChangeSource, Connector } from './dataset-changes.ts'
import type { Check } from './dataset-columns.ts'

/** How ExtractNewRecordState names what it adds to a record (`add.fields`), or to its headers (`add.headers`). */
export interface AddedFields {
  /** `add.fields.prefix`, `add.headers.prefix`. */
  readonly prefix: string
  /** What is renamed, as add.fields has it: `{ lsn: 'log_position' }` for `lsn:log_position`. The prefix stands before the new name, too. */
  readonly names: Readonly<Record<string, string>>
}

const ADDED: AddedFields = { prefix: '__', names: {} }

export const addedFieldsOf = (given: Partial<AddedFields> | undefined): AddedFields => ({
  ...ADDED,
  ...given,
  names: given?.names ?? {},
})

/** Fields of `source` that positions are made of, by connector: the first that is named here first. */
export const POSITION_FIELDS: Readonly<Record<Connector, readonly string[]>> = {
  postgresql: ['lsn', 'sequence'],
  mysql: ['file', 'pos', 'row'],
  mariadb: ['file', 'pos', 'row'],
  sqlserver: ['commit_lsn', 'change_lsn', 'event_serial_no'],
  oracle: ['commit_scn', 'scn', 'txSeq', 'rs_id', 'ssn'],
  mongodb: ['ts_ms', 'ord'],
}

/** What is read of the fields that are added. */
export const addedTo = (connector: Connector): readonly string[] => [
  ...['op', 'table', 'schema', 'db', 'snapshot', 'ts_ms', 'ts_us'],
  ...POSITION_FIELDS[connector],
]

/**
 * Where a field stands: under its own name, `__lsn`, or with its struct, `__source_lsn`. Without a prefix only where the declaration says so,
 * because a column of the table may have any of these names.
 */
export function placesOf({ prefix, names }: AddedFields, field: string): readonly string[] {
  return [field, `source.${field}`].flatMap(form => {
    const name = names[form]
    if (name !== undefined) return [`${prefix}${name}`]
    return prefix === '' ? [] : [`${prefix}${form.replace('.', '_')}`]
  })
}

/** Refuses names under which nothing could be found, or the wrong thing. */
export function checkAdded(
  { source }: DatasetSpec<string>,
  { changes, columns }: { readonly changes: ChangeSource; readonly columns: readonly Column[] },
  check: Check,
): void {
  const { shape, wrapper, connector } = changes
  for (const setting of ['addFields', 'addHeaders'] as const)
    check(
      source.changes?.[setting] === undefined || shape === 'flattened',
      `source.changes.${setting}`,
      "applies to shape 'flattened': an envelope has its fields where Debezium puts them",
    )
  check(
    source.changes?.addHeaders === undefined || wrapper === 'kafka',
    'source.changes.addHeaders',
    "applies to wrapper 'kafka': only records of Kafka have headers",
  )
  if (connector === undefined || shape !== 'flattened') return
  checkNaming(changes.addFields, { field: 'source.changes.addFields', connector }, check)
  checkNaming(changes.addHeaders, { field: 'source.changes.addHeaders', connector }, check)
  checkColumns(changes.addFields, { connector, columns }, check)
  const everywhere = [changes.addFields, ...(wrapper === 'kafka' ? [changes.addHeaders] : [])]
  const version = POSITION_FIELDS[connector]
  check(
    everywhere.some(added => version.some(name => placesOf(added, name).length > 0)),
    'source.changes.addFields',
    `names none of ${version.join(', ')}: without a version nothing tells a late record from a new one`,
  )
}

/** What Kafka Connect can tell apart in add.fields and a path of JSON needs no escapes for. */
const NAME = /^[\w.-]*$/

function checkNaming(
  added: AddedFields,
  { field, connector }: { readonly field: string; readonly connector: Connector },
  check: Check,
): void {
  const { prefix, names } = added
  for (const name of Object.keys(added))
    check(Object.hasOwn(ADDED, name), `${field}.${name}`, 'is not a setting; the settings are prefix, names')
  check(
    typeof prefix === 'string' && NAME.test(prefix),
    `${field}.prefix`,
    'must be letters, digits, "_", "-" and ".", or empty',
  )
  check(
    prefix !== '' || Object.keys(names).length > 0,
    `${field}.prefix`,
    "is empty: say in names what add.fields brings, e.g. { op: 'op', lsn: 'lsn' }; any other field is a column of the table",
  )
  const fields = addedTo(connector)
  for (const [name, renamed] of Object.entries(names)) {
    check(
      fields.includes(name.replace(/^source\./, '')),
      `${field}.names`,
      `names "${name}", which nothing here reads: leave it out. What is read of ${connector} is ${fields.join(', ')}`,
    )
    check(
      typeof renamed === 'string' && renamed !== '' && NAME.test(renamed),
      `${field}.names.${name}`,
      'must be the new name: letters, digits, "_", "-" and "."',
    )
  }
  checkPlaces(added, { field, fields }, check)
}

function checkPlaces(
  added: AddedFields,
  { field, fields }: { readonly field: string; readonly fields: readonly string[] },
  check: Check,
): void {
  const claimed = new Map<string, string>()
  for (const name of fields)
    for (const place of placesOf(added, name)) {
      const other = claimed.get(place.toLowerCase()) ?? name
      check(other === name, `${field}.names`, `puts ${other} and ${name} both at "${place}"`)
      claimed.set(place.toLowerCase(), name)
    }
}

/** A column may be one of these fields, when it is called as they are. DuckDB takes fields that differ by case for one. */
function checkColumns(
  added: AddedFields,
  { connector, columns }: { readonly connector: Connector; readonly columns: readonly Column[] },
  check: Check,
): void {
  const places = addedTo(connector).flatMap(name => placesOf(added, name))
  for (const column of columns.flatMap(({ name, from }) => [name, ...from])) {
    const place = places.find(each => each.toLowerCase() === column.toLowerCase())
    check(
      place === undefined || place === column,
      'source.changes.addFields',
      `puts a field at "${place}", which differs from the column "${column}" by case alone`,
    )
  }
}
