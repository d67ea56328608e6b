// `sluice explain` tells what became of every version of an object from what the pipeline wrote down, at each moment between
// landing and commit, and why when it was rejected. Of an unknown key it says what was looked for.
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type BatchManifest,
  type CommitReport,
  commitUri,
  formatDocument,
  type LandedRecord,
  landedUri,
  manifestUri,
  type ObjectOutcome,
  parseDocument,
  type Verdict,
  verdictUri,
} from '../../lake/batch.ts'
import type { ObjectInfo, Uri } from '../../lake/lake.ts'
import { ulid } from '../../lake/ulid.ts'
import { type CommandBench, commandBench } from './command-bench.ts'

let bench: CommandBench
beforeAll(() => {
  bench = commandBench()
})
afterAll(() => bench.remove())

const LANDED_MS = Date.UTC(2026, 4, 1, 10, 0, 0)
const idOf = (number: number): string => ulid(LANDED_MS + number * 1_000, new Uint8Array(10).fill(number))
const BATCH = idOf(99)

const drop = (key: string, text = '{"id":1}'): Promise<ObjectInfo> =>
  bench.lake.storage.put(`${bench.lake.zones.landing}/${key}`, Buffer.from(text))

const write = (uri: Uri, document: unknown): Promise<ObjectInfo> =>
  bench.lake.storage.put(uri, Buffer.from(formatDocument(document)))

/** What ingest writes of one version of an object. */
async function recorded(
  key: string,
  number: number,
  outcome: LandedRecord['outcome'],
  version = `v${number}`,
): Promise<LandedRecord> {
  const sourceUri = `${bench.lake.zones.landing}/${key}`
  const record = { sourceUri, sourceVersion: version, rawObject: idOf(number), dataset: 'orders', outcome }
  await write(landedUri(bench.lake, sourceUri, idOf(number)), record)
  return record
}

async function batched(key: string, number: number, batch: string): Promise<void> {
  const { lake } = bench
  const rawUri = `${lake.zones.raw}/orders/ingest_date=2026-05-01/ingest_hour=10/${idOf(number)}.ndjson`
  const record = await recorded(key, number, { kind: 'batched', batch, rawUri })
  const object = {
    id: idOf(number),
    uri: rawUri,
    version: '1',
    bytes: 1_234,
    sha256: '',
    sourceUri: record.sourceUri,
    sourceVersion: record.sourceVersion,
    landedMs: LANDED_MS,
    contractVersion: 1,
  }
  const manifest: BatchManifest = { id: batch, dataset: 'orders', objects: [object] }
  await write(manifestUri(lake, 'orders', batch), manifest)
}

const outcome = (number: number, more: Partial<ObjectOutcome> = {}): ObjectOutcome => ({
  rawObject: idOf(number),
  read: 10,
  applied: 7,
  quarantined: 3,
  superseded: 0,
  reasons: { 'type:id': 1, 'required:id': 2 },
  ...more,
})

async function judged(number: number, batch: string, more: Partial<Verdict> = {}): Promise<void> {
  const target = { table: 'orders', tableUuid: 'u', schemaId: 0, specId: 0, files: [] }
  const objects = [outcome(50), outcome(number)]
  const verdict: Verdict = { batch, dataset: 'orders', status: 'pass', target, quarantine: undefined, objects, ...more }
  await write(verdictUri(bench.lake, 'orders', batch), verdict)
}

async function committed(number: number, batch: string, more: Partial<ObjectOutcome> = {}): Promise<void> {
  const report: CommitReport = {
    batch,
    dataset: 'orders',
    table: 'orders',
    tableUuid: 'u',
    commitId: 'c',
    snapshotId: '9007199254740993',
    quarantineSnapshotId: '9007199254740995',
    objects: [outcome(50), outcome(number, more)],
    committedMs: LANDED_MS + 60_000,
  }
  await write(commitUri(bench.lake, 'orders', batch), report)
}

async function told(key: string): Promise<string> {
  const ran = await bench.run(['explain', key])
  expect(ran.err).toBe('')
  expect(ran.code).toBe(0)
  return ran.out
}

test('in landing, not ingested yet', async () => {
  await drop('orders/waiting.ndjson')
  expect(await told('orders/waiting.ndjson')).toMatch(
    /^orders\/waiting\.ndjson\n {2}landed .*Z\n {2}state {7}waiting: in landing, not ingested yet\n {2}next .*sluice local/,
  )
})

test.each([
  ['orders/empty.ndjson', '', 'empty'],
  ['orders/_SUCCESS', 'x', 'success-marker'],
])('%s is ignored, and why', async (key, text, reason) => {
  await drop(key, text)
  expect(await told(key)).toContain(`ignored: ${reason}, which is no data`)
})

