/** Whether trying the same thing again may help. Retryable → the queue or workflow retries; terminal → quarantine or dead letter. */
const RETRYABLE = {
  throttled: true,
  unavailable: true,
  conflict: true,
  'commit-unknown': true,
  'not-found': false,
  'already-exists': false,
  'access-denied': false,
  checksum: false,
  'dataset-invalid': false,
  'event-invalid': false,
  'file-unreadable': false,
  'contract-broken': false,
  unsupported: false,
  'table-corrupt': false,
  'out-of-memory': true,
  /** More work than one function does: it goes to an engine that is made for it. */
  outgrown: false,
  'engine-failed': false,
  usage: false,
} as const

export type ErrorKind = keyof typeof RETRYABLE

/** The one error of Sluice. Branch on `kind`, never on the message; `context` is safe to log (no row data). */
export class LakeError extends Error {
  readonly kind: ErrorKind
  readonly context: Readonly<Record<string, unknown>>

  constructor(
    kind: ErrorKind,
    message: string,
    context: Readonly<Record<string, unknown>> = {},
    options?: { cause: unknown },
  ) {
    super(message, options)
    this.name = 'LakeError'
    this.kind = kind
    this.context = context
  }

  get retryable(): boolean {
    return RETRYABLE[this.kind]
  }
}

/**
 * `name` under which a workflow sees an error that the same input will always give again. Step Functions matches names
 * alone, and Lambda takes them from the error, so whoever hands a `LakeError` to a workflow sets it.
 */
export const TERMINAL_ERROR = 'Sluice.Terminal'

export function isLakeError(error: unknown, kind?: ErrorKind): error is LakeError {
  return error instanceof LakeError && (kind === undefined || error.kind === kind)
}

/** A bug, not a condition: fails loudly instead of going on with a broken assumption. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`)
}
