import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RawObject } from '#lake/batch.ts'
import type { Column, Dataset } from '#lake/dataset.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { ordinalsOf } from '#lake/erasure.ts'
import { isLakeError } from '#lake/errors.ts'
import type { Lake } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import { releasedRecords } from '#lake/quarantine/released.ts'
import type { Ordinals } from '#lake/quarantine/selection.ts'
import { isStreamErrorUri } from '#lake/stream-error.ts'
import { grownTypes, widens, widestColumn, widestSchema } from './changes/grow.ts'
import type { Contract } from './contract.ts'
import { decode, openPlain, type PlainTask } from './decode/decode.ts'
import type { UnknownKind } from './decode/records.ts'
import type { ScannedObject } from './decode/scanned.ts'
import { decodeStreamErrors } from './decode/stream-errors.ts'
import { type DecodeTask, hasRefused } from './decode/typed-copy.ts'
import type { BatchTask } from './quality.ts'
import { decodeReleased, decodeReleasing } from './released.ts'
import { SessionPool } from './session-pool.ts'
import { addsColumns, type OpenTable, type Tables } from './tables.ts'
import { stageRaw, withoutErased } from './without-erased.ts'

export interface DecodedBatch {
  readonly session: Session
  /** The table as the rows were written for it: evolution may have added columns meanwhile. */
  readonly target: OpenTable
  readonly objects: readonly DecodedRaw[]
}

export interface DecodedRaw {
  readonly object: RawObject
  readonly decoded?: ScannedObject
  /** Why nothing of the file could be read. */
  readonly failure?: { readonly reason: string; readonly message: string }
  /** Records that were dropped from quarantine: they are not among those that were decoded. */
  readonly suppressed?: Ordinals
}

/** Half of the memory is DuckDB's; the rest holds Node, DuckDB's buffers outside its limit and the files in flight. */
const ENGINE_SHARE = 0.5

/** Decodes every object of the batch, a few at a time: one DuckDB thread each, which costs less than threads that share a file. */
export async function decodeBatch(lake: Lake, task: BatchTask, tables: Tables): Promise<DecodedBatch> {
  const session = await lake.engine.open({
    threads: 1,
    memoryBytes: Math.floor(lake.limits.memoryBytes * ENGINE_SHARE),
    folders: [task.folder, ...lake.storage.folders],
    scratch: task.folder,
  })
  try {
    const first = await decodeAll(lake, task, { session, table: tables.target })
    const columns = addsColumns(task.dataset) ? learned(first) : []
    const target = columns.length === 0 ? tables.target : await tables.widen(columns)
    if (target.schema['schema-id'] === tables.target.schema['schema-id'])
      return await grown(session, task, { tables, target, objects: first })
    const again = new Set(first.filter(each => (each.decoded?.unknown?.size ?? 0) > 0).map(each => each.object.id))
    const second = await decodeAll(
      lake,
      {
        ...task,
        manifest: { ...task.manifest, objects: task.manifest.objects.filter(object => again.has(object.id)) },
      },
      { session, table: target },
    )
    const objects = first.map(each => second.find(other => other.object.id === each.object.id) ?? each)
    return await grown(session, task, { tables, target, objects })
  } catch (error) {
    await session.close()
    throw error
  }
}

interface Decoded extends Omit<DecodedBatch, 'session'> {
  readonly tables: Tables
}

/** The table holds every value of the rows before they are written for it. */
async function grown(
  session: Session,
  { dataset }: BatchTask,
  { tables, target, objects }: Decoded,
): Promise<DecodedBatch> {
  if (!widens(dataset)) return { session, target, objects }
  const paths = objects.flatMap(({ decoded }) => (decoded?.rows === undefined ? [] : [decoded.rows.path]))
  const key = 'key' in dataset.publish ? dataset.publish.key : []
  const types = await grownTypes(session, target.schema, { paths, key })
  return { session, target: types.size === 0 ? target : await tables.grow(types), objects }
}

interface Bench {
  readonly session: Session
  readonly table: OpenTable
}

/** One object more than there are sessions is under way, so that the next one is decompressed while these are decoded. */
async function decodeAll(lake: Lake, task: BatchTask, bench: Bench): Promise<readonly DecodedRaw[]> {
  const { objects } = task.manifest
  const contract = contractOf(task.dataset, bench.table)
  const table = widens(task.dataset) ? { ...bench.table, schema: widestSchema(bench.table.schema) } : bench.table
  const sessions = [bench.session]
  while (sessions.length < Math.min(lake.limits.threads, objects.length)) sessions.push(await bench.session.connect())
  const pool = new SessionPool(sessions)
  try {
    return await mapParallel(objects, sessions.length + 1, object =>
      decodeOne(lake, pool, { task, object, contract, table }),
    )
  } finally {
    await Promise.all(sessions.slice(1).map(session => session.close()))
  }
}

