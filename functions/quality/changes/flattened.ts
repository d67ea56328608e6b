import { addedTo, POSITION_FIELDS, placesOf } from '#lake/added-fields.ts'
import type { ChangeSource, Connector } from '#lake/dataset-changes.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import {
  bodyOf,
  type EnvelopeTask,
  hasFields,
  isNotice,
  keptOf,
  keyHeader,
  keyText,
  ofNoTable,
  schemaText,
  WHOLE,
} from './envelope.ts'
import { rowShape, textIn, unknownIn } from './fields.ts'
import { type ChangeParts, problem } from './parts.ts'
import { positionOf } from './position.ts'

/** Always called so, whatever the prefix of add.fields. */
const DELETED = '__deleted'

/** Records of ExtractNewRecordState: the row itself, with what add.fields and the delete modes put beside it. */
export function flattened(task: EnvelopeTask): ChangeParts {
  const { changes, columns, wire } = task
  const connector = changes.connector as Connector
  const value = (column: (typeof columns)[number]): Sql => textIn(sql`e`, column)
  const snapshot = sql`COALESCE(${meta('op')} = 'r' OR lower(${meta('snapshot')}) NOT IN ('false', 'null'), FALSE)`
  const position = positionOf(connector, { field: meta, snapshot })
  const oldHeader = keyHeader('__debezium.oldkey')
  const tombstone = sql`(body IS NULL AND fault IS NULL)`
  const isDelete = sql`(${tombstone} OR lower(e.${ident(DELETED)}) = 'true' OR ${meta('op')} = 'd')`
  return {
    from: parsed(task),
    skipped: sql`(fault IS NULL AND (${meta('op')} = 'm' OR (${tombstone} AND ${ofNoTable(changes)}) OR CASE WHEN ${position.text} IS NULL THEN ${isNotice()} OR ${IS_MESSAGE} END))`,
    elsewhere: elsewhere(changes),
    problems: [
      problem(sql`NOT ${tombstone} AND e IS NULL`, 'malformed_json', sql`'the event is no JSON'`),
      problem(
        sql`NOT ${tombstone} AND json_type(body) <> 'OBJECT'`,
        'not_an_object',
        sql`concat('the event is JSON, but of type ', json_type(body))`,
      ),
      problem(
        sql`${meta('op')} NOT IN ('c', 'u', 'd', 'r', 't', 'm')`,
        'unknown_op',
        sql`concat(${`${[...placesOf(changes.addFields, 'op'), ...placesOf(changes.addHeaders, 'op')][0]} is `}, ${meta('op')})`,
      ),
    ],
    op: sql`CASE WHEN ${isDelete} THEN 'delete' WHEN ${meta('op')} = 't' THEN 'truncate' ELSE 'upsert' END`,
    position: { ...position, text: sql`('00.' || ${position.text})` },
    needsPosition: sql`body IS NOT NULL`,
    noPosition: noPositionIn(changes),
    surprise:
      task.isGuess && !task.schemaful
        ? sql`COALESCE(contains(value_text, '"payload"') AND contains(value_text, '"schema"'), FALSE)`
        : sql`FALSE`,
    snapshot,
    lane: sql`lane`,
    place: sql`place`,
    eventUs: sql`COALESCE(TRY_CAST(${meta('ts_us')} AS BIGINT), TRY_CAST(${meta('ts_ms')} AS BIGINT) * 1000)`,
    content: sql`hash(e, k)`,
    value,
    kept: column => keptOf(changes, value(column), column),
    key: column => sql`COALESCE(${value(column)}, ${keyText(column)})`,
    oldKey: column => oldHeader(column),
    otherKeys: [keyText, oldHeader, keyHeader('__debezium.newkey')],
    before: undefined,
    whole: WHOLE,
    wire,
    unknown: unknownIn(sql`CAST(body AS JSON)`, sql`keys`, columns, metaNames(changes)),
  }
}

/** Fields of the record that are no columns of the row. */
const metaNames = ({ connector, addFields }: ChangeSource): readonly string[] => [
  DELETED,
  ...addedTo(connector as Connector).flatMap(name => placesOf(addFields, name)),
]

function noPositionIn({ connector, addFields, addHeaders }: ChangeSource): string {
  const fields = POSITION_FIELDS[connector as Connector]
  const names = fields.map(name => [...placesOf(addFields, name), ...placesOf(addHeaders, name)][0] ?? name)
  return `the record has none of ${names.join(', ')}: add them to add.fields or add.headers, and say in source.changes.addFields or addHeaders what they are called there, if not so`
}

const meta = (name: string): Sql => sql`m.${ident(name)}`

/** From where add.fields puts it, or add.headers: said once, because positions need it many times. */
function metaSql({ connector, addFields, addHeaders }: ChangeSource): Sql {
  const texts = addedTo(connector as Connector).map(name => {
    const fields = placesOf(addFields, name).map(place => sql`e.${ident(place)}`)
    const all = [...fields, ...placesOf(addHeaders, name).map(headerText)]
    return sql`${ident(name)} := ${all.length === 0 ? sql`NULL::VARCHAR` : sql`COALESCE(${join(all, ', ')})`}`
  })
  return sql`struct_pack(${join(texts, ', ')})`
}

/** A header as its converter wrote it: plain, as JSON text, or beside its schema. */
function headerText(name: string): Sql {
  const text = sql`json_extract_string(headers, ${`$[*]."${name}"`})[1]`
  const plain = sql`CASE WHEN starts_with(${text}, '{') THEN TRY(json_extract_string(${text}, '$.payload')) ELSE trim(${text}, '"') END`
  return sql`CASE WHEN contains(headers, ${`"${name}"`}) THEN ${plain} END`
}

/** The transformation lets pass as it is what is no row of a table, such as a message of PostgreSQL's log. */
const IS_MESSAGE = sql`(${hasFields('op', 'source', 'message')} AND TRY(json_extract_string(body, '$.op')) = 'm')`

function parsed({ changes, columns, key, records, schemaful }: EnvelopeTask): Sql {
  const names = metaNames(changes)
  const shape = { ...rowShape(columns), ...Object.fromEntries(names.map(name => [name, 'VARCHAR'])) }
  const keyShape = { ...rowShape(key), payload: rowShape(key) }
  const bodies = sql`SELECT *, ${bodyOf(schemaful)} AS body${schemaText(schemaful)} FROM (${records.from})`
  const structs = sql`SELECT *, TRY(json_transform(body, ${JSON.stringify(shape)})) AS e, TRY(json_transform(key_text, ${JSON.stringify(keyShape)})) AS k, ${flatKeys(names)} AS keys FROM (${bodies})`
  return sql`(SELECT *, ${metaSql(changes)} AS m FROM (${structs}))`
}

/** Without those that add.fields added. */
function flatKeys(names: readonly string[]): Sql {
  return sql`list_filter(TRY(json_keys(body)), lambda name: NOT list_contains(${names}, name))`
}

/** Only the table's own name is always there; the schema is one of add.fields. */
function elsewhere({ tables }: ChangeSource): Sql {
  if (tables.length === 0) return sql`FALSE`
  const owner = sql`COALESCE(${meta('schema')}, ${meta('db')})`
  const same = tables.map(table => {
    const [schema, name] = [table.slice(0, table.indexOf('.')), table.slice(table.indexOf('.') + 1)]
    return sql`(${meta('table')} = ${name} AND COALESCE(${owner}, ${schema}) = ${schema})`
  })
  return sql`(${meta('table')} IS NOT NULL AND NOT (${join(same, ' OR ')}))`
}
