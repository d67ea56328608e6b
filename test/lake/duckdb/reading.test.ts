// A result that is read chunk by chunk holds every digit, names and types of its columns in order, and ends early or with an
// error without harm to the session.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { duckdbEngine, type Session } from '#lake/duckdb/engine.ts'
import { Digits, type Exact } from '#lake/duckdb/reading.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'

let folder: string
let session: Session
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-reading-'))
  session = await duckdbEngine.open({ threads: 2, memoryBytes: 200_000_000, folders: [], scratch: folder })
})
afterAll(async () => {
  await session.close()
  rmSync(folder, { recursive: true, force: true })
})

async function all(statement: Sql): Promise<readonly (readonly Exact[])[]> {
  const rows: (readonly Exact[])[] = []
  for await (const chunk of (await session.read(statement)).chunks) rows.push(...chunk)
  return rows
}

test('numbers that JavaScript would round are digits, at every depth', async () => {
  const [row] = await all(
    sql`SELECT 9223372036854775807::BIGINT, 1::BIGINT, 18446744073709551615::UBIGINT, 170141183460469231731687303715884105727::HUGEINT,
      123456789012345678.90::DECIMAL(20, 2), {a: [9007199254740993::BIGINT]}, MAP {'k': 0.10::DECIMAL(3, 2)}, 7::INTEGER`,
  )
  expect(row).toEqual([
    new Digits('9223372036854775807'),
    new Digits('1'),
    new Digits('18446744073709551615'),
    new Digits('170141183460469231731687303715884105727'),
    new Digits('123456789012345678.90'),
    { a: [new Digits('9007199254740993')] },
    [{ key: 'k', value: new Digits('0.10') }],
    7,
  ])
})

test('32-bit floats read as they were written', async () => {
  const [row] = await all(
    sql`SELECT 1.1::FLOAT, 0.1::FLOAT, 16777217::FLOAT, 3.4028235e38::FLOAT, 1e-45::FLOAT, 'nan'::FLOAT, '-inf'::DOUBLE, 1.1::DOUBLE`,
  )
  expect(row).toEqual([1.1, 0.1, 16777216, 3.4028235e38, 1e-45, 'NaN', '-Infinity', 1.1])
})

test('times are in UTC whatever the time zone of the machine', async () => {
  const [row] = await all(
    sql`SELECT TIMESTAMPTZ '2024-07-01 02:00:00.5+02', TIMESTAMP '2024-07-01 00:00:00', DATE '2024-02-29', TIME '10:00:01', INTERVAL 1 DAY`,
  )
  expect(row).toEqual(['2024-07-01 00:00:00.5+00', '2024-07-01 00:00:00', '2024-02-29', '10:00:01', '1 day'])
})

test('names and types of columns, repeated names included', async () => {
  const { columns } = await session.read(
    sql`SELECT 1 AS a, 2::BIGINT AS a, 1.5::DECIMAL(4, 1) AS b, {x: 1} AS c LIMIT 0`,
  )
  expect(columns).toEqual([
    { name: 'a', type: 'INTEGER' },
    { name: 'a', type: 'BIGINT' },
    { name: 'b', type: 'DECIMAL(4,1)' },
    { name: 'c', type: 'STRUCT("x" INTEGER)' },
  ])
})

test('many chunks give every row once', async () => {
  const rows = await all(sql`SELECT i::INTEGER FROM range(100000) t(i) ORDER BY i`)
  expect(rows).toHaveLength(100_000)
  expect(rows[99_999]).toEqual([99_999])
})

test('a reading may be left early, and the session goes on', async () => {
  const reading = await session.read(sql`SELECT i FROM range(10000000000) t(i)`)
  for await (const chunk of reading.chunks) {
    expect(chunk.length).toBeGreaterThan(0)
    break
  }
  expect(await all(sql`SELECT 1`)).toEqual([[1]])
})

test('errors of the start and of the middle are of the engine, and the session goes on', async () => {
  await expect(session.read(sql`SELECT nope`)).rejects.toMatchObject({ kind: 'engine-failed' })
  const half = all(sql`SELECT CASE WHEN i < 50000 THEN i ELSE error('stop') END FROM range(100000) t(i)`)
  await expect(half).rejects.toMatchObject({ kind: 'engine-failed', message: expect.stringContaining('stop') })
  expect(await all(sql`SELECT 1`)).toEqual([[1]])
})
