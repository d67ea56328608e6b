// A compaction whose process dies by SIGKILL at any call of a port leaves a table with the same rows, and the next run ends with
// the files that a run without a death ends with. Every call is tried, before and after its effect.
import { spawn } from 'node:child_process'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compact } from '#functions/compact/compact.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import type { Row } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { currentSnapshot } from '#lake/iceberg/metadata.ts'
import { stageRowDelta } from '#lake/iceberg/operations/row-delta.ts'
import { placeFiles } from '#lake/iceberg/place-files.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { createTable } from '#lake/iceberg/table-definition.ts'
import { writePositionDeletes } from '#lake/iceberg/write-deletes.ts'
import { appendRows, column, definition, openSession, type Workbench } from '../lake/iceberg/fixture.ts'
import type { Death } from './dying-lake.ts'
import { inFolder, query } from './lake-state.ts'

const FILES = 6
const DELETED = 3

test('killed at every call of a port and started again', { timeout: 900_000 }, async () => {
  await inFolder(async folder => {
    const template = join(folder, 'template')
    const rows = await smallFilesAndDeletes(template)
    const whole = join(folder, 'whole')
    await cp(template, whole, { recursive: true })
    const { output } = await run(whole)
    expect(await rowsOf(whole)).toEqual(rows)
    const files = await filesOf(whole)
    expect(files).toEqual({ data: 2, deletes: 0 })
    const calls = Number(output)
    expect(calls).toBeGreaterThan(2 * FILES)

    const deaths = Array.from({ length: calls }, (_, at) => at + 1).flatMap(at => [
      { at, when: 'before' },
      { at, when: 'after' },
    ])
    let died = 0
    await inLanes(deaths, async death => {
      const root = join(folder, `${death.at}-${death.when}`)
      await cp(template, root, { recursive: true })
      const killed = await run(root, death)
      expect(killed, JSON.stringify(death)).toMatchObject({ signal: 'SIGKILL' })
      died++
      expect(await rowsOf(root), `after ${JSON.stringify(death)}`).toEqual(rows)
      await compact(diskLake(root), { table: 'events' })
      expect(await rowsOf(root), `recovered from ${JSON.stringify(death)}`).toEqual(rows)
      expect(await filesOf(root), `recovered from ${JSON.stringify(death)}`).toEqual(files)
      await rm(root, { recursive: true })
    })
    expect(died).toBe(2 * calls)
  })
})

/** A table of two partitions, each with enough small files for a group of its own, and with rows that are deleted by position. */
async function smallFilesAndDeletes(root: string): Promise<Row> {
  const session = await openSession(root)
  const bench: Workbench = { root, lake: diskLake(root), session, close: () => session.close() }
  await createTable(
    bench.lake,
    definition('events', [column('id', 'long'), column('day', 'date'), column('note', 'string')], {
      partitionBy: [{ column: 'day', transform: { name: 'month' } }],
    }),
  )
  for (let file = 0; file < FILES; file++)
    await appendRows(
      bench,
      'events',
      sql`SELECT ${file}::BIGINT * 100 + i AS id, DATE '2026-01-15' + INTERVAL (i % 2) MONTH AS day, 'n' || i AS note FROM range(20) r(i)`,
    )
  await deleteFirstRows(bench)
  await bench.close()
  return rowsOf(root)
}

/** The first row of some files, so that deletes are folded in on the way. */
async function deleteFirstRows(bench: Workbench): Promise<void> {
  const table = await openTable(bench.lake, 'events')
  const { files } = await planScan(bench.lake, table)
  const chosen = files.slice(0, DELETED)
  const paths = sql`unnest(${chosen.map(each => each.file.file_path)}::VARCHAR[])`
  const written = await writePositionDeletes(bench.session, {
    source: sql`SELECT ${paths} AS file_path, 0::BIGINT AS pos`,
    files: chosen.map(each => each.file),
    folder: join(bench.root, 'work', 'deletes'),
  })
  const addedDeletes = await placeFiles(bench.lake, table, written, 'deletes')
  const since = currentSnapshot(table.metadata)?.['snapshot-id'] ?? null
  await commit(bench.lake, 'events', { commitId: 'deletes' }, () =>
    stageRowDelta({ addedDeletes }, { since, referenced: chosen }),
  )
}

/** Number of rows and an order-independent sum over all their values. */
async function rowsOf(root: string): Promise<Row> {
  const [row] = await query(
    diskLake(root),
    'events',
    table => sql`SELECT count(*) AS rows, sum(hash(id, day, note))::VARCHAR AS checksum FROM ${table}`,
  )
  return row as Row
}

async function filesOf(root: string): Promise<{ readonly data: number; readonly deletes: number }> {
  const lake = diskLake(root)
  const { files } = await planScan(lake, await openTable(lake, 'events'))
  return { data: files.length, deletes: files.reduce((sum, each) => sum + each.deletes.length, 0) }
}

interface Ending {
  readonly signal: string | null
  readonly code: number | null
  readonly output: string
}

function run(root: string, { at, when }: Death = { at: 0, when: 'before' }): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const script = join(import.meta.dirname, 'dying-compaction.ts')
    const child = spawn(process.execPath, [script, root, String(at), when], { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.on('data', chunk => {
      output += chunk
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, output }))
  })
}

/** Two at a time: most of a run is the start of a process. */
async function inLanes<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const lane = async (): Promise<void> => {
    for (const item of queue) await work(item)
  }
  await Promise.all([lane(), lane()])
}
