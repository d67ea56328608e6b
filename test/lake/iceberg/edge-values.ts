import type { ColumnType, Transform } from '#lake/dataset.ts'
import { join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import type { DataFile } from '#lake/iceberg/types.ts'
import { appendRows, column, definition, type Workbench, writeRows } from './fixture.ts'

/** One value of a column, as each engine writes it. */
export interface Edge {
  readonly duckDb: Sql
  readonly clickHouse: string
  /** In a condition of ours (lake/iceberg/where.ts). */
  readonly sluice: string
  /** undefined where PyIceberg's parser has no way to say it. */
  readonly pyIceberg: string | undefined
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
const DECIMALS = [`-${NINES}`, '-1.5000000000', '-0.0000000001', '0.0000000000', '0.0000000001', '14.2000000000', NINES]
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
const FLOATS = ['-Infinity', '-1.5', '-0.0', '0.0', '1e-30', '1e30', 'Infinity']
const BYTES = ['', '00', '0A0A', '7F', '80', 'FF', 'FF'.repeat(17), `${'00'.repeat(16)}01`]

const UUIDS = [
  '00000000-0000-0000-0000-000000000000',
  '7fffffff-ffff-ffff-ffff-ffffffffffff',
  '80000000-0000-0000-0000-000000000000',
  'f79c3e09-677c-4bbd-a479-3f349cb785e7',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
]

const quoted = (text: string): string => `'${text}'`
const plain = (text: string): string => text
const unsaid = (): undefined => undefined

/** How each engine writes a value that is given as text. */
interface Spelling {
  readonly duckDb: (text: string) => Sql
  readonly clickHouse: (text: string) => string
  readonly sluice: (text: string) => string
  readonly pyIceberg: (text: string) => string | undefined
}

function edgeColumn(
  name: string,
  type: ColumnType,
  more: { readonly transforms: readonly Transform[]; readonly values: readonly string[] } & Spelling,
): EdgeColumn {
  const edges = more.values.map(text => ({
    duckDb: more.duckDb(text),
    clickHouse: more.clickHouse(text),
    sluice: more.sluice(text),
    pyIceberg: more.pyIceberg(text),
  }))
  return { name, type, transforms: more.transforms, edges }
}

const inFloat = {
  transforms: [identity],
  values: FLOATS,
  sluice: (text: string) => (/I/.test(text) ? quoted(text) : text),
  pyIceberg: (text: string) => (/[Ie]/.test(text) ? undefined : text),
}
const inTime = {
  transforms: [identity, bucket, ...times('year', 'month', 'day', 'hour')],
  values: MOMENTS,
  sluice: quoted,
}

export const EDGE_COLUMNS: readonly EdgeColumn[] = [
  edgeColumn('string', 'string', {
    ...{ transforms: [identity, bucket, truncate(1), truncate(16)], values: TEXTS },
    ...{ duckDb: text => sql`${text}`, clickHouse: quoted, sluice: quoted, pyIceberg: quoted },
  }),
  edgeColumn('long', 'long', {
    ...{ transforms: [identity, bucket, truncate(10)], values: LONGS, sluice: plain, pyIceberg: plain },
    ...{ duckDb: text => sql`${text}::BIGINT`, clickHouse: text => `toInt64('${text}')` },
  }),
  edgeColumn('int', 'int', {
    ...{ transforms: [identity, bucket, truncate(7)], values: INTS, sluice: plain, pyIceberg: plain },
    ...{ duckDb: text => sql`${text}::INTEGER`, clickHouse: text => `toInt32('${text}')` },
  }),
  edgeColumn('decimal', 'decimal(38,10)', {
    ...{ transforms: [identity, bucket, truncate(7)], values: DECIMALS, sluice: plain, pyIceberg: quoted },
    ...{ duckDb: text => sql`${text}::DECIMAL(38,10)`, clickHouse: text => `toDecimal128('${text}', 10)` },
  }),
  edgeColumn('double', 'double', {
    ...{ ...inFloat, duckDb: text => sql`${text}::DOUBLE`, clickHouse: text => `toFloat64('${text}')` },
  }),
  edgeColumn('float', 'float', {
    ...{ ...inFloat, duckDb: text => sql`${text}::FLOAT`, clickHouse: text => `toFloat32('${text}')` },
  }),
  edgeColumn('date', 'date', {
    ...{ transforms: [identity, bucket, ...times('year', 'month', 'day')], values: DAYS, sluice: quoted },
    ...{ duckDb: text => sql`${text}::DATE`, clickHouse: text => `toDate32('${text}')`, pyIceberg: quoted },
  }),
  edgeColumn('timestamp', 'timestamp', {
    ...{ ...inTime, duckDb: text => sql`${text}::TIMESTAMP`, clickHouse: text => `toDateTime64('${text}', 6, 'UTC')` },
    pyIceberg: text => quoted(text.replace(' ', 'T')),
  }),
  edgeColumn('timestamptz', 'timestamptz', {
    ...{ ...inTime, duckDb: text => sql`${`${text}+00`}::TIMESTAMPTZ` },
    clickHouse: text => `toDateTime64('${text}', 6, 'UTC')`,
    pyIceberg: text => quoted(`${text.replace(' ', 'T')}+00:00`),
  }),
  edgeColumn('binary', 'binary', {
    ...{ transforms: [identity, bucket, truncate(1)], values: BYTES, sluice: text => `X'${text}'`, pyIceberg: unsaid },
    ...{ duckDb: text => sql`unhex(${text})`, clickHouse: text => `unhex('${text}')` },
  }),
  edgeColumn('uuid', 'uuid', {
    ...{ transforms: [identity, bucket], values: UUIDS, sluice: quoted, pyIceberg: quoted },
    ...{ duckDb: text => sql`${text}::UUID`, clickHouse: text => `toUUID('${text}')` },
  }),
]

/** A table for each column and each of its transforms, and one without partitions that has a file for each value. */
export interface EdgeTable {
  readonly table: string
  readonly edge: EdgeColumn
  readonly transform: Transform | undefined
  /** A SELECT of `id` and `v`: every value once, null, and NaN where there is one. */
  readonly rows: Sql
}

export const EDGE_TABLES: readonly EdgeTable[] = EDGE_COLUMNS.flatMap(edge => {
  const rows = join(rowsOf(edge), ' UNION ALL ')
  const partitioned = edge.transforms.map(transform => {
    const width = 'width' in transform ? transform.width : ''
    return { table: `${edge.name}_${transform.name}${width}`, edge, transform, rows }
  })
  return [{ table: `${edge.name}_files`, edge, transform: undefined, rows }, ...partitioned]
})

function rowsOf({ type, edges }: EdgeColumn): readonly Sql[] {
  const nan = type === 'double' || type === 'float' ? [sql`'nan'::DOUBLE`] : []
  const values = [...edges.map(edge => edge.duckDb), ...nan, sql`NULL`]
  return values.map((value, index) => sql`SELECT ${index}::BIGINT AS id, ${value} AS v`)
}

export async function makeEdgeTable(bench: Workbench, { table, edge, transform, rows }: EdgeTable): Promise<void> {
  const partitionBy = transform ? [{ column: 'v', transform }] : []
  await ensureTable(bench.lake, definition(table, [column('id', 'long'), column('v', edge.type)], { partitionBy }))
  if (transform) return void (await appendRows(bench, table, rows))
  // Without a partition for each value, a file for each: then its bounds are what finds it.
  const files: DataFile[] = []
  for (const row of rowsOf(edge)) files.push(...(await writeRows(bench, await openTable(bench.lake, table), row)))
  await commit(bench.lake, table, { commitId: table }, () => stageAppend(files))
}

const OPERATORS = ['=', '<', '>='] as const

/** Conditions at and around every value. */
export function conditionsOf(edge: EdgeColumn): readonly (Edge & { readonly operator: (typeof OPERATORS)[number] })[] {
  return edge.edges.flatMap(value =>
    OPERATORS.map(operator => ({
      operator,
      duckDb: sql`v ${OPERATOR_SQL[operator]} ${value.duckDb}`,
      clickHouse: `v ${operator} ${value.clickHouse}`,
      sluice: `v ${operator} ${value.sluice}`,
      pyIceberg: value.pyIceberg === undefined ? undefined : `v ${operator} ${value.pyIceberg}`,
    })),
  )
}

const OPERATOR_SQL = { '=': sql`=`, '<': sql`<`, '>=': sql`>=` }
