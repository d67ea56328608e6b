// Contract: in the Glue Data Catalog, ours and PyIceberg's processes work on one table as on a local one: each reads, appends and
// deletes what the other wrote, and when both commit at once, no row of either is lost and history stays a line.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { GlueClient } from '@aws-sdk/client-glue'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compact } from '#functions/compact/compact.ts'
import { glueCatalog } from '#lake/aws/glue-catalog.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { COMMIT_ID } from '#lake/iceberg/commit.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import type { Lake } from '#lake/lake.ts'
import { appendRows, column, definition, openSession, readRows, type Workbench } from '../lake/iceberg/fixture.ts'
import { glueLake, glueProperties } from './glue-lake.ts'
import { bucket, database, endpoint, glue } from './moto.ts'
import { type PyIcebergStep, workWithPyIceberg } from './pyiceberg.ts'

const COLUMNS = [column('id', 'long'), column('writer', 'string')]
const COMMITS = 25

let root: string
let lake: Lake
let bench: Workbench

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'sluice-glue-'))
  const where = { bucket: await bucket('shared-tables', { versioned: true }), database: await database('shared') }
  lake = glueLake({ ...where, scratch: root })
  bench = { root, lake, session: await openSession(root), close: async () => undefined }
})
afterAll(async () => {
  await bench.session.close()
  rmSync(root, { recursive: true, force: true })
})

const theirs = (...steps: readonly PyIcebergStep[]): Promise<readonly unknown[]> =>
  workWithPyIceberg({ glue: glueProperties() }, steps, 'shared')

test('a table that we created', async () => {
  await ensureTable(lake, definition('ours', COLUMNS, { description: 'Rows of two writers' }))
  await appendRows(bench, 'ours', sql`SELECT * FROM (VALUES (1, 'ours'), (2, 'ours')) t(id, writer)`)
  const [, , found] = await theirs(
    { do: 'append', table: 'ours', rows: [{ id: '3', writer: 'theirs' }] },
    { do: 'delete', table: 'ours', filter: 'id = 1' },
    { do: 'rows', table: 'ours', order: 'id' },
  )
  const rows = [
    { id: '2', writer: 'ours' },
    { id: '3', writer: 'theirs' },
  ]
  expect(found).toEqual(rows)
  expect(await readRows(bench, 'ours', sql`id`)).toEqual(rows)
  await appendRows(bench, 'ours', sql`SELECT 4 AS id, NULL AS writer`)
  expect(await theirs({ do: 'rows', table: 'ours', order: 'id' })).toEqual([[...rows, { id: '4', writer: null }]])
  expect((await openTable(lake, 'ours')).metadata.properties['comment']).toBe('Rows of two writers')
})

test('a table that PyIceberg created', async () => {
  const fields = COLUMNS.map(({ name, type }, index) => ({ id: index + 1, name, type, required: index === 0 }))
  const location = `${lake.zones.tables}/theirs`
  await theirs(
    { do: 'create', table: 'theirs', schema: { type: 'struct', 'schema-id': 0, fields }, location },
    { do: 'append', table: 'theirs', rows: [{ id: '1', writer: 'theirs' }] },
  )
  await appendRows(bench, 'theirs', sql`SELECT 2 AS id, 'ours' AS writer`)
  const rows = [
    { id: '1', writer: 'theirs' },
    { id: '2', writer: 'ours' },
  ]
  expect(await readRows(bench, 'theirs', sql`id`)).toEqual(rows)
  expect(await theirs({ do: 'rows', table: 'theirs', order: 'id' })).toEqual([rows])
})

test.for([
  { what: 'is lost', attemptsOfSdk: 1 },
  { what: 'is lost and sent again by the SDK, which the catalog answers with a conflict', attemptsOfSdk: 3 },
])('an UpdateTable whose answer $what was a success all the same', async ({ attemptsOfSdk }) => {
  const table = `unknown_${attemptsOfSdk}`
  await ensureTable(lake, definition(table, COLUMNS))
  const { swapClient, wasLost } = losingClient(attemptsOfSdk)
  const catalog = glueCatalog({ client: glue, swapClient, database: 'shared', clock: lake.clock, ids: lake.ids })
  await appendRows({ ...bench, lake: { ...lake, catalog } }, table, sql`SELECT 1 AS id, 'ours' AS writer`)
  expect(wasLost()).toBe(true)
  expect(await theirs({ do: 'rows', table, order: 'id' })).toEqual([[{ id: '1', writer: 'ours' }]])
  expect((await openTable(lake, table)).metadata.snapshots).toHaveLength(1)
})

