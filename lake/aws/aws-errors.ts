import { type ErrorKind, LakeError } from '../errors.ts'

/** What all SDK errors have in common: the name that the service gave, the HTTP status, and how often the SDK sent the request. */
export interface ServiceFailure {
  readonly name: string
  readonly status: number | undefined
  readonly attempts: number
}

export function serviceFailure(error: unknown): ServiceFailure {
  if (!(error instanceof Error)) return { name: 'Unknown', status: undefined, attempts: 1 }
  const metadata = '$metadata' in error ? (error.$metadata as { httpStatusCode?: number; attempts?: number }) : {}
  return { name: error.name, status: metadata.httpStatusCode, attempts: metadata.attempts ?? 1 }
}

const THROTTLED =
  /^(SlowDown|Throttl\w*|TooManyRequests\w*|RequestLimitExceeded|ProvisionedThroughput\w*|KMS\.Throttl\w*|RequestThrottled\w*|EC2ThrottledException|BandwidthLimitExceeded|PriorRequestNotComplete)$/
const DENIED =
  /^(AccessDenied\w*|AllAccessDisabled|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken\w*|UnrecognizedClientException|InvalidClientTokenId|CredentialsProviderError|KMS\.\w*|NotAuthorized\w*)$/

/** The kind of an error that every service can give; `undefined` leaves the decision to the adapter. */
export function commonKind(failure: ServiceFailure): ErrorKind | undefined {
  const { name, status } = failure
  if (THROTTLED.test(name) || status === 429) return 'throttled'
  if (DENIED.test(name) || status === 401) return 'access-denied'
  // No status: the request never reached an answer (connection, timeout, a reply that cannot be read).
  if (status === undefined || status >= 500) return 'unavailable'
  return undefined
}

/** An SDK error as a LakeError; `kindOf` gives the kinds of one service. */
export function awsError(
  cause: unknown,
  what: string,
  kindOf: (failure: ServiceFailure) => ErrorKind | undefined = () => undefined,
): LakeError {
  if (cause instanceof LakeError) return cause
  const failure = serviceFailure(cause)
  const kind = kindOf(failure) ?? commonKind(failure) ?? (failure.status === 403 ? 'access-denied' : 'usage')
  const message = cause instanceof Error ? cause.message : String(cause)
  return new LakeError(kind, `${what}: ${failure.name}: ${message}`, { what, ...failure }, { cause })
}
