import type { Session } from '#lake/duckdb/engine.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import type { ContractColumn } from '../contract.ts'
import { namesOf } from './parts.ts'
import type { Wire, WireByCase } from './wire.ts'

/** A schema of Kafka Connect, as the JSON converter writes it beside each record. */
interface ConnectSchema {
  readonly type?: string
  readonly name?: string
  readonly field?: string
  readonly fields?: readonly ConnectSchema[]
  readonly items?: ConnectSchema
  readonly parameters?: Readonly<Record<string, string>>
}

/** How the fields of a row are written, by their names. */
export type Wires = ReadonlyMap<string, Wire>

const NAMED: Readonly<Record<string, Wire>> = {
  'io.debezium.data.VariableScaleDecimal': { kind: 'variable-decimal' },
  'io.debezium.time.Date': { kind: 'days' },
  'org.apache.kafka.connect.data.Date': { kind: 'days' },
  'io.debezium.time.Timestamp': { kind: 'epoch', unit: 'millis' },
  'org.apache.kafka.connect.data.Timestamp': { kind: 'epoch', unit: 'millis' },
  'io.debezium.time.MicroTimestamp': { kind: 'epoch', unit: 'micros' },
  'io.debezium.time.NanoTimestamp': { kind: 'epoch', unit: 'nanos' },
  'io.debezium.time.Time': { kind: 'clock', unit: 'millis' },
  'org.apache.kafka.connect.data.Time': { kind: 'clock', unit: 'millis' },
  'io.debezium.time.MicroTime': { kind: 'clock', unit: 'micros' },
  'io.debezium.time.NanoTime': { kind: 'clock', unit: 'nanos' },
}

/** The logical type of a field, by the name of its schema; its plain type says the rest. */
export function wireOf({ type, name, parameters, items }: ConnectSchema): Wire {
  if (type === 'array' && items !== undefined) return { kind: 'list', of: wireOf(items) }
  if (name === 'org.apache.kafka.connect.data.Decimal')
    return { kind: 'decimal', scale: Number(parameters?.['scale'] ?? 0) }
  return NAMED[name ?? ''] ?? (type === 'bytes' ? { kind: 'bytes', encoding: 'base64' } : { kind: 'plain' })
}

/** The fields of a row, by the schema of an envelope, of a flattened record, or of a key. */
export function wiresOf(text: string): Wires {
  const schema = JSON.parse(text) as ConnectSchema
  const image = schema.fields?.find(field => field.field === 'after') ?? schema
  return new Map((image.fields ?? []).map(field => [field.field ?? '', wireOf(field)]))
}

const SCHEMAS_MAX = 1_000

/** The different schemas that stand beside the records of an object: usually one, two after an ALTER TABLE. */
export async function schemasIn(session: Session, records: Sql): Promise<readonly string[]> {
  const texts = sql`SELECT DISTINCT TRY(json_extract(value_text, '$.schema'))::VARCHAR AS text FROM (${records}) WHERE contains(value_text, '"payload"')`
  const rows = await session.rows(
    sql`SELECT text FROM (${texts}) WHERE text IS NOT NULL AND text <> 'null' LIMIT ${SCHEMAS_MAX}`,
  )
  return rows.map(row => String(row['text']))
}

/** How a column is written, by the schemas of its records; undefined when none of them has it. */
export function wireAmong(schemas: readonly string[], column: ContractColumn): Wire | WireByCase | undefined {
  const found = schemas.flatMap(text => {
    const wires = wiresOf(text)
    const wire = namesOf(column)
      .map(name => wires.get(name))
      .find(each => each !== undefined)
    return wire === undefined ? [] : [[text, wire] as const]
  })
  const [first] = found
  if (first === undefined) return undefined
  const same = found.every(([, wire]) => JSON.stringify(wire) === JSON.stringify(first[1]))
  return same ? first[1] : { kind: 'by-case', of: sql`schema_text`, cases: found }
}
