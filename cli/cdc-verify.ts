import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { cdcApply } from '#functions/cdc-apply/cdc-apply.ts'
import { quality } from '#functions/quality/quality.ts'
import {
  type BatchManifest,
  manifestUri,
  type RawObject,
  readDocument,
  type Verdict,
  verdictUri,
  writeDocumentOnce,
} from '#lake/batch.ts'
import { type Dataset, LINEAGE } from '#lake/dataset.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { ident, join, sql } from '#lake/duckdb/sql.ts'
import type { LakeError } from '#lake/errors.ts'
import { openTable } from '#lake/iceberg/table.ts'
import type { Ids } from '#lake/lake.ts'
import { ulid } from '#lake/ulid.ts'
import { closest } from './closest.ts'
import type { Call } from './command.ts'
import { makeView, withLakeSession } from './lake-session.ts'
import { EXIT_FAILURE, EXIT_OK, refusal, usage } from './refusal.ts'
import { counted } from './units.ts'

const SEEDS = 50
const SEEDS_MAX = 10_000

/** Something that is delivered as a whole: a record of a stream, or a file. */
interface Piece {
  readonly name: string
  readonly bytes: Buffer
}

/**
 * Applies recorded changes to tables in memory: as they are, and for each seed in another order, cut into batches and repeated at random. The
 * final tables must be the same.
 */
export async function verifyChanges(call: Call, files: readonly string[]): Promise<number> {
  const { terminal, options } = call
  const dataset = await readDataset(call)
  const seeds = readSeeds(options.value('seeds'))
  const pieces = await readPieces(call, dataset, files)
  const { rows: expected, ...outcomes } = await tableAfter(call, dataset, [pieces])
  if (outcomes.applied === 0) throw nothingApplied(outcomes)
  const differing: number[] = []
  for (let seed = 1; seed <= seeds; seed++) {
    const { rows } = await tableAfter(call, dataset, delivered(pieces, seed))
    if (rows.join('\n') !== expected.join('\n')) {
      differing.push(seed)
      if (differing.length === 1 && !options.has('json')) await terminal.out.write(differenceOf(seed, expected, rows))
    }
    if (terminal.err.columns !== undefined) await terminal.err.write(`\r${seed} of ${seeds} orders`)
  }
  if (terminal.err.columns !== undefined) await terminal.err.write('\n')
  const { refused } = outcomes
  const result = {
    dataset: dataset.name,
    pieces: pieces.length,
    refused,
    rows: expected.length,
    orders: seeds,
    differing,
  }
  if (options.has('json')) await terminal.out.write(`${JSON.stringify(result, null, 2)}\n`)
  else await terminal.out.write(`${sentence(result)}\n`)
  return differing.length === 0 ? EXIT_OK : EXIT_FAILURE
}

interface Outcomes {
  readonly applied: number
  /** Records that are no changes of the table, by reason. */
  readonly refused: Readonly<Record<string, number>>
}

/** Tables of nothing are the same in every order. */
function nothingApplied({ refused }: Outcomes): LakeError {
  const reasons = reasonsText(refused)
  return reasons === ''
    ? refusal('not-found', 'the files hold no change of the dataset', 'name files with records of its stream')
    : refusal(
        'file-unreadable',
        `no record is a change of the dataset; refused: ${reasons}`,
        'record what the function receives: docs/cdc.md says which wrapper, shape and reason mean what',
      )
}

const reasonsText = (refused: Outcomes['refused']): string =>
  Object.entries(refused)
    .map(([reason, count]) => `${count} ${reason}`)
    .join(', ')

interface Result extends Pick<Outcomes, 'refused'> {
  readonly pieces: number
  readonly rows: number
  readonly orders: number
  readonly differing: readonly number[]
}

function sentence({ pieces, refused, rows, orders, differing }: Result): string {
  const reasons = reasonsText(refused)
  const put = reasons === '' ? '' : ` (refused: ${reasons})`
  const what = `${counted(pieces, 'record or file', 'records or files')}${put}, ${counted(rows, 'row')}`
  if (differing.length === 0) return `${what}: the same table in all of ${counted(orders, 'order')}`
  return `${what}: another table in ${differing.length} of ${counted(orders, 'order')}, with the seeds ${differing.slice(0, 10).join(', ')}`
}

