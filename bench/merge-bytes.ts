import { link } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cdcApply } from '#functions/cdc-apply/cdc-apply.ts'
import { duckdbEngine } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import type { Uri } from '#lake/lake.ts'
import { DATA } from './events.ts'
import { report } from './measure.ts'
import {
  accounts,
  changesPath,
  type MergeLake,
  makeChanges,
  makeTable,
  mergeLake,
  rewind,
  stageChanges,
} from './merge-lake.ts'

// Bytes of data files that a merge reads where files are far away, against the key and version columns of the files that it touches.
// `merge-bytes.ts CHANGES`.
const changes = Number(process.argv[2] ?? 100_000)
await makeTable()
const lake = mergeLake()
await rewind()
const rows = await makeChanges(lake, changes)
const batch = `bench-${lake.ids.uuid()}`
await stageChanges(lake, batch, { path: changesPath(changes), rows })

const fetched = new Map<Uri, number>()
const started = performance.now()
await cdcApply(distant(lake), accounts, { batch })
const seconds = (performance.now() - started) / 1_000
const needed = await columnBytes([...fetched.keys()], ['id', '_version'])
const bytes = [...fetched.values()].reduce((sum, each) => sum + each, 0)
report({ name: 'merge, far away', rows, seconds, share: bytes / needed })
process.exit(0)

/** The lake without folders whose files may be read in place: files are fetched in parts, as from S3. What is read of data files is counted. */
function distant({ storage, ...rest }: MergeLake) {
  const count = (uri: Uri, bytes: number): void => {
    if (uri.includes('/accounts/data/')) fetched.set(uri, (fetched.get(uri) ?? 0) + bytes)
  }
  const get: typeof storage.get = async (uri, options) => {
    const body = await storage.get(uri, options)
    count(uri, body.length)
    return body
  }
  const stage: typeof storage.stage = async (uri, folder, options) => {
    const staged = await storage.stage(uri, folder, options)
    count(uri, staged.bytes)
    const path = join(folder, `${rest.ids.uuid()}-${basename(staged.path)}`)
    await link(staged.path, path)
    return { ...staged, path }
  }
  return { ...rest, storage: { ...storage, get, stage, folders: [] } }
}

async function columnBytes(uris: readonly Uri[], names: readonly string[]): Promise<number> {
  const paths = uris.map(uri => fileURLToPath(uri))
  const session = await duckdbEngine.open({ threads: 1, memoryBytes: 1e9, folders: [DATA], scratch: DATA })
  const [row] = await session.rows(
    sql`SELECT sum(total_compressed_size)::DOUBLE AS bytes FROM parquet_metadata(${paths}) WHERE list_contains(${names}, path_in_schema)`,
  )
  await session.close()
  return Number(row?.['bytes'])
}
