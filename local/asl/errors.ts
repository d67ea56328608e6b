/** An error of the states language: `error` is the name that Retry and Catch match on, `message` the cause. */
export class AslError extends Error {
  readonly error: string

  constructor(error: string, cause = '', options?: { cause: unknown }) {
    super(cause, options)
    this.name = 'AslError'
    this.error = error
  }
}

/** Whatever was thrown, as a state reports it: Lambda gives the name of the error's class. */
export function aslError(thrown: unknown): AslError {
  if (thrown instanceof AslError) return thrown
  if (!(thrown instanceof Error)) return new AslError('States.TaskFailed', String(thrown))
  const name = thrown.name === 'Error' ? 'States.TaskFailed' : thrown.name
  return new AslError(name, thrown.message, { cause: thrown })
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html: what the two wildcards leave out. */
export function caughtBy(errorEquals: readonly string[], error: string): boolean {
  if (errorEquals.includes(error)) return true
  if (error === 'States.DataLimitExceeded' || error === 'States.Runtime') return false
  if (errorEquals.includes('States.ALL')) return true
  return errorEquals.includes('States.TaskFailed') && error !== 'States.Timeout'
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html: input or output of a task, state or execution. */
export const PAYLOAD_BYTES_MAX = 262_144

export const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? '')

export function checkSize(value: unknown, what: string): void {
  const bytes = jsonBytes(value)
  if (bytes > PAYLOAD_BYTES_MAX)
    throw new AslError('States.DataLimitExceeded', `${what} has ${bytes} bytes; the limit is ${PAYLOAD_BYTES_MAX}`)
}