/** The first rows that only one of the two has. */
function differenceOf(seed: number, expected: readonly string[], rows: readonly string[]): string {
  const [wanted, found] = [new Set(expected), new Set(rows)]
  const lines = [
    ...expected.filter(row => !found.has(row)).map(row => `- ${row}`),
    ...rows.filter(row => !wanted.has(row)).map(row => `+ ${row}`),
  ]
  return `seed ${seed}: rows that are missing (-) and rows that should not be there (+)\n${lines.slice(0, 20).join('\n')}\n`
}

// --- What is asked for ---------------------------------------------------------------------------------------------

async function readDataset(call: Call): Promise<Dataset> {
  const name = call.options.value('dataset')
  if (name === undefined) throw usage('verify needs a dataset', 'name it: sluice cdc verify FILE… --dataset NAME')
  const datasets = await call.datasets()
  const dataset = datasets.find(each => each.name === name)
  if (dataset?.source.changes !== undefined) return dataset
  if (dataset !== undefined)
    throw refusal('usage', `${name} takes no change events`, 'verify is for datasets of mode merge and history')
  const near = closest(
    name,
    datasets.map(each => each.name),
  )
  throw refusal(
    'not-found',
    `there is no dataset ${name}`,
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'declare it in datasets/',
  )
}

function readSeeds(text: string | undefined): number {
  const seeds = Number(text ?? SEEDS)
  if (/^\d+$/.test(text ?? String(SEEDS)) && seeds >= 1 && seeds <= SEEDS_MAX) return seeds
  throw usage(`--seeds ${text} is not a number of orders`, `give a whole number from 1 to ${SEEDS_MAX}`)
}

/** Records that carry their place in the stream can be shuffled one by one; of files the names and the order of rows tell it. */
async function readPieces(call: Call, dataset: Dataset, files: readonly string[]): Promise<readonly Piece[]> {
  if (files.length === 0)
    throw usage('there is nothing to verify', 'name recorded files: sluice cdc verify FILE… --dataset NAME')
  const pieces: Piece[] = []
  for (const file of files) {
    const bytes = await readFile(resolve(call.terminal.cwd, file)).catch(cause => {
      throw refusal('not-found', `${file} cannot be read: ${cause.message}`, 'name files on this machine')
    })
    if (bytes.length === 0) throw refusal('file-unreadable', `${file} is empty`, 'record the stream again')
    const name = basename(file)
    if (dataset.source.changes?.wrapper === 'none') pieces.push({ name, bytes })
    else for (const line of linesOf(plainBytes(file, bytes))) pieces.push({ name: 'stream.ndjson', bytes: line })
  }
  return pieces
}

/** What a file is, its first bytes say, never its name. */
function plainBytes(file: string, bytes: Buffer): Buffer {
  try {
    if (bytes.length >= 2 && bytes.readUInt16BE() === 0x1f8b) return gunzipSync(bytes)
    return bytes.length >= 4 && bytes.readUInt32BE() === 0x28b52ffd ? zstdDecompressSync(bytes) : bytes
  } catch (cause) {
    throw refusal('file-unreadable', `${file} cannot be decompressed: ${(cause as Error).message}`, 'copy it again')
  }
}

function* linesOf(bytes: Buffer): Iterable<Buffer> {
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(NEWLINE, from)
    const line = bytes.subarray(from, end < 0 ? bytes.length : end)
    if (line.some(byte => byte > 0x20)) yield Buffer.concat([line, Buffer.of(NEWLINE)])
    from += line.length + 1
  }
}

const NEWLINE = 0x0a

// --- Orders --------------------------------------------------------------------------------------------------------

const REPEATED = 0.1
const CUT = 0.2

