// A row whose file and position stand in a position delete file of its age or younger is not read, and every other row is: whatever
// the number of files and deletes, and however they overlap.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Row } from '#lake/duckdb/engine.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import type { DataFile } from '#lake/iceberg/types.ts'
import { column, definition, readRows, type Workbench, workbench, writeRows } from './fixture.ts'
import { commitForeign, placesOf, positionDeletes } from './foreign-commit.ts'

let bench: Workbench

beforeEach(async () => {
  bench = await workbench()
})

afterEach(async () => bench.close())

/** Ten rows from `first` on, in the order of their positions. */
const ten = (first: number): Sql =>
  sql`SELECT i::BIGINT AS n, 'row ' || i AS s FROM range(${first}, ${first + 10}) t(i) ORDER BY i`

async function table(): Promise<void> {
  await ensureTable(bench.lake, definition('t', [column('n', 'long'), column('s', 'string')]))
}

async function write(source: Sql): Promise<DataFile> {
  const [file] = await writeRows(bench, await openTable(bench.lake, 't'), source)
  return file as DataFile
}

async function remove(...places: Parameters<typeof placesOf>[0]): Promise<DataFile> {
  return positionDeletes(bench, await openTable(bench.lake, 't'), placesOf(places))
}

const numbers = async (options = {}): Promise<readonly number[]> =>
  (await readRows(bench, 't', sql`n`, options)).map(row => Number(row['n']))

test('several deletes, several files, rows deleted twice', async () => {
  await table()
  const [a, b, c] = [await write(ten(0)), await write(ten(10)), await write(ten(20))]
  await commitForeign(bench.lake, 't', { data: [a, b, c] })
  await commitForeign(bench.lake, 't', { deletes: [await remove([a, 0, 1, 9], [b, 5])] })
  await commitForeign(bench.lake, 't', { deletes: [await remove([a, 1, 2]), await remove([a, 2], [b, 5, 6])] })
  expect(await numbers()).toEqual([
    3,
    4,
    5,
    6,
    7,
    8,
    10,
    11,
    12,
    13,
    14,
    17,
    18,
    19,
    ...Array.from({ length: 10 }, (_, i) => 20 + i),
  ])
})

test('a delete that comes with the rows applies to them, and an older one does not', async () => {
  await table()
  const [a, b] = [await write(ten(0)), await write(ten(10))]
  // Names `b` before it is there: only rows that the deleting writer could see are meant.
  await commitForeign(bench.lake, 't', { data: [a], deletes: [await remove([a, 3], [b, 4])] })
  await commitForeign(bench.lake, 't', { data: [b], deletes: [await remove([b, 7])] })
  const left = await numbers()
  expect([left.includes(3), left.includes(14), left.includes(17), left.length]).toEqual([false, true, false, 18])
})

