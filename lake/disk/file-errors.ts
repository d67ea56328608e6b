import { type ErrorKind, LakeError } from '../errors.ts'

const KINDS: Readonly<Record<string, ErrorKind>> = {
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
  EISDIR: 'not-found',
  ELOOP: 'not-found',
  EEXIST: 'already-exists',
  EACCES: 'access-denied',
  EROFS: 'access-denied',
  EXDEV: 'unsupported',
  ENOTSUP: 'unsupported',
}

/** An error of the file system as a LakeError; a full disk, too many open files and the like are `unavailable`, which is retried. */
export function fileError(cause: unknown, uri: string): LakeError {
  if (cause instanceof LakeError) return cause
  const code = errorCode(cause)
  // link(2) answers EPERM on file systems without hard links (exFAT, some network mounts); create-only writes need them.
  const kind = code === 'EPERM' && syscall(cause) === 'link' ? 'unsupported' : (KINDS[code ?? ''] ?? 'unavailable')
  return new LakeError(
    kind,
    `${uri}: ${cause instanceof Error ? cause.message : String(cause)}`,
    { uri, code },
    { cause },
  )
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

function syscall(error: unknown): unknown {
  return error instanceof Error && 'syscall' in error ? error.syscall : undefined
}

export const isMissing = (error: unknown): boolean => {
  const code = errorCode(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}