test(`two processes, theirs and ours, each make ${COMMITS} commits at once while a third compacts: no row is lost`, async () => {
  // PyIceberg's own retries would hide how often it was refused.
  await ensureTable(lake, definition('raced', COLUMNS, { properties: { 'commit.retry.num-retries': '0' } }))
  const theirCommits = theirs({ do: 'append_often', table: 'raced', first: COMMITS, count: COMMITS })
  // Python takes longer to start than a few of our commits.
  const snapshots = async (): Promise<number> => (await openTable(lake, 'raced')).metadata.snapshots.length
  await expect.poll(snapshots, { interval: 10, timeout: 60_000 }).toBeGreaterThan(0)
  const racing = Promise.all([ourWriter(['raced', '0', String(COMMITS)]), theirCommits])
  const compactions = await compactUntil('raced', racing)
  const [attempts, [refused]] = await racing
  const ids = (rows: unknown) => (rows as readonly { readonly id: string }[]).map(row => row.id)
  const wanted = [...Array(2 * COMMITS).keys()].map(String)
  expect(ids(await readRows(bench, 'raced', sql`id`))).toEqual(wanted)
  expect(ids((await theirs({ do: 'rows', table: 'raced', order: 'id' }))[0])).toEqual(wanted)
  const { metadata } = await openTable(lake, 'raced')
  const operations = metadata.snapshots.map(snapshot => snapshot.summary['operation'])
  expect(operations.filter(each => each === 'append')).toHaveLength(2 * COMMITS)
  expect(operations.filter(each => each === 'replace')).toHaveLength(compactions)
  expect(compactions).toBeGreaterThan(0)
  const line = metadata.snapshots.map(snapshot => snapshot['parent-snapshot-id'])
  expect(line).toEqual([undefined, ...metadata.snapshots.slice(0, -1).map(snapshot => snapshot['snapshot-id'])])
  const writers = metadata.snapshots.map(snapshot => (COMMIT_ID in snapshot.summary ? 'ours' : 'theirs'))
  const turns = writers.filter((writer, index) => writer !== writers[index - 1]).length
  // Otherwise they did not meet, and nothing was shown.
  expect(turns, `${attempts} attempts of ours, ${refused} of theirs refused`).toBeGreaterThan(4)
  expect(attempts - COMMITS + Number(refused)).toBeGreaterThan(0)
  expect(metadata.snapshots.map(snapshot => Number(snapshot['sequence-number']))).toEqual(
    [...metadata.snapshots.keys()].map(index => index + 1),
  )
})

/** Compacts the table over and over while others write to it; gives how many times there was something to do. */
async function compactUntil(table: string, done: Promise<unknown>): Promise<number> {
  let [going, compactions] = [true, 0]
  const stop = (): void => {
    going = false
  }
  done.then(stop, stop)
  while (going) {
    const report = await compact(lake, { table })
    compactions += report.snapshotIds.length
    await lake.clock.sleep(300)
  }
  return compactions
}

/** A client that does not hear the answer to its first UpdateTable, after AWS has done what it asked. */
function losingClient(maxAttempts: number): { readonly swapClient: GlueClient; readonly wasLost: () => boolean } {
  const swapClient = new GlueClient({ endpoint: endpoint(), maxAttempts })
  let lost = false
  swapClient.middlewareStack.add(
    (next, context) => async args => {
      const answer = await next(args)
      if (lost || context['commandName'] !== 'UpdateTableCommand') return answer
      lost = true
      throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError', code: 'ECONNRESET' })
    },
    { step: 'deserialize', priority: 'low' },
  )
  return { swapClient, wasLost: () => lost }
}

/** Runs our-writer.ts in a process of its own; gives the attempts that its commits took. */
async function ourWriter(args: readonly string[]): Promise<number> {
  const script = new URL('./our-writer.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, 's3://shared-tables', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [output, errors, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>(resolve => child.on('close', resolve)),
  ])
  if (code !== 0) throw new Error(`our-writer.ts ended with ${code}:\n${errors}`)
  return Number(output)
}