test('all rows of a file, and a file that nobody scans', async () => {
  await table()
  const [a, b] = [await write(ten(0)), await write(ten(10))]
  const gone = { ...a, file_path: `${a.file_path}.gone` }
  await commitForeign(bench.lake, 't', { data: [a, b] })
  await commitForeign(bench.lake, 't', { deletes: [await remove([a, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [gone, 0, 1])] })
  expect(await numbers()).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
})

test('a snapshot from before the delete has all rows', async () => {
  await table()
  const a = await write(ten(0))
  await commitForeign(bench.lake, 't', { data: [a] })
  const { metadata } = await commitForeign(bench.lake, 't', { deletes: [await remove([a, 0])] })
  expect(await numbers()).toHaveLength(9)
  expect(await numbers({ snapshot: metadata.snapshots[0] })).toHaveLength(10)
})

test('places are those in the file, not among the rows that are left', async () => {
  await table()
  const [a, b] = [await write(ten(0)), await write(ten(10))]
  await commitForeign(bench.lake, 't', { data: [a, b] })
  await commitForeign(bench.lake, 't', { deletes: [await remove([a, 0, 1, 2, 3, 5, 6, 7])] })
  const { schema, files } = await planScan(bench.lake, await openTable(bench.lake, 't'))
  const local = await stageFiles(bench.lake, files, bench.root)
  const scan = scanSql(schema, local, { places: true })
  const rows = await bench.session.rows(sql`SELECT n, _pos, _file FROM (${scan}) WHERE n < 12 ORDER BY n`)
  const pathOf = (file: DataFile): string | undefined =>
    local.find(each => each.live.file.file_path === file.file_path)?.path
  expect(rows).toEqual([
    ...[4, 8, 9].map((n): Row => ({ n: String(n), _pos: String(n), _file: pathOf(a) ?? '' })),
    ...[10, 11].map((n): Row => ({ n: String(n), _pos: String(n - 10), _file: pathOf(b) ?? '' })),
  ])
})

test('delete files with a row column, without field ids, or with columns of other names', async () => {
  await table()
  const a = await write(ten(0))
  await commitForeign(bench.lake, 't', { data: [a] })
  const base = await openTable(bench.lake, 't')
  const withRow = sql`SELECT *, {'n': 1} AS "row" FROM (${placesOf([[a, 1]])})`
  const plain = await positionDeletes(bench, base, placesOf([[a, 5]]), { ids: null })
  const deletes = [await positionDeletes(bench, base, withRow), await remove([a, 2]), plain]
  await commitForeign(bench.lake, 't', { deletes })
  expect(await numbers()).toEqual([0, 3, 4, 6, 7, 8, 9])
  const renamed = sql`SELECT file_path AS f, pos FROM (${placesOf([[a, 7]])})`
  const odd = await positionDeletes(bench, base, renamed, { ids: sql`{f: 2147483546, pos: 2147483545}` })
  await commitForeign(bench.lake, 't', { deletes: [odd] })
  await expect(numbers()).rejects.toMatchObject({ kind: 'engine-failed' })
})

test('hundreds of files and deletes, against the rows themselves', async () => {
  await table()
  const files: DataFile[] = []
  for (let at = 0; at < 60; at++) files.push(await write(ten(at * 10)))
  await commitForeign(bench.lake, 't', { data: files })
  // Every row whose number is divisible by 7 or by 11, each kind in delete files of their own, three data files to each.
  for (const divisor of [7, 11]) {
    const deletes: DataFile[] = []
    for (let at = 0; at < 60; at += 3) {
      const places = [0, 1, 2].map((add): [DataFile, ...number[]] => {
        const hits = Array.from({ length: 10 }, (_, pos) => pos).filter(pos => ((at + add) * 10 + pos) % divisor === 0)
        return [files[at + add] as DataFile, ...hits]
      })
      deletes.push(await remove(...places))
    }
    await commitForeign(bench.lake, 't', { deletes })
  }
  const wanted = Array.from({ length: 600 }, (_, n) => n).filter(n => n % 7 !== 0 && n % 11 !== 0)
  expect(await numbers()).toEqual(wanted)
})

test('the deletes are held in memory and not the table, and files are not paired with deletes', async () => {
  await table()
  const big = await write(sql`SELECT i AS n, 'row' AS s FROM range(50000) t(i)`)
  const more = [await write(ten(0)), await write(ten(10)), await write(ten(20))]
  await commitForeign(bench.lake, 't', { data: [big, ...more] })
  const places = sql`SELECT ${big.file_path} AS file_path, i AS pos FROM range(10000) t(i)`
  const deletes = [await positionDeletes(bench, await openTable(bench.lake, 't'), places)]
  for (const file of more) deletes.push(await remove([file, 0], [big, 1]))
  await commitForeign(bench.lake, 't', { deletes })
  const { schema, files } = await planScan(bench.lake, await openTable(bench.lake, 't'))
  const scan = scanSql(schema, await stageFiles(bench.lake, files, bench.root))
  const [plan] = await bench.session.rows(sql`EXPLAIN SELECT sum(n) FROM (${scan})`)
  const text = String(plan?.['explain_value'])
  expect(text).toContain('Join Type: ANTI')
  expect(text).not.toMatch(/RIGHT_ANTI|NESTED_LOOP|CROSS_PRODUCT|PIECEWISE/)
  expect(text).toMatch(/~50,0\d\d rows/)
  expect(await bench.session.rows(sql`SELECT count(*) AS n FROM (${scan})`)).toEqual([{ n: '40027' }])
})