/** Shuffled, some twice, cut into batches: always the same for one seed. */
function delivered(pieces: readonly Piece[], seed: number): readonly (readonly Piece[])[] {
  const random = randomOf(seed)
  const sequence = [...pieces, ...pieces.filter(() => random() < REPEATED)]
  for (let at = sequence.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    ;[sequence[at], sequence[other]] = [sequence[other] as Piece, sequence[at] as Piece]
  }
  const batches: Piece[][] = [[]]
  for (const piece of sequence) {
    if (random() < CUT && batches.at(-1)?.length !== 0) batches.push([])
    batches.at(-1)?.push(piece)
  }
  return batches
}

/** Numbers in [0, 1) from a hash of the seed and a counter. */
function randomOf(seed: number): Ids['random'] {
  let count = 0
  return () => createHash('sha256').update(`${seed} ${count++}`).digest().readUInt32BE(0) / 2 ** 32
}

// --- Applying ------------------------------------------------------------------------------------------------------

async function tableAfter(
  call: Call,
  dataset: Dataset,
  batches: readonly (readonly Piece[])[],
): Promise<Outcomes & { readonly rows: readonly string[] }> {
  const lake = memoryLake({ limits: { threads: call.terminal.threads } })
  try {
    let objects = 0
    let applied = 0
    const refused: Record<string, number> = {}
    for (const [number, pieces] of batches.entries()) {
      const landed: RawObject[] = []
      for (const [name, bytes] of objectsOf(pieces)) landed.push(await put(lake, { name, bytes }, ++objects))
      const batch = idOf('batch', number)
      const manifest: BatchManifest = { id: batch, dataset: dataset.name, objects: landed }
      await writeDocumentOnce(lake, manifestUri(lake, dataset.name, batch), manifest)
      await quality(lake, dataset, { batch })
      applied += (await cdcApply(lake, dataset, { batch })).counts.applied
      const verdict = await readDocument<Verdict>(lake, verdictUri(lake, dataset.name, batch))
      for (const { reasons } of verdict?.objects ?? [])
        for (const [reason, count] of Object.entries(reasons)) refused[reason] = (refused[reason] ?? 0) + count
    }
    return { applied, refused, rows: await rowsOf(lake, dataset) }
  } finally {
    lake.dispose()
  }
}

/** Records of a stream come together in one object; a file stays one, and comes again as another. */
function objectsOf(pieces: readonly Piece[]): readonly (readonly [name: string, bytes: Buffer])[] {
  const lines = pieces.filter(({ name }) => name === 'stream.ndjson').map(({ bytes }) => bytes)
  const files = pieces.filter(({ name }) => name !== 'stream.ndjson').map(({ name, bytes }) => [name, bytes] as const)
  return lines.length === 0 ? files : [['stream.ndjson', Buffer.concat(lines)], ...files]
}

async function put(lake: MemoryLake, { name, bytes }: Piece, order: number): Promise<RawObject> {
  const id = idOf('object', order)
  const uri = `${lake.zones.raw}/${id}`
  const { version } = await lake.storage.put(uri, bytes)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const source = { sourceUri: `${lake.zones.landing}/${name}`, sourceVersion: '1' }
  return { id, uri, version, bytes: bytes.length, sha256, ...source, landedMs: order, contractVersion: 1 }
}

const idOf = (kind: string, order: number): string =>
  ulid(order, createHash('sha256').update(`${kind} ${order}`).digest().subarray(0, 10))

/** What the dataset declares of each row, and its state; not where the row came from. */
async function rowsOf(lake: MemoryLake, dataset: Dataset): Promise<readonly string[]> {
  const table = await openTable(lake, dataset.name)
  const left = new Set([...LINEAGE.map(({ name }) => name), '_place', '_authors', '_version'])
  return withLakeSession({ lake }, 'verify', async opened => {
    await makeView({ lake }, opened, { table, name: 'result' })
    const columns = await opened.session.rows(sql`SELECT column_name AS name FROM (DESCRIBE SELECT * FROM result)`)
    const shown = columns.map(row => String(row['name'])).filter(name => !left.has(name))
    const values = shown.map(name => sql`${ident(name)}`)
    const rows = await opened.session.rows(sql`SELECT ${join(values, ', ')} FROM result`)
    return rows.map(row => JSON.stringify(row)).toSorted()
  })
}
