import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import type { ContractColumn } from '../contract.ts'
import { bodyOf, commonParts, type EnvelopeTask, envelopeShape, isSnapshot, schemaText } from './envelope.ts'
import { isPlaceholder, rowShape, textIn, unknownIn } from './fields.ts'
import { type ChangeParts, namesOf, problem } from './parts.ts'
import { positionOf } from './position.ts'

/**
 * Debezium's envelope of MongoDB: documents are text of extended JSON, and an update may tell only what it changed
 * (capture.mode=change_streams). A key is one column, the document's `_id`.
 */
export function mongodb(task: EnvelopeTask): ChangeParts {
  const { changes, columns } = task
  const field = (name: string): Sql => sql`e.source.${ident(name)}`
  const common = commonParts(task, {
    position: positionOf('mongodb', { field, snapshot: isSnapshot() }),
    from: parsed(task),
  })
  const text = (column: ContractColumn): Sql => plainText(textIn(sql`document`, column))
  const kept = (column: ContractColumn): Sql => {
    const names = namesOf(column)
    const unchanged = sql`(partial AND NOT list_has_any(COALESCE(keys, []), ${names}) AND NOT list_has_any(COALESCE(removed, []), ${names}))`
    const missing = changes.nulls === 'unchanged' ? sql` OR ${text(column)} IS NULL` : sql``
    return sql`(${unchanged} OR ${isPlaceholder(column, text(column), changes.placeholder)}${missing})`
  }
  const nested = sql`(partial AND (len(list_filter(COALESCE(keys, []), lambda name: contains(name, '.'))) > 0 OR len(list_filter(COALESCE(removed, []), lambda name: contains(name, '.'))) > 0 OR truncated))`
  return {
    ...common,
    problems: [
      ...common.problems,
      problem(
        sql`e.source.connector <> 'mongodb'`,
        'unknown_connector',
        sql`concat('source.connector is ', e.source.connector, ' among records of mongodb')`,
      ),
      problem(
        sql`e.op IN ('c', 'u', 'r') AND document_text IS NULL AND NOT partial`,
        'missing_after',
        sql`'the event has neither the document nor what was changed in it'`,
      ),
      problem(sql`e.op IN ('c', 'u', 'r') AND NOT partial AND document IS NULL`, 'bad_value', sql`'after is no JSON'`),
      problem(
        nested,
        'missing_after',
        sql`'the update changed a part of a field: set capture.mode to change_streams_update_full'`,
      ),
    ],
    content: sql`hash(e.op, document_text, removed, k)`,
    value: text,
    kept,
    key: column => sql`COALESCE(${text(column)}, ${keyOf()})`,
    oldKey: undefined,
    otherKeys: [() => keyOf()],
    before: task.sought.length === 0 ? undefined : column => plainText(textIn(sql`document_before`, column)),
    unknown: unknownIn(sql`CAST(document_text AS JSON)`, sql`keys`, columns),
  }
}

function parsed(task: EnvelopeTask): Sql {
  const { columns, records, schemaful, sought } = task
  const description = { updatedFields: 'VARCHAR', removedFields: ['VARCHAR'], truncatedArrays: 'VARCHAR' }
  const images = sought.length === 0 ? { after: 'VARCHAR' } : { after: 'VARCHAR', before: 'VARCHAR' }
  const shape = { ...images, updateDescription: description, ...envelopeShape(task) }
  const key = { id: 'VARCHAR', payload: { id: 'VARCHAR' } }
  const bodies = sql`SELECT *, ${bodyOf(schemaful)} AS body${schemaText(schemaful)} FROM (${records.from})`
  const events = sql`SELECT *, TRY(json_transform(body, ${JSON.stringify(shape)})) AS e, TRY(json_transform(key_text, ${JSON.stringify(key)})) AS k FROM (${bodies})`
  const partial = sql`COALESCE(e.op = 'u' AND e."after" IS NULL AND e.updateDescription IS NOT NULL, FALSE)`
  const texts = sql`SELECT *, ${partial} AS partial, CASE WHEN e."after" IS NOT NULL THEN e."after" WHEN ${partial} THEN COALESCE(e.updateDescription.updatedFields, '{}') END AS document_text FROM (${events})`
  const truncated = sql`COALESCE(e.updateDescription.truncatedArrays NOT IN ('[]', 'null'), FALSE)`
  return sql`(SELECT *, TRY(json_transform(document_text, ${JSON.stringify(rowShape(columns))})) AS document, TRY(json_keys(document_text)) AS keys, e.updateDescription.removedFields AS removed, ${truncated} AS truncated${sought.length === 0 ? sql`` : beforeOf(task)} FROM (${texts}))`
}

/** Of collections that keep pre-images. */
const beforeOf = ({ sought, key }: EnvelopeTask): Sql =>
  sql`, TRY(json_transform(e."before", ${JSON.stringify(rowShape([...key, ...sought]))})) AS document_before`

/** The key is JSON in a string of its own: `{"$oid":"…"}`, `"text"` or a number. */
function keyOf(): Sql {
  const id = sql`COALESCE(k.id, k.payload.id)`
  return plainText(sql`CASE WHEN starts_with(${id}, '"') THEN TRY(json_extract_string(${id}, '$')) ELSE ${id} END`)
}

const WRAPPED = ['$oid', '$numberDecimal', '$numberLong', '$numberInt', '$numberDouble', '$uuid', '$symbol']

/** Extended JSON without its types: an id as hex, a number as digits, a date as ISO text. Documents and arrays stay JSON. */
function plainText(text: Sql): Sql {
  const at = (...names: readonly string[]): Sql =>
    sql`json_extract_string(${text}, ${`$${names.map(name => `."${name}"`).join('')}`})`
  const millis = sql`TRY_CAST(COALESCE(${at('$date', '$numberLong')}, ${at('$date')}) AS BIGINT)`
  const date = sql`COALESCE(strftime(make_timestamp(${millis} * 1000), '%Y-%m-%dT%H:%M:%S.%fZ'), ${at('$date')})`
  const plain = join([...WRAPPED.map(name => at(name)), date, at('$binary', 'base64'), sql`${text}`], ', ')
  return sql`CASE WHEN starts_with(${text}, '{"$') THEN COALESCE(${plain}) ELSE ${text} END`
}
