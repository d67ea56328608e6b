import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { quality } from '#functions/quality/quality.ts'
import { manifestUri, type RawObject, writeDocumentOnce } from '#lake/batch.ts'
import { defineDataset } from '#lake/dataset.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { ulid } from '#lake/ulid.ts'
import { DATA } from './events.ts'
import { report } from './measure.ts'

// A batch of Debezium events of PostgreSQL, from raw objects to staged change rows and a verdict. `decode.ts none|kafka`: without a wrapper, or as
// records of a topic.
const wrapper = process.argv[2] === 'kafka' ? 'kafka' : 'none'
const [OBJECTS, EVENTS] = [4, 75_000]

const customers = defineDataset({
  name: 'customers',
  source: { system: 'bench', format: 'ndjson', match: '*', changes: { shape: 'debezium', wrapper } },
  columns: {
    id: 'long',
    name: 'string',
    email: 'string',
    city: 'string',
    balance: 'double',
    active: 'boolean',
    updated_at: 'timestamp',
  },
  publish: { mode: 'merge', key: 'id' },
})

function event(at: number): string {
  const id = (at * 7_919) % 100_000
  const row = {
    id,
    name: `Customer ${id}`,
    email: `c${id}@example.com`,
    city: 'Oslo',
    balance: at / 8,
    active: at % 2 === 0,
    updated_at: 1_700_000_000_000_000 + at,
  }
  const op = at % 5 === 0 ? 'd' : at % 3 === 0 ? 'c' : 'u'
  const lsn = 24_000_000 + at * 8
  const source = {
    version: '3.2.0.Final',
    connector: 'postgresql',
    name: 'pg',
    ts_ms: 1_700_000_000_000 + at,
    snapshot: 'false',
    db: 'shop',
    sequence: `["${lsn - 8}","${lsn}"]`,
    ts_us: 1_700_000_000_000_000 + at,
    ts_ns: 0,
    schema: 'public',
    table: 'customers',
    txId: 700,
    lsn,
    xmin: null,
  }
  const before =
    op === 'c' ? null : { id, name: null, email: null, city: null, balance: null, active: null, updated_at: null }
  const value = JSON.stringify({
    before,
    after: op === 'd' ? null : row,
    source,
    transaction: null,
    op,
    ts_ms: 1_700_000_000_250,
    ts_us: 1_700_000_000_250_017,
    ts_ns: 0,
  })
  if (wrapper === 'none') return value
  return JSON.stringify({
    topic: 'pg.public.customers',
    partition: 0,
    offset: at,
    timestamp: 1_700_000_000_000,
    key: JSON.stringify({ id }),
    value,
  })
}

const folder = join(DATA, `decode-${wrapper}`)
rmSync(folder, { recursive: true, force: true })
const lake = diskLake(folder)
const objects: RawObject[] = []
for (let part = 0; part < OBJECTS; part++) {
  const bytes = Buffer.from(Array.from({ length: EVENTS }, (_none, at) => `${event(part * EVENTS + at)}\n`).join(''))
  const id = ulid(1_700_000_000_000 + part, Buffer.alloc(10, part))
  const uri = `${lake.zones.raw}/customers/${id}.ndjson`
  const { version } = await lake.storage.put(uri, bytes)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const source = { sourceUri: `${lake.zones.landing}/${part}`, sourceVersion: '1', landedMs: 1_700_000_000_000 }
  objects.push({ id, uri, version, bytes: bytes.length, sha256, ...source, contractVersion: 1 })
}
const batch = ulid(1_700_000_000_000, Buffer.alloc(10, 9))
await writeDocumentOnce(lake, manifestUri(lake, customers.name, batch), { id: batch, dataset: customers.name, objects })
const before = process.cpuUsage()
const started = performance.now()
const { read, quarantined } = await quality(lake, customers, { batch })
const seconds = (performance.now() - started) / 1_000
const { user, system } = process.cpuUsage(before)
if (read !== OBJECTS * EVENTS || quarantined > 0) throw new Error(JSON.stringify({ read, quarantined }))
// Megabytes in place of rows: what the number wanted is about.
const megabytes = objects.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6
report({ name: `decode ${wrapper}`, seconds, rows: megabytes, cpuSeconds: (user + system) / 1e6 })
rmSync(folder, { recursive: true, force: true })
process.exit(0)
