import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Session } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { LakeError } from '#lake/errors.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { placeFiles } from '#lake/iceberg/place-files.ts'
import { type LocalFile, scanSql } from '#lake/iceberg/read-files.ts'
import { readSql } from '#lake/iceberg/read-sql.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { DataFile, ScanFile } from '#lake/iceberg/types.ts'
import type { WrittenFile } from '#lake/iceberg/write-files.ts'
import type { Lake } from '#lake/lake.ts'
import { bytesOf } from './candidates.ts'
import { type Checksum, checksumOf, tallied } from './checksum.ts'
import { fileMark } from './order.ts'
import type { CompactionSettings } from './settings.ts'
import { type Early, stagedUnits, stageEarly, stageInto } from './staging.ts'
import { cutRows, rowGroupRows, sampleOf, type Unit, unitsOf } from './units.ts'
import { writeUnit } from './write.ts'

export interface RewriteTask {
  readonly table: Table
  /** Named in errors. */
  readonly group: number
  readonly files: readonly ScanFile[]
  readonly kind: 'partition' | 'regroup'
  readonly settings: Pick<CompactionSettings, 'strategy' | 'targetFileBytes' | 'codec'>
  readonly onProgress?: ((done: { readonly files: number; readonly bytes: number }) => void) | undefined
}

export interface Rewritten {
  /** In their place in the table, which does not know of them yet. */
  readonly added: readonly DataFile[]
  readonly checksum: Checksum
}

/**
 * Writes the live rows of files anew under the table's current schema and spec, one result after the other, and proves each: what
 * was read is what a reader finds in it. Whatever fails leaves the table as it was, and files in it that nobody knows of: those are the sweeper's.
 */
export async function rewriteFiles(lake: Lake, task: RewriteTask): Promise<Rewritten> {
  const uuid = lake.ids.uuid()
  const folder = join(lake.limits.scratch, `compact-${uuid}`)
  await mkdir(folder, { recursive: true })
  const guess = unitsOf(task.files, { ...packing(task), ratio: 1 })
  const early = stageEarly(lake, guess[0]?.files ?? [], join(folder, 'early'))
  const rows = rowGroupRows(task.files, lake.limits)
  try {
    return await inSession(lake, folder, async session => {
      const work: Work = { ...task, session, folder, uuid, rows }
      const units = await measuredUnits(lake, work, guess)
      return rewriteUnits(lake, work, { units, early })
    })
  } finally {
    await Promise.allSettled([early])
    await rm(folder, { recursive: true, force: true })
  }
}

async function inSession<T>(lake: Lake, folder: string, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await lake.engine.open({
    threads: lake.limits.threads,
    memoryBytes: Math.floor(lake.limits.memoryBytes / 2),
    folders: [folder, ...lake.storage.folders],
    scratch: folder,
  })
  try {
    return await work(session)
  } finally {
    await session.close()
  }
}

interface Work extends RewriteTask {
  readonly session: Session
  readonly folder: string
  /** Begins the names of all results. */
  readonly uuid: string
  /** Of a row group. */
  readonly rows: number
}

/** Sorted rows, and those of any number of partitions, are written by one COPY. */
function packing({ kind, settings }: RewriteTask): Omit<Parameters<typeof unitsOf>[1], 'ratio'> {
  // Results of several partitions are as many as there are partitions.
  const targetFileBytes = kind === 'regroup' ? Number.POSITIVE_INFINITY : settings.targetFileBytes
  return { targetFileBytes, together: settings.strategy !== 'binpack' }
}

async function measuredUnits(lake: Lake, work: Work, guess: readonly Unit[]): Promise<readonly Unit[]> {
  if (guess.length === 1 && guess[0]?.cutBytes === undefined) return guess
  const outputs = guess.reduce((sum, unit) => sum + unit.outputs, 0)
  return unitsOf(work.files, { ...packing(work), ratio: await measuredRatio(lake, work, outputs) })
}

/** Enough for the ratio to be right within some per cent; a fortieth of a result of the usual size. */
const SAMPLE_ROWS = 32_768
/** A large file would be fetched twice for it, and is hardly ever of another codec than what it is written as. */
const SAMPLE_BYTES_MAX = 268_435_456

