// Rows come back as JSON values without loss: 64-bit integers, decimals and times as text. What fails carries its statement, cut short.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { duckdbEngine, type Session } from '../../../lake/duckdb/engine.ts'
import { Sql, sql } from '../../../lake/duckdb/sql.ts'
import { isLakeError } from '../../../lake/errors.ts'

const scratch = mkdtempSync(join(tmpdir(), 'sluice-rows-'))
let session: Session
beforeAll(async () => {
  session = await duckdbEngine.open({ threads: 1, memoryBytes: 200_000_000, folders: [], scratch })
})
afterAll(async () => {
  await session.close()
  rmSync(scratch, { recursive: true, force: true })
})

test('nothing is rounded', async () => {
  const [row] = await session.rows(sql`SELECT
    9007199254740993::BIGINT AS id, 12345678901234567890.123456789::DECIMAL(38,9) AS amount, 7::INTEGER AS small,
    DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 12:34:56.123456' AS at, 0.1::DOUBLE AS ratio,
    {'a': 1::BIGINT, 'b': [TRUE, NULL]} AS nested, NULL AS nothing`)
  expect(row).toEqual({
    id: '9007199254740993',
    amount: '12345678901234567890.123456789',
    small: 7,
    day: '2024-02-29',
    at: '2024-02-29 12:34:56.123456',
    ratio: 0.1,
    nested: { a: '1', b: [true, null] },
    nothing: null,
  })
})

test('a statement that fails is an error of the engine, with its statement and cause', async () => {
  const error = await session.run(sql`SELECT * FROM nowhere`).catch((thrown: unknown) => thrown)
  expect(isLakeError(error, 'engine-failed') && error.retryable).toBe(false)
  expect(isLakeError(error) && error.context).toEqual({ statement: 'SELECT * FROM nowhere' })
  expect(isLakeError(error) && error.cause).toBeInstanceOf(Error)
})

test('of a long statement the first 2,000 characters are kept', async () => {
  const long = Sql.trusted(`SELECT ${'x'.repeat(5_000)}`)
  const error = await session.rows(long).catch((thrown: unknown) => thrown)
  expect(isLakeError(error) && String(error.context['statement']).length).toBe(2_000)
})