interface ObjectTask {
  readonly task: BatchTask
  readonly object: RawObject
  readonly contract: Contract
  readonly table: OpenTable
}

async function decodeOne(
  lake: Lake,
  pool: SessionPool,
  { task, object, contract, table }: ObjectTask,
): Promise<DecodedRaw> {
  const refusal = contractRefusal(task.dataset, object)
  if (refusal) return { object, failure: refusal }
  try {
    const erased = task.erased.get(object.id)
    if (erased !== undefined && ordinalsOf(erased).has(0)) return { object }
    const path = await stageRaw(lake, task.folder, { object, erased })
    const base = join(task.folder, `${object.id}-${lake.ids.uuid().slice(0, 8)}`)
    const records: DecodeTask = { object, contract, schema: table.schema, path, base }
    const plain = await openPlain(records)
    const whole = isStreamErrorUri(lake.zones.landing, object.sourceUri)
      ? await decodeRefused(lake, pool, { task, plain })
      : await pool.use(session => decode(session, plain))
    const decoded = erased
      ? await pool.use(session => withoutErased(session, whole, { erased, schema: table.schema }))
      : whole
    // On disk it may be the stored object itself.
    if (path.startsWith(`${task.folder}/`) && (decoded.plain !== path || !hasRefused(decoded)))
      await rm(path, { force: true })
    return { object, decoded }
  } catch (error) {
    if (isLakeError(error, 'file-unreadable'))
      return { object, failure: { reason: String(error.context['reason']), message: error.message } }
    if (isLakeError(error, 'checksum'))
      return { object, failure: { reason: 'checksum', message: 'the raw object no longer has the bytes that landed' } }
    throw error
  }
}

/** Only somebody who releases them makes rows of what a stream could not process, or has done so before. */
async function decodeRefused(
  lake: Lake,
  pool: SessionPool,
  { task, plain }: { readonly task: BatchTask; readonly plain: PlainTask },
): Promise<ScannedObject> {
  if (task.manifest.selection !== undefined) return pool.use(session => decodeReleasing(session, plain))
  const released = await releasedRecords(lake, task.dataset.name, plain.object.id)
  return released === undefined
    ? decodeStreamErrors(plain)
    : pool.use(session => decodeReleased(session, plain, released))
}

function contractRefusal(dataset: Dataset, object: RawObject): DecodedRaw['failure'] {
  const { min, max } = dataset.contract.accepts
  if (object.contractVersion >= min && object.contractVersion <= max) return undefined
  return {
    reason: 'contract_version',
    message: `the object is of contract version ${object.contractVersion}; ${dataset.name} accepts ${min} to ${max}`,
  }
}

/** The declared columns, and those that evolution has added to the table. */
export function contractOf(dataset: Dataset, table: OpenTable): Contract {
  return {
    dataset,
    columns: [
      ...dataset.columns.map(column => ({ ...(widens(dataset) ? widestColumn(column) : column), soft: false })),
      ...table.added.map(column => ({ ...column, soft: true })),
    ],
  }
}

/** Columns for the unknown fields of a batch, by what their values were; fields that held only null teach nothing. */
function learned(objects: readonly DecodedRaw[]): readonly Column[] {
  const kinds = new Map<string, UnknownKind>()
  for (const each of objects)
    for (const [name, kind] of each.decoded?.unknown ?? [])
      if (kind !== undefined) kinds.set(name, mixed(kinds.get(name), kind))
  return [...kinds]
    .filter(([name]) => isColumnName(name))
    .map(([name, type]) => ({
      name,
      type,
      required: false,
      from: [],
      default: undefined,
      format: undefined,
      doc: 'added by evolution',
    }))
}

function mixed(known: UnknownKind | undefined, kind: UnknownKind): UnknownKind {
  if (known === undefined || known === kind) return kind
  return known !== 'string' && kind !== 'string' && known !== 'boolean' && kind !== 'boolean' ? 'double' : 'string'
}

/** What cannot be a column stays in `_rescued`. */
function isColumnName(name: string): boolean {
  return name.trim() !== '' && Buffer.byteLength(name) <= 255 && !name.startsWith('_') && !/\p{Cc}/u.test(name)
}
