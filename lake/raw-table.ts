import type { Column, ColumnType, CsvDialect, Dataset, Source } from './dataset.ts'
import { evolveSchema } from './iceberg/schema.ts'
import { type HiveTimes, hiveType } from './iceberg/schema-text.ts'
import type { CatalogColumn, HiveTable, Uri } from './lake.ts'

/**
 * The Hive-style table over a dataset's raw objects: what came in, as it came in, for Athena and for eyes. Times and CSV
 * values are strings there, because raw data may hold anything. `json` documents have no line structure, so they are lines of text.
 */
export function rawTable(rawZone: Uri, dataset: Dataset): HiveTable {
  const { format, serde, columns, parameters } = reading(dataset.source, dataset)
  return {
    location: `${rawZone}/${dataset.name}/`,
    columns,
    partitionKeys: [
      { name: 'ingest_date', type: 'string', comment: 'UTC date on which the object landed' },
      { name: 'ingest_hour', type: 'string', comment: 'UTC hour in which it landed, 00 to 23' },
    ],
    format,
    serde,
    parameters: {
      EXTERNAL: 'TRUE',
      classification: format,
      ...parameters,
      ...(dataset.raw.partitions === 'projection' ? projection(rawZone, dataset) : {}),
    },
  }
}

export function rawPartitionLocation(
  rawZone: Uri,
  dataset: Pick<Dataset, 'name'>,
  partition: { readonly date: string; readonly hour: string },
): Uri {
  return `${rawZone}/${dataset.name}/ingest_date=${partition.date}/ingest_hour=${partition.hour}/`
}

/** Athena computes the partitions itself (https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html). */
function projection(rawZone: Uri, dataset: Dataset): Readonly<Record<string, string>> {
  const hours = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, '0'))
  return {
    'projection.enabled': 'true',
    'projection.ingest_date.type': 'date',
    'projection.ingest_date.format': 'yyyy-MM-dd',
    'projection.ingest_date.range': '2020-01-01,NOW',
    'projection.ingest_date.interval': '1',
    'projection.ingest_date.interval.unit': 'DAYS',
    // Not `integer`: the values are text of two digits, equal to those of registered partitions.
    'projection.ingest_hour.type': 'enum',
    'projection.ingest_hour.values': hours.join(','),
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: Athena fills these in.
    'storage.location.template': rawPartitionLocation(rawZone, dataset, {
      date: '${ingest_date}',
      hour: '${ingest_hour}',
    }),
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: Athena fills these in.
  }
}

// --- One entry per format ------------------------------------------------------------------------------------------

type Reading = Pick<HiveTable, 'format' | 'serde' | 'columns' | 'parameters'>

const TEXT_INPUT = 'org.apache.hadoop.mapred.TextInputFormat'
const TEXT_OUTPUT = 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'

function reading(source: Source, dataset: Dataset): Reading {
  switch (source.format) {
    case 'ndjson':
      return {
        format: 'json',
        columns: columnsOf(dataset, 'string'),
        // A malformed line is a row of nulls instead of a failed query: raw keeps such lines on purpose.
        serde: textSerde('org.openx.data.jsonserde.JsonSerDe', { 'ignore.malformed.json': 'true' }),
        parameters: {},
      }
    case 'json':
      return {
        format: 'json',
        columns: [{ name: 'line', type: 'string', comment: 'one line of the document' }],
        serde: textSerde('org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe', { 'field.delim': '\u0001' }),
        parameters: {},
      }
    case 'csv':
      return {
        format: 'csv',
        columns: columnsOf(dataset, 'string').map(column => ({ ...column, type: 'string' })),
        serde: textSerde('org.apache.hadoop.hive.serde2.OpenCSVSerde', csvParameters(source.csv)),
        parameters: source.csv.header ? { 'skip.header.line.count': '1' } : {},
      }
    case 'parquet':
      return {
        format: 'parquet',
        columns: columnsOf(dataset, 'timestamp'),
        serde: {
          library: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe',
          inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
          outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
          parameters: {},
        },
        parameters: {},
      }
    case 'avro':
      return {
        format: 'avro',
        // Files carry milliseconds or microseconds, and Hive would take the one for the other.
        columns: columnsOf(dataset, 'bigint'),
        serde: {
          library: 'org.apache.hadoop.hive.serde2.avro.AvroSerDe',
          inputFormat: 'org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat',
          outputFormat: 'org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat',
          // Athena reads the Avro schema from here; the columns above only describe it.
          parameters: { 'avro.schema.literal': JSON.stringify(avroSchema(dataset)) },
        },
        parameters: {},
      }
  }
}

function textSerde(library: string, parameters: Readonly<Record<string, string>>): HiveTable['serde'] {
  return { library, inputFormat: TEXT_INPUT, outputFormat: TEXT_OUTPUT, parameters }
}

/** OpenCSVSerde needs all three; an empty quote or escape character is written as NUL, which no text holds. */
function csvParameters(csv: CsvDialect): Readonly<Record<string, string>> {
  return { separatorChar: csv.delimiter, quoteChar: csv.quote || '\0', escapeChar: csv.escape || '\0' }
}

// --- Types ---------------------------------------------------------------------------------------------------------

/** In lower case, as Glue folds names at every depth. */
function columnsOf(dataset: Dataset, times: HiveTimes): readonly CatalogColumn[] {
  return evolveSchema(undefined, dataset.columns).schema.fields.map(field => ({
    name: field.name.toLowerCase(),
    type: hiveType(field.type, times).toLowerCase(),
    ...(field.doc === undefined ? {} : { comment: field.doc }),
  }))
}

type AvroType = string | Readonly<Record<string, unknown>> | readonly AvroType[]

/** The reader's schema: every field may be absent or null. Record names come from the path, since Avro wants them unique. */
function avroSchema(dataset: Dataset): AvroType {
  return avroRecord(dataset.name, dataset.columns)
}

function avroRecord(name: string, columns: readonly Column[]): AvroType {
  const fields = columns.map(column => ({
    name: column.name,
    type: ['null', avroType(column.type, `${name}_${column.name}`)],
    default: null,
  }))
  return { type: 'record', name, fields }
}

function avroType(type: ColumnType, name: string): AvroType {
  if (typeof type !== 'string') {
    if ('list' in type) return { type: 'array', items: ['null', avroType(type.list, `${name}_element`)] }
    if ('map' in type) return { type: 'map', values: ['null', avroType(type.map.value, `${name}_value`)] }
    return avroRecord(name, type.struct)
  }
  const decimal = /^decimal\((\d+),\s*(\d+)\)$/.exec(type)
  if (decimal)
    return { type: 'bytes', logicalType: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2]) }
  switch (type) {
    case 'date':
      return { type: 'int', logicalType: 'date' }
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return 'long'
    case 'binary':
      return 'bytes'
    case 'uuid':
      return 'string'
    default:
      return type
  }
}
