import type { ErrorKind, LakeError } from '../errors.ts'
import type { TableName } from '../lake.ts'
import { awsError, type ServiceFailure } from './aws-errors.ts'

const KINDS: Readonly<Record<string, ErrorKind>> = {
  ConcurrentModificationException: 'conflict',
  VersionMismatchException: 'conflict',
  EntityNotFoundException: 'not-found',
  AlreadyExistsException: 'already-exists',
  // Slow or throttled, the answer does not say which, nor whether it was done.
  OperationTimeoutException: 'unavailable',
  InternalServiceException: 'unavailable',
  ResourceNotReadyException: 'unavailable',
  FederationSourceRetryableException: 'unavailable',
  GlueEncryptionException: 'access-denied',
  InvalidInputException: 'usage',
  ResourceNumberLimitExceededException: 'usage',
}

/** https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-exceptions.html */
export function glueKind(failure: ServiceFailure): ErrorKind | undefined {
  // Glue says "Rate exceeded" under several names, all of which the common rules know.
  return KINDS[failure.name]
}

export function glueError(cause: unknown, name: TableName): LakeError {
  return awsError(cause, `Glue table ${name}`, glueKind)
}
