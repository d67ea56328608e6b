import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { isLakeError } from '../errors.ts'
import type { Lake, Uri } from '../lake.ts'
import { ancestors, appliedSnapshots, COMMIT_ID } from './metadata.ts'
import { metadataFolder, type Table } from './table.ts'
import type { Snapshot, TableMetadata } from './types.ts'

/** The table property that names the file of commits whose snapshots have expired. */
export const APPLIED_COMMITS = 'sluice.applied-commits'

/** Entries of a summary that a repetition of the commit must know again; the others are forgotten with the snapshot. */
export const REMEMBERED_SUMMARY: readonly string[] = ['sluice.superseded-by-object', 'sluice.taken-by-object']

/**
 * A commit is remembered for half a year, twice the 90 days for which Step Functions remembers the name of an execution, and the latest
 * 100,000 of a table at most: at one a minute that is more than two months. The file then has about 3 MB. Work that is repeated later than
 * that, under the same commit id and after its snapshot expired, would be applied again as if it were new.
 */
const REMEMBERED_MS = 180 * 86_400_000
const REMEMBERED_MAX = 100_000

/** Looks commits up, in the history first and then among the remembered ones. A file is read once, whatever the number of attempts. */
export interface AppliedCommits {
  find(base: Table, commitId: string): Promise<Snapshot | undefined>
}

export function appliedCommits(lake: Lake): AppliedCommits {
  const files = new Map<Uri, Promise<string>>()
  const textOf = (uri: Uri): Promise<string> => {
    const text = files.get(uri) ?? readText(lake, uri)
    files.set(uri, text)
    return text
  }
  return {
    find: async ({ metadata }, commitId) => {
      const retained = appliedSnapshots(metadata).find(snapshot => snapshot.summary[COMMIT_ID] === commitId)
      const uri = metadata.properties[APPLIED_COMMITS]
      if (retained !== undefined || uri === undefined) return retained
      const found = lineOf(await textOf(uri), commitId)
      return found !== undefined && found.sequence < horizonOf(metadata) ? snapshotOf(found, commitId) : undefined
    },
  }
}

/**
 * Remembers the commits of snapshots that are about to expire: a new file in the table's metadata folder with those and the ones that the
 * present file has. The caller makes the URI the table's property `sluice.applied-commits` in the swap that removes the snapshots. Snapshots
 * that the table was not built from (rolled back, or of another branch) are left out, because their work may be done again.
 */
export async function rememberCommits(lake: Lake, table: Table, snapshots: readonly Snapshot[]): Promise<Uri> {
  const { metadata, entry } = table
  const before = metadata.properties[APPLIED_COMMITS]
  const horizon = horizonOf(metadata)
  const known =
    before === undefined ? [] : linesOf(await readText(lake, before)).filter(each => each.sequence < horizon)
  const applied = new Set(appliedSnapshots(metadata).map(snapshot => snapshot['snapshot-id']))
  const added = snapshots.filter(snapshot => applied.has(snapshot['snapshot-id'])).flatMap(remembered)
  const all = new Map([...known, ...added].map(line => [line.hash, line]))
  const kept = [...all.values()]
    .filter(line => line.timestampMs > lake.clock.nowMs() - REMEMBERED_MS)
    .toSorted((left, right) => right.timestampMs - left.timestampMs)
    .slice(0, REMEMBERED_MAX)
  const number = Number(/(?:^|\/)v?(\d+)[^/]*$/.exec(entry.metadataLocation)?.[1] ?? 0) + 1
  const uri = `${metadataFolder(metadata)}/${String(number).padStart(5, '0')}-${lake.ids.uuid()}.commits`
  await lake.storage.put(uri, encode(kept), { contentType: 'application/gzip' })
  return uri
}

// --- The file ------------------------------------------------------------------------------------------------------

/** One commit: a line of gzipped text, `<hash> <sequence number> <snapshot id> <time>[ <summary as JSON>]`, sorted by the hash. */
interface Line {
  /** The first 96 bits of the SHA-256 of the commit id: among a million, two are equal with a chance of 1 : 10^16. */
  readonly hash: string
  readonly sequence: bigint
  readonly snapshotId: bigint
  readonly timestampMs: number
  readonly summary: string
}

const HASH_BYTES = 12

const hashOf = (commitId: string): string =>
  createHash('sha256').update(commitId).digest().subarray(0, HASH_BYTES).toString('base64url')

function remembered(snapshot: Snapshot): readonly Line[] {
  const commitId = snapshot.summary[COMMIT_ID]
  if (commitId === undefined) return []
  const summary = REMEMBERED_SUMMARY.flatMap(key => {
    const value = snapshot.summary[key]
    return value === undefined ? [] : [[key, value] as const]
  })
  return [
    {
      hash: hashOf(commitId),
      sequence: snapshot['sequence-number'],
      snapshotId: snapshot['snapshot-id'],
      timestampMs: snapshot['timestamp-ms'],
      summary: summary.length === 0 ? '' : JSON.stringify(Object.fromEntries(summary)),
    },
  ]
}

function encode(lines: readonly Line[]): Buffer {
  const texts = lines.map(({ hash, sequence, snapshotId, timestampMs, summary }) =>
    [hash, sequence, snapshotId, timestampMs, summary].join(' ').trimEnd(),
  )
  return gzipSync(texts.toSorted().join('\n'))
}

/**
 * The text of the file, with a line break before every line. A file that is gone was removed by another engine's orphan cleaning, which does
 * not know it: the pipeline goes on, because only work that is repeated after its snapshot expired would be done twice.
 */
async function readText(lake: Lake, uri: Uri): Promise<string> {
  try {
    return `\n${gunzipSync(await lake.storage.get(uri)).toString('utf8')}`
  } catch (error) {
    if (!isLakeError(error, 'not-found')) throw error
    lake.log.error('the file of commits whose snapshots expired is gone; another engine may have removed it', { uri })
    return ''
  }
}

/** Found in the text as it is: parsing 100,000 lines for one of them would take longer than the commit. */
function lineOf(text: string, commitId: string): Line | undefined {
  const start = text.indexOf(`\n${hashOf(commitId)} `)
  if (start < 0) return undefined
  const end = text.indexOf('\n', start + 1)
  return parse(text.slice(start + 1, end < 0 ? undefined : end))
}

const linesOf = (text: string): readonly Line[] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(parse)

function parse(line: string): Line {
  const [hash = '', sequence = '', snapshotId = '', timestampMs = '', ...summary] = line.split(' ')
  return {
    hash,
    sequence: BigInt(sequence),
    snapshotId: BigInt(snapshotId),
    timestampMs: Number(timestampMs),
    summary: summary.join(' '),
  }
}

/**
 * The sequence number below which a remembered commit is part of the present state. Whatever is younger than the oldest snapshot that the
 * chain of parents still reaches would be in that chain: it was rolled back after its snapshot expired, and its work may be done again.
 */
function horizonOf(metadata: TableMetadata): bigint {
  const oldest = ancestors(metadata).at(-1)
  return oldest?.['parent-snapshot-id'] === undefined ? 0n : oldest['sequence-number']
}

function snapshotOf(line: Line, commitId: string): Snapshot {
  const summary = line.summary === '' ? {} : (JSON.parse(line.summary) as Readonly<Record<string, string>>)
  return {
    'snapshot-id': line.snapshotId,
    'sequence-number': line.sequence,
    'timestamp-ms': line.timestampMs,
    'manifest-list': '',
    summary: { ...summary, [COMMIT_ID]: commitId },
  }
}
