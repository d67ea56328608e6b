// A compaction whose process dies by SIGKILL at any call of a port leaves a table with the same rows, and the next run ends with
// the files that a run without a death ends with. Every call is tried, right after its effect, which is also right before the
// next one wherever calls follow each other; SLUICE_KILLS=all tries both moments of each.
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
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { stageRowDelta } from '#lake/iceberg/operations/row-delta.ts'
import { placeFiles } from '#lake/iceberg/place-files.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { createTable } from '#lake/iceberg/table-definition.ts'
import type { DataFile } from '#lake/iceberg/types.ts'
import { writePositionDeletes } from '#lake/iceberg/write-deletes.ts'
import { ALL_KILLS, KILLS_TIMEOUT } from '../functions/kills.ts'
import { column, definition, openSession, type Workbench, writeRows } from '../lake/iceberg/fixture.ts'
import type { Death } from './dying-lake.ts'
import { inFolder, query } from './lake-state.ts'

/** Of each partition: as many as make a compaction worth its while. */
const FILES = 5
const DELETED = 3

test('killed at every call of a port and started again', { timeout: KILLS_TIMEOUT }, async () => {
  await inFolder(async folder => {
    const lanes = [await laneIn(folder, 'one'), await laneIn(folder, 'two')]
    const { root, rows } = lanes[0] as Lane
    const calls = Number((await run(root)).output)
    expect(calls).toBeGreaterThan(2 * FILES)
    expect(await rowsOf(root)).toEqual(rows)
    const files = await filesOf(root)
    expect(files).toEqual({ data: 2, deletes: 0 })

    const moments = ALL_KILLS ? ['before', 'after'] : ['after']
    const deaths = Array.from({ length: calls }, (_, at) => at + 1).flatMap(at => moments.map(when => ({ at, when })))
    let died = 0
    await inLanes(lanes, deaths, async (lane, death) => {
      const what = JSON.stringify(death)
      await reset(lane)
      expect(await run(lane.root, death), what).toMatchObject({ signal: 'SIGKILL' })
      died++
      expect(await rowsOf(lane.root), `dead: ${what}`).toEqual(rows)
      await compact(diskLake(lane.root), { table: 'events' })
      expect(await rowsOf(lane.root), `recovered: ${what}`).toEqual(rows)
      expect(await filesOf(lane.root), `recovered: ${what}`).toEqual(files)
    })
    expect(died).toBe(moments.length * calls)
  })
})

// --- Lakes that are made once and put back as they were ------------------------------------------------------------

/** Metadata names files by their whole URI, so a lake can only be put back where it was. */
interface Lane {
  readonly root: string
  readonly saved: string
  readonly rows: Row
}

async function laneIn(folder: string, name: string): Promise<Lane> {
  const root = join(folder, name)
  const saved = join(folder, `${name}-saved`)
  const rows = await smallFilesAndDeletes(root)
  await cp(root, saved, { recursive: true, preserveTimestamps: true })
  return { root, saved, rows }
}

async function reset({ root, saved }: Lane): Promise<void> {
  await rm(root, { recursive: true })
  await cp(saved, root, { recursive: true, preserveTimestamps: true })
}

/** Side by side, because most of a run is the start of a process. */
async function inLanes<T>(
  lanes: readonly Lane[],
  items: readonly T[],
  work: (lane: Lane, item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values()
  await Promise.all(
    lanes.map(async lane => {
      for (const item of queue) await work(lane, item)
    }),
  )
}

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
  const table = await openTable(bench.lake, 'events')
  const added: DataFile[] = []
  for (let file = 0; file < FILES; file++)
    added.push(
      ...(await writeRows(
        bench,
        table,
        sql`SELECT ${file}::BIGINT * 100 + i AS id, DATE '2026-01-15' + INTERVAL (i % 2) MONTH AS day, 'n' || i AS note FROM range(20) r(i)`,
      )),
    )
  await commit(bench.lake, 'events', { commitId: 'files' }, () => stageAppend(added))
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
