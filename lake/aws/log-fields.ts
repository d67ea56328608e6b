/**
 * The only fields that reach a log line. Rows, keys of customers and payloads have no name here, so they cannot leak; a field
 * that should be seen is added to this list, on purpose and in review.
 */
const ALLOWED: ReadonlySet<string> = new Set([
  'attempt',
  'batch',
  'batches',
  'bytes',
  'code',
  'commitId',
  'count',
  'dataset',
  'durationMs',
  'duplicates',
  'entries',
  'executionName',
  'failed',
  'files',
  'groups',
  'ignored',
  'kind',
  'machine',
  'name',
  'objects',
  'outcome',
  'partitions',
  'quarantined',
  'rawObject',
  'reason',
  'rejected',
  'retryable',
  'rows',
  'rule',
  'sha256',
  'snapshotId',
  'stage',
  'status',
  'step',
  'table',
  'tables',
  'token',
  'uri',
  'version',
])

const CHARACTERS_MAX = 300

/** Allowed fields with plain values, texts cut to 300 characters and freed of control characters; how many were dropped is said. */
export function logFields(fields: Readonly<Record<string, unknown>>): Record<string, string | number | boolean> {
  const kept: Record<string, string | number | boolean> = {}
  let dropped = 0
  for (const [name, value] of Object.entries(fields)) {
    const plain = ALLOWED.has(name) ? plainValue(value) : undefined
    if (plain !== undefined) kept[name] = plain
    else if (value !== undefined) dropped += 1
  }
  return dropped === 0 ? kept : { ...kept, fieldsDropped: dropped }
}

/** Control characters could forge a log line where a log is read as text. */
export function logText(text: string): string {
  const short = text.length > CHARACTERS_MAX ? `${text.slice(0, CHARACTERS_MAX)}…` : text
  return short.toWellFormed().replaceAll(/\p{Cc}/gu, ' ')
}

function plainValue(value: unknown): string | number | boolean | undefined {
  if (typeof value === 'string') return logText(value)
  if (typeof value === 'bigint') return value.toString()
  return typeof value === 'number' || typeof value === 'boolean' ? value : undefined
}