test('landed, then staged, then committed', async () => {
  const key = 'orders/steps.ndjson'
  const batch = idOf(90)
  await batched(key, 1, batch)
  const landed = await told(key)
  expect(landed).toContain('\n  landed      2026-05-01 10:00:01Z, dataset orders\n')
  expect(landed).toContain('\n  state       landed: in raw, not staged yet\n')
  expect(landed).toContain(
    `\n  raw         raw/orders/ingest_date=2026-05-01/ingest_hour=10/${idOf(1)}.ndjson, 1.2 kB\n`,
  )
  expect(landed).toContain(`\n  batch       ${batch}\n`)
  await judged(1, batch)
  const staged = await told(key)
  expect(staged).toContain('\n  state       staged: decoded and judged, not committed yet\n')
  expect(staged).toContain(
    '\n  rows        10 rows read: 0 applied; once it is committed 7 will be applied, 3 quarantined\n',
  )
  const [version] = JSON.parse((await bench.run(['explain', key, '--json'])).out).versions
  expect(version).toMatchObject({
    state: 'staged',
    rows: { read: 10, applied: 0, quarantined: 0, superseded: 0, staged: 10 },
    verdict: { read: 10, applied: 7, quarantined: 3 },
  })
  await committed(1, batch, { read: 12, superseded: 2 })
  const done = await told(key)
  expect(done).toContain('\n  state       committed 2026-05-01 10:01:00Z\n')
  expect(done).toContain('\n  rows        12 rows read: 7 applied, 3 quarantined, 2 superseded\n')
  expect(done).toContain('\n  reasons     required:id 2, type:id 1\n')
  expect(done).toContain(
    '\n  snapshot    9007199254740993 of orders\n              9007199254740995 of orders__quarantine\n',
  )
})

test('a batch that a rule halted, with the rule', async () => {
  await batched('orders/halted.ndjson', 2, idOf(91))
  await judged(2, idOf(91), { status: 'halt', reason: 'Completeness "id" > 0.9: 0.7' })
  expect(await told('orders/halted.ndjson')).toContain(
    'halted: Completeness "id" > 0.9: 0.7; nothing of the batch is in the table',
  )
  expect(await told('orders/halted.ndjson')).toContain(
    '\n  rows        10 rows read: 0 applied; but for the halt 7 would have been applied, 3 quarantined\n  reasons     required:id 2, type:id 1\n',
  )
  const [version] = JSON.parse((await bench.run(['explain', 'orders/halted.ndjson', '--json'])).out).versions
  expect(version).toMatchObject({
    state: 'halted',
    rows: { read: 10, applied: 0, quarantined: 0, superseded: 0, halted: 10, reasons: {} },
    verdict: { read: 10, applied: 7, quarantined: 3 },
  })
})

test('rejected, with the reason and the message', async () => {
  await recorded('orders/large.ndjson', 3, {
    kind: 'rejected',
    reason: 'too-large',
    message: '9 bytes, limits.objectBytesMax is 8',
  })
  const text = await told('orders/large.ndjson')
  expect(text).toContain('\n  state       rejected: too-large\n  why         9 bytes, limits.objectBytesMax is 8\n')
})

test('all versions, the oldest first; a duplicate tells of the one that it repeats', async () => {
  const key = 'orders/twice.ndjson'
  await batched(key, 10, BATCH)
  await committed(10, BATCH)
  await recorded(key, 11, { kind: 'duplicate', of: idOf(10), rawUri: `${bench.lake.zones.raw}/orders/x/y/z.ndjson` })
  await drop(key)
  const text = await told(key)
  expect(text).toMatch(/^orders\/twice\.ndjson {2}3 versions landed\n/)
  const [first, second, third] = text.split('\n\n')
  expect(first).toContain('state       committed')
  expect(second).toContain(`state       duplicate: the same bytes under the same key as ${idOf(10)}`)
  expect(second).toContain('raw         raw/orders/x/y/z.ndjson')
  expect(second).toContain('rows        10 rows read: 7 applied, 3 quarantined')
  expect(third).toContain('state       waiting')
})

test('the current version is not told twice', async () => {
  const { version } = await drop('orders/once.ndjson')
  await recorded('orders/once.ndjson', 12, { kind: 'rejected', reason: 'checksum', message: 'm' }, version)
  const ran = await bench.run(['explain', 'orders/once.ndjson', '--json'])
  expect(JSON.parse(ran.out).versions).toHaveLength(1)
})

