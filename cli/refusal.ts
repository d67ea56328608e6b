import { type ErrorKind, isLakeError, LakeError } from '#lake/errors.ts'
import { type Style, styleOf } from './style.ts'

export const EXIT_OK = 0
export const EXIT_FAILURE = 1
export const EXIT_USAGE = 2

/** An error that says what to do next. */
export function refusal(kind: ErrorKind, message: string, next: string): LakeError {
  return new LakeError(kind, message, { next })
}

export const usage = (message: string, next: string): LakeError => refusal('usage', message, next)

export const exitCodeOf = (error: unknown): number => (isLakeError(error, 'usage') ? EXIT_USAGE : EXIT_FAILURE)

/** One line that says what, one that says what to do; the stack only for those who ask. */
export function describeError(
  error: unknown,
  options: { readonly debug?: boolean; readonly style?: Style } = {},
): string {
  const style = options.style ?? styleOf({ colour: false })
  const next = nextStep(error)
  const lines = [
    `${style.red('error:')} ${error instanceof Error ? error.message : String(error)}`,
    ...(next === undefined ? [] : [`${style.yellow('next:')}  ${next}`]),
    ...(options.debug && error instanceof Error ? [style.dim(stackOf(error))] : []),
  ]
  return lines.join('\n')
}

/** An error of an unknown kind is a bug of ours; its stack is what a report needs. */
function nextStep(error: unknown): string | undefined {
  if (!isLakeError(error)) return 'this should not happen: run it again with --debug and report what it prints'
  const { next } = error.context
  return typeof next === 'string' ? next : NEXT_BY_KIND[error.kind]
}

const NEXT_BY_KIND: Partial<Record<ErrorKind, string>> = {
  throttled: 'try again: nothing was lost',
  unavailable: 'try again: nothing was lost',
  conflict: 'try again: somebody else wrote at the same time',
  'commit-unknown': 'try again: if the commit arrived, the repetition finds it',
  'access-denied': 'check the permissions of the folder of the lake; on AWS, your credentials',
  'dataset-invalid': 'correct the declaration in datasets/',
  'out-of-memory': 'ask for less at once: fewer columns, a filter, or a LIMIT',
  'table-corrupt': 'run it again with --debug to see which file it is about',
  'engine-failed': 'correct the query; `sluice show TABLE` lists the columns of a table',
  usage: '`sluice --help` shows how commands are used',
}

function stackOf(error: Error): string {
  const own = (error.stack ?? '').split('\n').filter(line => /^\s+at /.test(line))
  const cause = error.cause instanceof Error ? [`  caused by: ${error.cause.message}`, stackOf(error.cause)] : []
  const context = isLakeError(error) ? [`  ${error.kind} ${JSON.stringify(error.context)}`] : []
  return [...context, ...own, ...cause].join('\n')
}
