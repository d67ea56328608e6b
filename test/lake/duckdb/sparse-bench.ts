import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStorage } from '#lake/disk/memory-storage.ts'
import { duckdbEngine, type Session } from '#lake/duckdb/engine.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import type { Storage, Uri } from '#lake/lake.ts'

/** An object store in memory that counts what is read, and an engine that writes and reads Parquet. */
export interface SparseBench {
  readonly folder: string
  readonly session: Session
  readonly storage: Storage
  /** Bytes that came out of the store since the last call. */
  fetched(): number
  /** Writes the rows of a SELECT to the store, in row groups of 20,480. */
  store(uri: Uri, source: Sql, options?: Sql): Promise<void>
  put(uri: Uri, bytes: Uint8Array): Promise<void>
  close(): Promise<void>
}

export async function sparseBench(): Promise<SparseBench> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-sparse-'))
  const session = await duckdbEngine.open({ threads: 2, memoryBytes: 500_000_000, folders: [folder], scratch: folder })
  const objects = memoryStorage({ clock: { nowMs: () => 0 } })
  let bytes = 0
  const storage: Storage = {
    ...objects,
    get: async (uri, options) => {
      const body = await objects.get(uri, options)
      bytes += body.length
      return body
    },
    stage: async (uri, into, options) => {
      const staged = await objects.stage(uri, into, options)
      bytes += staged.bytes
      return staged
    },
  }
  let written = 0
  return {
    folder,
    session,
    storage,
    fetched: () => {
      const count = bytes
      bytes = 0
      return count
    },
    store: async (uri, source, options = sql``) => {
      const path = join(folder, `written-${++written}.parquet`)
      await session.run(sql`COPY (${source}) TO ${path} (FORMAT parquet, ROW_GROUP_SIZE 20480${options})`)
      await objects.put(uri, readFileSync(path))
    },
    put: async (uri, body) => {
      await objects.put(uri, body)
    },
    close: async () => {
      await session.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