test('of change events what became of the batch, outcome by outcome', async () => {
  const batch = idOf(93)
  await batched('orders/changes.ndjson', 14, batch)
  await committed(14, batch)
  const uri = commitUri(bench.lake, 'orders', batch)
  const known = parseDocument(Buffer.from(await bench.lake.storage.get(uri)).toString()) as CommitReport
  const outcomes = { applied: 7, superseded: 1, stale: 2, duplicate: 0, skipped: 3, deadLetters: 1 }
  const changes = { received: 14, ...outcomes, patched: 1, unresolved: 0, resurrectionsPrevented: 0 }
  await write(uri, { ...known, changes })
  expect(await told('orders/changes.ndjson')).toContain(
    '\n  changes     14 records in the batch: 7 applied, 1 superseded, 2 stale, 3 skipped, 1 refused, 1 patched\n',
  )
  const json = JSON.parse((await bench.run(['explain', 'orders/changes.ndjson', '--json'])).out)
  expect(json.versions[0]).toMatchObject({ changes })
})

test('many reasons: the most frequent are named', async () => {
  const reasons = { a: 1, b: 7, c: 6, d: 5, e: 4, f: 3, g: 2 }
  await batched('orders/many.ndjson', 13, idOf(92))
  await committed(13, idOf(92), { reasons })
  expect(await told('orders/many.ndjson')).toContain('\n  reasons     b 7, c 6, d 5, e 4, f 3, 2 more\n')
})

test('JSON has the same, ids as text', async () => {
  const ran = await bench.run(['explain', 'orders/steps.ndjson', '--json'])
  expect(JSON.parse(ran.out)).toEqual({
    key: 'orders/steps.ndjson',
    uri: `${bench.lake.zones.landing}/orders/steps.ndjson`,
    versions: [
      {
        version: 'v1',
        landed: '2026-05-01T10:00:01.000Z',
        dataset: 'orders',
        rawObject: idOf(1),
        rawUri: `${bench.lake.zones.raw}/orders/ingest_date=2026-05-01/ingest_hour=10/${idOf(1)}.ndjson`,
        bytes: 1_234,
        state: 'committed',
        batch: idOf(90),
        rows: { read: 12, applied: 7, quarantined: 3, superseded: 2, reasons: { 'type:id': 1, 'required:id': 2 } },
        committed: '2026-05-01T10:01:00.000Z',
        table: 'orders',
        snapshot: '9007199254740993',
        quarantine: { table: 'orders__quarantine', snapshot: '9007199254740995' },
      },
    ],
  })
})

test('a key may be given as a URI, as a path, or with the folder', async () => {
  const expected = await told('orders/steps.ndjson')
  expect(await told(`${bench.lake.zones.landing}/orders/steps.ndjson`)).toBe(expected)
  expect(await told('.sluice/landing/orders/steps.ndjson')).toBe(expected)
  expect(await told(`${bench.folder}/.sluice/landing/orders/steps.ndjson`)).toBe(expected)
  expect(await told('landing/orders/steps.ndjson')).toBe(expected)
})

test('an unknown key: what was looked for, and keys that are near', async () => {
  const near = await bench.run(['explain', 'orders/step.ndjson'])
  expect(near).toMatchObject({ code: 1, out: '' })
  expect(near.err).toContain(`there is no ${bench.lake.zones.landing}/orders/step.ndjson, and ingest has never seen it`)
  expect(near.err).toContain('next:  did you mean orders/steps.ndjson?')
  expect((await bench.run(['explain', 'steps.ndjson'])).err).toContain('did you mean orders/steps.ndjson?')
  const none = await bench.run(['explain', 'zzz'])
  expect(none.err).toContain('next:  put it into landing: sluice put FILE --dataset NAME')
})

test.each(['s3://elsewhere/orders/x', 'file:///etc/passwd'])('%s is not in the landing zone', async uri => {
  const ran = await bench.run(['explain', uri])
  expect(ran).toMatchObject({ code: 2, out: '' })
  expect(ran.err).toContain(`${uri} is not in the landing zone`)
})

test.each(['', ' '])('an empty key (%j) is asked for, not looked for', async key => {
  const ran = await bench.run(['explain', key])
  expect(ran).toMatchObject({ code: 2, out: '' })
  expect(ran.err).toBe(
    'error: which file? The key is empty\nnext:  give what stands below landing: sluice explain movies/movies.json\n',
  )
})

test('a key with control characters is printed without them', async () => {
  await drop('orders/\x1b[2Jevil')
  expect(await told('orders/\x1b[2Jevil')).toMatch(/^orders\/\\u\{1b\}\[2Jevil\n/)
})