/** Bytes written for a byte read, found out by writing a row group of rows from all over the group, no longer than a result. */
async function measuredRatio(lake: Lake, work: Work, outputs: number): Promise<number> {
  const { table, session, files, settings } = work
  const rows = Math.min(work.rows, SAMPLE_ROWS, Math.max(1, Math.ceil(rowsOf(files) / outputs)))
  const sample = sampleOf(files, rows)
  if (bytesOf(sample) > SAMPLE_BYTES_MAX) return 1
  const folder = join(work.folder, 'sample')
  const schema = currentSchema(table.metadata)
  const local = await stageInto(lake, sample, folder)
  const source = sql`SELECT * FROM (${scanSql(schema, local)}) LIMIT ${rows}`
  const partition = sample[0]?.file.partition
  const written = await writeUnit(session, {
    ...{ table, schema, rows: source, source, partition, cutBytes: undefined, rowGroupRows: rows },
    settings: { ...settings, strategy: 'binpack' },
    folder: join(folder, 'out'),
  })
  await rm(folder, { recursive: true, force: true })
  const ratio = bytesOf(written) / rowsOf(written) / (bytesOf(sample) / rowsOf(sample))
  return Number.isFinite(ratio) && ratio > 0 ? ratio : 1
}

const rowsOf = (files: readonly { readonly file: DataFile }[]): number =>
  files.reduce((sum, { file }) => sum + Number(file.record_count), 0)

async function rewriteUnits(
  lake: Lake,
  work: Work,
  { units, early }: { readonly units: readonly Unit[]; readonly early: Early },
): Promise<Rewritten> {
  const added: DataFile[] = []
  let checksum: Checksum = { rows: 0n, sum: 0n }
  for await (const { unit, at, local, folder } of stagedUnits(lake, units, { folder: work.folder, early })) {
    const { written, read } = await writeTallied(work, { unit, local, folder })
    // Side by side, because one waits for the network and the other for the processor. What fails leaves no snapshot behind.
    const [proven, placed] = await both(
      prove(work, { unit, written, read }),
      placeFiles(lake, work.table, written, `${work.uuid}-${at}${fileMark(work)}`),
    )
    added.push(...placed)
    checksum = { rows: checksum.rows + proven.rows, sum: checksum.sum + proven.sum }
    await rm(folder, { recursive: true, force: true })
    work.onProgress?.({
      files: unit.files.length,
      bytes: bytesOf(unit.files),
    })
  }
  return { added, checksum }
}

/** The first failure is thrown when both have ended: nobody cleans up under work that still runs. */
async function both<A, B>(one: Promise<A>, other: Promise<B>): Promise<readonly [A, B]> {
  await Promise.allSettled([one, other])
  return [await one, await other]
}

// --- The proof -----------------------------------------------------------------------------------------------------

/** Rows are counted and summed on their way into the COPY. */
async function writeTallied(
  work: Work,
  { unit, local, folder }: { readonly unit: Unit; readonly local: readonly LocalFile[]; readonly folder: string },
): Promise<{ readonly written: readonly WrittenFile[]; readonly read: Checksum }> {
  const { table, session, settings } = work
  const schema = currentSchema(table.metadata)
  const rows = scanSql(schema, local)
  session.takeTally()
  const written = await writeUnit(session, {
    ...{ table, schema, settings, rows, cutBytes: unit.cutBytes },
    source: tallied(schema, rows),
    rowGroupRows: cutRows(unit, work.rows),
    partition: work.kind === 'partition' ? unit.files[0]?.file.partition : undefined,
    folder: join(folder, 'out'),
  })
  return { written, read: session.takeTally() }
}

/** And again as they are read back from what it wrote. */
async function prove(
  work: Work,
  { unit, written, read }: { readonly unit: Unit; readonly written: readonly WrittenFile[]; readonly read: Checksum },
): Promise<Checksum> {
  const schema = currentSchema(work.table.metadata)
  checkCount(work, unit, read)
  const paths = written.map(each => each.path)
  const found = await checksumOf(work.session, schema, readSql(schema, paths))
  if (read.rows !== found.rows || read.sum !== found.sum)
    throw mismatch(work, 'the rows that were written are not those that were read', { read, found })
  return found
}

/** What manifests say of the inputs: without deletes exactly so many rows, with them at most. */
function checkCount(work: Work, { files }: Unit, read: Checksum): void {
  const rows = files.reduce((sum, { file }) => sum + file.record_count, 0n)
  const exact = files.every(({ deletes }) => deletes.length === 0)
  if (exact ? read.rows === rows : read.rows <= rows) return
  throw mismatch(work, `files of ${rows} rows by their manifests gave ${read.rows}`, { read, found: { rows, sum: 0n } })
}

/** Terminal: the same would be found again, and the files are still there to be looked at. */
function mismatch(
  { table, group, files }: Work,
  what: string,
  { read, found }: { readonly read: Checksum; readonly found: Checksum },
): LakeError {
  return new LakeError('table-corrupt', `${table.name}: group ${group} was not compacted, ${what}`, {
    table: table.name,
    group,
    files: files.length,
    first: files[0]?.file.file_path,
    rowsRead: String(read.rows),
    rowsFound: String(found.rows),
    checksumRead: String(read.sum),
    checksumFound: String(found.sum),
  })
}
