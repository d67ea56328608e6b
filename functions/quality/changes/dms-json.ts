import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import type { ContractColumn } from '../contract.ts'
import { bodyOf, type EnvelopeTask, keptOf, WHOLE } from './envelope.ts'
import { rowShape, textIn, unknownIn } from './fields.ts'
import { type ChangeParts, problem, shown } from './parts.ts'
import { hexOf, type Position } from './position.ts'

const META = ['record-type', 'operation', 'schema-name', 'table-name', 'transaction-id', 'transaction-record-id']
const MORE_META = ['commit-timestamp', 'timestamp', 'stream-position']

/** Messages of DMS to Kafka or Kinesis: `{data, metadata, before-image?}`. NULL and empty columns may be left out, which means NULL. */
export function dmsJson(task: EnvelopeTask): ChangeParts {
  const { changes, columns } = task
  const { tables } = changes
  const value = (column: ContractColumn): Sql => textIn(sql`e.data`, column)
  const before = (column: ContractColumn): Sql => textIn(beforeImage(task), column)
  const load = sql`COALESCE(${meta('operation')} = 'load', FALSE)`
  const position = changes.dms.position === 'transaction' ? byTransaction() : byStreamPosition()
  const isRow = sql`NOT (${load}) AND ${meta('operation')} IN ('insert', 'update', 'delete')`
  const time = sql`TRY_CAST(COALESCE(${meta('commit-timestamp')}, CASE WHEN ${load} THEN ${meta('timestamp')} END) AS TIMESTAMPTZ)`
  return {
    from: parsed(task),
    skipped: sql`(fault IS NULL AND ${meta('record-type')} = 'control')`,
    elsewhere:
      tables.length === 0
        ? sql`FALSE`
        : sql`COALESCE(concat(${meta('schema-name')}, '.', ${meta('table-name')}) NOT IN (${join(
            tables.map(table => sql`${table}`),
            ', ',
          )}), FALSE)`,
    problems: [
      problem(sql`e IS NULL`, 'malformed_json', sql`'the event is no JSON'`),
      problem(
        sql`json_type(body) <> 'OBJECT'`,
        'not_an_object',
        sql`concat('the event is JSON, but of type ', json_type(body))`,
      ),
      problem(
        sql`e.metadata IS NULL OR ${meta('operation')} IS NULL`,
        'not_an_envelope',
        sql`'the event has no metadata.operation: it is no message of DMS'`,
      ),
      problem(
        sql`${meta('operation')} NOT IN ('load', 'insert', 'update', 'delete')`,
        'unknown_op',
        sql`concat('operation is ', ${shown(meta('operation'))})`,
      ),
      problem(sql`${meta('operation')} <> 'delete' AND e.data IS NULL`, 'missing_after', sql`'the event has no data'`),
    ],
    op: sql`CASE WHEN ${meta('operation')} = 'delete' THEN 'delete' ELSE 'upsert' END`,
    position: { ...position, text: sql`('00.' || CASE WHEN ${load} THEN ${'0'.repeat(32)} ELSE ${position.text} END)` },
    needsPosition: isRow,
    noPosition: 'metadata has no position: set IncludeTransactionDetails in the settings of the endpoint',
    surprise: sql`FALSE`,
    snapshot: load,
    // A full load is older than any change, wherever it stands in the stream.
    lane: sql`CASE WHEN ${load} THEN concat(lane, '/load') ELSE lane END`,
    place: sql`place`,
    eventUs: sql`epoch_us(${time})`,
    content: sql`hash(${meta('operation')}, e.data, ${beforeImage(task)})`,
    value,
    kept: column =>
      changes.nulls === 'unchanged' || changes.absent === 'unchanged'
        ? keptOf(changes, value(column), column)
        : undefined,
    key: column =>
      sql`COALESCE(${value(column)}, CASE WHEN ${meta('operation')} = 'delete' THEN ${before(column)} END)`,
    oldKey: column => sql`CASE WHEN ${meta('operation')} = 'update' THEN ${before(column)} END`,
    otherKeys: [before],
    before,
    whole: WHOLE,
    wire: () => ({ kind: 'plain' }),
    unknown: unknownIn(sql`json_extract(body, '$.data')`, sql`keys`, columns),
  }
}

const meta = (name: string): Sql => sql`e.metadata.${ident(name)}`
const beforeImage = ({ changes }: EnvelopeTask): Sql => sql`e.${ident(changes.dms.beforeImageField)}`

/** Numbers of the transaction and of the record in it. */
function byTransaction(): Position {
  const text = sql`(${hexOf(meta('transaction-id'), 16)} || ${hexOf(meta('transaction-record-id'), 16)})`
  return {
    text,
    broken: sql`(${meta('transaction-id')} IS NOT NULL AND ${meta('transaction-record-id')} IS NOT NULL AND ${text} IS NULL)`,
  }
}

const PG_LSN = '^([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})'

/** PostgreSQL: a transaction's number there is given when it begins, so the LSN is what orders changes. */
function byStreamPosition(): Position {
  const half = (at: 1 | 2): Sql =>
    sql`lpad(lower(nullif(regexp_extract(${meta('stream-position')}, ${PG_LSN}, ${at}), '')), 8, '0')`
  const record = sql`CASE WHEN ${meta('transaction-record-id')} IS NULL THEN ${'0'.repeat(16)} ELSE ${hexOf(meta('transaction-record-id'), 16)} END`
  const text = sql`(${half(1)} || ${half(2)} || ${record})`
  return { text, broken: sql`(${meta('stream-position')} IS NOT NULL AND ${text} IS NULL)` }
}

function parsed({ changes, columns, records }: EnvelopeTask): Sql {
  const row = rowShape(columns)
  const metadata = Object.fromEntries([...META, ...MORE_META].map(name => [name, 'VARCHAR']))
  const shape = { data: row, metadata, [changes.dms.beforeImageField]: row }
  const bodies = sql`SELECT *, ${bodyOf(false)} AS body FROM (${records.from})`
  const structs = sql`SELECT *, TRY(json_transform(body, ${JSON.stringify(shape)})) AS e FROM (${bodies})`
  return sql`(SELECT *, CASE WHEN e.data IS NOT NULL THEN TRY(json_keys(body, '$.data')) END AS keys FROM (${structs}))`
}
