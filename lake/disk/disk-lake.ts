import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { duckdbEngine } from '../duckdb/engine.ts'
import { LakeError } from '../errors.ts'
import type { Clock, Ids, Lake, Limits, Log } from '../lake.ts'
import { systemClock, systemIds } from '../system.ts'
import { zoneUri } from './disk-place.ts'
import { diskStorage } from './disk-storage.ts'
import { fileCatalog } from './file-catalog.ts'
import { type LocalBus, type LocalWorkflows, localBus, localWorkflows } from './local-bus.ts'
import { type LocalStream, localStream, type StreamFaults } from './local-stream.ts'
import { type CatalogFaults, memoryCatalog } from './memory-catalog.ts'
import { memoryStorage, type StorageFaults } from './memory-storage.ts'
import { type LocalDeadLetters, storedDeadLetters } from './stored-dead-letters.ts'
import { seededIds, type VirtualClock, virtualClock } from './virtual-time.ts'

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

export interface LocalOptions {
  readonly limits?: Partial<Limits>
  /** Where log lines go; nowhere by default. */
  readonly log?: (line: LogLine) => void
}

/** A Lake in this process: its bus can be listened to, and its workflows run wherever local mode attaches a runner. */
export interface LocalLake extends Lake {
  readonly bus: LocalBus
  readonly stream: LocalStream
  readonly workflows: LocalWorkflows
  readonly deadLetters: LocalDeadLetters
}

export interface MemoryLake extends LocalLake {
  readonly clock: VirtualClock
  /** Removes the scratch folder; done at the end of the process in any case. */
  dispose(): void
}

const MEMORY_BYTES = 1_000_000_000
const THREADS = 2

/** The lake in a folder. Zones, catalog and scratch are below `root`; nothing is created before it is needed. */
export function diskLake(
  root: string,
  options: LocalOptions & { readonly clock?: Clock; readonly ids?: Ids } = {},
): LocalLake {
  const folder = resolve(root)
  if (!folder.isWellFormed() || folder === '/') throw new LakeError('usage', `${root} cannot hold a lake`, { root })
  const log = logTo(options.log)
  const storage = diskStorage(folder)
  const [clock, ids] = [options.clock ?? systemClock, options.ids ?? systemIds]
  return {
    zones: {
      landing: zoneUri(folder, 'landing'),
      raw: zoneUri(folder, 'raw'),
      staging: zoneUri(folder, 'staging'),
      tables: zoneUri(folder, 'tables'),
      ops: zoneUri(folder, 'ops'),
    },
    storage,
    catalog: fileCatalog(folder),
    engine: duckdbEngine,
    bus: localBus(log),
    stream: localStream({ storage, clock, ids, base: `${zoneUri(folder, 'ops')}/stream` }),
    workflows: localWorkflows(log),
    deadLetters: storedDeadLetters({ storage, ops: zoneUri(folder, 'ops'), clock, ids }),
    clock,
    ids,
    log,
    limits: { memoryBytes: MEMORY_BYTES, threads: THREADS, scratch: join(folder, 'tmp', 'scratch'), ...options.limits },
  }
}

/** A lake for tests: objects and catalog in memory, a clock that is moved by hand, ids from a seed, faults on demand. */
export function memoryLake(
  options: LocalOptions & {
    readonly seed?: string
    readonly startMs?: number
    readonly storageFaults?: StorageFaults
    readonly catalogFaults?: CatalogFaults
    readonly streamFaults?: StreamFaults
  } = {},
): MemoryLake {
  const clock = virtualClock(options.startMs ?? Date.UTC(2026, 0, 1))
  const log = logTo(options.log)
  const scratch = options.limits?.scratch ?? scratchFolder()
  const storage = memoryStorage({ clock, ...(options.storageFaults && { faults: options.storageFaults }) })
  const ids = seededIds(options.seed ?? 'sluice')
  return {
    zones: {
      landing: 's3://memory-landing',
      raw: 's3://memory-raw',
      staging: 's3://memory-staging',
      tables: 's3://memory-tables/tables',
      ops: 's3://memory-ops',
    },
    storage,
    catalog: memoryCatalog(options.catalogFaults && { faults: options.catalogFaults }),
    engine: duckdbEngine,
    bus: localBus(log),
    // Ids of its own, so that what a lake's other ids are does not depend on it.
    stream: localStream({
      storage,
      clock,
      ids: seededIds(`${options.seed ?? 'sluice'}:stream`),
      base: 's3://memory-ops/stream',
      ...(options.streamFaults && { faults: options.streamFaults }),
    }),
    workflows: localWorkflows(log),
    deadLetters: storedDeadLetters({ storage, ops: 's3://memory-ops', clock, ids }),
    clock,
    ids,
    log,
    limits: { memoryBytes: MEMORY_BYTES, threads: THREADS, ...options.limits, scratch },
    dispose: () => rmSync(scratch, { recursive: true, force: true }),
  }
}

function logTo(write: (line: LogLine) => void = () => undefined): Log {
  const at =
    (level: LogLine['level']): Log['info'] =>
    (message, fields = {}) =>
      write({ level, message, fields })
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

const scratchFolders: string[] = []

function scratchFolder(): string {
  if (scratchFolders.length === 0)
    process.once('exit', () => {
      for (const folder of scratchFolders) rmSync(folder, { recursive: true, force: true })
    })
  const folder = mkdtempSync(join(tmpdir(), 'sluice-'))
  scratchFolders.push(folder)
  return folder
}
