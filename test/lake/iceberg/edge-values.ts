import type { ColumnType, Transform } from '#lake/dataset.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'

/** One value of a column, as DuckDB and as ClickHouse write it. */
export interface Edge {
  readonly ours: Sql
  readonly theirs: string
}

/** Values at which bounds, transforms and their encodings break, of one type, with the transforms that the spec allows for it. */
export interface EdgeColumn {
  readonly name: string
  readonly type: ColumnType
  readonly transforms: readonly Transform[]
  readonly edges: readonly Edge[]
}

const identity: Transform = { name: 'identity' }
const bucket: Transform = { name: 'bucket', width: 3 }
const truncate = (width: number): Transform => ({ name: 'truncate', width })
const times = (...names: readonly ('year' | 'month' | 'day' | 'hour')[]): readonly Transform[] =>
  names.map(name => ({ name }))

const edges = <T>(values: readonly T[], ours: (value: T) => Sql, theirs: (value: T) => string): readonly Edge[] =>
  values.map(value => ({ ours: ours(value), theirs: theirs(value) }))

const SIXTEEN = 'x'.repeat(16)

const TEXTS = [
  '',
  'null',
  // Composed and decomposed: the same to a person, and two values.
  'é',
  'e\u0301',
  '𝒳',
  '𝒳𝒳',
  // Bounds are cut after 16 code points, and the upper one is incremented: past the surrogates, or not at all.
  SIXTEEN,
  `${SIXTEEN}a`,
  `${SIXTEEN}b`,
  `${'x'.repeat(15)}\uD7FFz`,
  '\u{10FFFF}'.repeat(17),
  `${'x'.repeat(15)}\u{10FFFF}z`,
  '𝒳'.repeat(20),
  // DuckDB cuts its own statistics at 256 bytes.
  'y'.repeat(300),
  `${'y'.repeat(300)}z`,
  '日本語'.repeat(100),
]

const LONGS = [
  '-9223372036854775808',
  '-9223372036854775807',
  '-1001',
  '-1',
  '0',
  '1',
  '34',
  '999',
  '9223372036854775807',
]
const INTS = ['-2147483648', '-11', '-1', '0', '1', '10', '2147483647']
const NINES = '9999999999999999999999999999.9999999999'
const DECIMALS = [`-${NINES}`, '-1.5', '-0.0000000001', '0', '0.0000000001', '14.20', NINES]
const DAYS = ['1900-01-01', '1968-02-29', '1969-12-31', '1970-01-01', '1970-01-02', '2024-02-29', '2299-12-31']
const MOMENTS = [
  '1900-01-01 00:00:00.000000',
  '1969-12-31 22:59:59.999999',
  '1969-12-31 23:59:59.999999',
  '1970-01-01 00:00:00.000000',
  '1970-01-01 00:00:00.000001',
  '2262-04-11 23:47:16.854775',
]
/** Without NaN, which ClickHouse finds equal to nothing and DuckDB to itself: the tables hold it, the predicates do not. */
const FLOATS = ['-inf', '-1.5', '-0.0', '0.0', '1e-30', '1e30', 'inf']
const BYTES = ['', '00', '0A0A', '7F', '80', 'FF', 'FF'.repeat(17), `${'00'.repeat(16)}01`]

const UUIDS = [
  '00000000-0000-0000-0000-000000000000',
  '7fffffff-ffff-ffff-ffff-ffffffffffff',
  '80000000-0000-0000-0000-000000000000',
  'f79c3e09-677c-4bbd-a479-3f349cb785e7',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
]

const quoted = (text: string): string => `'${text}'`

export const EDGE_COLUMNS: readonly EdgeColumn[] = [
  {
    name: 'string',
    type: 'string',
    transforms: [identity, bucket, truncate(1), truncate(16)],
    edges: edges(TEXTS, text => sql`${text}`, quoted),
  },
  {
    name: 'long',
    type: 'long',
    transforms: [identity, bucket, truncate(10)],
    edges: edges(
      LONGS,
      text => sql`${text}::BIGINT`,
      text => `toInt64('${text}')`,
    ),
  },
  {
    name: 'int',
    type: 'int',
    transforms: [identity, bucket, truncate(7)],
    edges: edges(
      INTS,
      text => sql`${text}::INTEGER`,
      text => `toInt32('${text}')`,
    ),
  },
  {
    name: 'decimal',
    type: 'decimal(38,10)',
    transforms: [identity, bucket, truncate(7)],
    edges: edges(
      DECIMALS,
      text => sql`${text}::DECIMAL(38,10)`,
      text => `toDecimal128('${text}', 10)`,
    ),
  },
  {
    name: 'double',
    type: 'double',
    transforms: [identity],
    edges: edges(
      FLOATS,
      text => sql`${text}::DOUBLE`,
      text => `toFloat64('${text}')`,
    ),
  },
  {
    name: 'float',
    type: 'float',
    transforms: [identity],
    edges: edges(
      FLOATS,
      text => sql`${text}::FLOAT`,
      text => `toFloat32('${text}')`,
    ),
  },
  {
    name: 'date',
    type: 'date',
    transforms: [identity, bucket, ...times('year', 'month', 'day')],
    edges: edges(
      DAYS,
      text => sql`${text}::DATE`,
      text => `toDate32('${text}')`,
    ),
  },
  {
    name: 'timestamp',
    type: 'timestamp',
    transforms: [identity, bucket, ...times('year', 'month', 'day', 'hour')],
    edges: edges(
      MOMENTS,
      text => sql`${text}::TIMESTAMP`,
      text => `toDateTime64('${text}', 6, 'UTC')`,
    ),
  },
  {
    name: 'timestamptz',
    type: 'timestamptz',
    transforms: [identity, bucket, ...times('year', 'month', 'day', 'hour')],
    edges: edges(
      MOMENTS,
      text => sql`${`${text}+00`}::TIMESTAMPTZ`,
      text => `toDateTime64('${text}', 6, 'UTC')`,
    ),
  },
  {
    name: 'binary',
    type: 'binary',
    transforms: [identity, bucket, truncate(1)],
    edges: edges(
      BYTES,
      text => sql`unhex(${text})`,
      text => `unhex('${text}')`,
    ),
  },
  {
    name: 'uuid',
    type: 'uuid',
    transforms: [identity, bucket],
    edges: edges(
      UUIDS,
      text => sql`${text}::UUID`,
      text => `toUUID('${text}')`,
    ),
  },
]
