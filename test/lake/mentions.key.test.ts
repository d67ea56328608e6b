// A value stands in a key as a word of its own, each of its characters as it is or percent-encoded, or as the folder that a stream has made of it. What
// is part of a longer word is somebody else. JavaScript and the engine say the same.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { sql } from '#lake/duckdb/sql.ts'
import { asKeyWord, keyMentions } from '#lake/mentions.ts'
import { openSession } from './iceberg/fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-mentions-'))
const session = await openSession(folder)
afterAll(async () => {
  await session.close()
  rmSync(folder, { recursive: true, force: true })
})

test.each([
  ['people/of-ada@example.org.ndjson', 'ada@example.org', true],
  ['key=ada%40example.org/a', 'ada@example.org', true],
  ['key=ada%40example%2eorg/a', 'ada@example.org', true],
  ['key=%61da%40example.org/a', 'ada@example.org', true],
  ['key=%20ada%40example.org%20/a', 'ada@example.org', true],
  ['key=a%2F..%2Fb%20%3D%C3%A9/a', 'a/../b =é', true],
  ['key=a%2f..%2Fb%20%3d%c3%A9/a', 'a/../b =é', true],
  ['key=sha256-0b6d0c6a6e4e4ee9f4e6d0a6b3ac6ed8/a', 'ada@example.org', false],
  ['key=nada%40example.org/a', 'ada@example.org', false],
  ['key=ada%40example.organ/a', 'ada@example.org', false],
  ['key=adaX40example.org/a', 'ada@example.org', false],
  ['key=ada%40exampleXorg/a', 'ada@example.org', false],
  ['key=Ada%40example.org/a', 'ada@example.org', false],
])('%s has %s: %s', async (key, value, expected) => {
  expect(keyMentions(key, value)).toBe(expected)
  const [row] = await session.rows(sql`SELECT regexp_matches(${key}, ${asKeyWord(value)}) AS found`)
  expect(row?.['found']).toBe(expected)
})
