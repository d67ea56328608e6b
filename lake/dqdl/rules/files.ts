import { assert } from '../../errors.ts'
import type { SimpleRule, StringCondition } from '../ast.ts'
import {
  type Check,
  type CheckContext,
  errorOf,
  type FileFacts,
  failed,
  type Judgement,
  judgeMetric,
  judgeShare,
  passed,
  problem,
} from '../check.ts'
import { bytesCondition, instantOf } from '../condition-sql.ts'
import { holds, isIncomputable } from '../number.ts'

/** The files that a rule is about: those below its path, or all of the batch. */
function filesOf(rule: SimpleRule, context: CheckContext, parameter = 0): readonly FileFacts[] {
  const path = rule.parameters[parameter]?.value
  return path === undefined ? context.files : context.files.filter(file => file.path.startsWith(path))
}

const tagOf = (rule: SimpleRule, name: string): string | undefined => {
  const tag = rule.tags.find(each => each.name === name)
  return tag === undefined ? undefined : String(tag.value)
}

/** Every file, or the share that the threshold wants, has a size within the condition. */
export function fileSize(rule: SimpleRule, context: CheckContext): Check {
  const { condition } = rule
  if (condition?.kind !== 'size') return problem('FileSize needs a size')
  const bytes = bytesCondition(condition)
  return shareOfFiles(rule, context, { metric: 'FileSize.Compliance', test: file => holds(bytes, file.bytes) === true })
}

/** Every file was changed at a time within the condition. */
export function fileFreshness(rule: SimpleRule, context: CheckContext): Check {
  const { condition } = rule
  if (condition?.kind !== 'date') return problem('FileFreshness needs a date')
  const operands = condition.operands.map(operand => instantOf(operand, context.nowMs))
  const bad = operands.find(isIncomputable)
  if (bad) return problem(bad.problem)
  const literals = (operands as readonly number[]).map(
    value => ({ kind: 'literal', text: String(value), value }) as const,
  )
  const times = { kind: 'number', operator: condition.operator, operands: literals } as const
  return shareOfFiles(rule, context, {
    metric: 'FileFreshness.Compliance',
    test: file => holds(times, file.modifiedMs) === true,
  })
}

function shareOfFiles(
  rule: SimpleRule,
  context: CheckContext,
  { metric, test }: { readonly metric: string; readonly test: (file: FileFacts) => boolean },
): Check {
  const files = filesOf(rule, context)
  const good = files.filter(test).length
  const name = `File.${rule.parameters[0]?.value ?? '*'}.${metric}`
  return {
    judge: () =>
      files.length === 0
        ? errorOf('there are no files to look at')
        : judgeShare(context, rule, { name, value: good / files.length }),
  }
}

/** The share of files whose content no other file has. */
export function fileUniqueness(rule: SimpleRule, context: CheckContext): Check {
  const files = filesOf(rule, context)
  const { condition } = rule
  if (condition?.kind !== 'number') return problem('FileUniqueness needs a condition')
  const groups = Map.groupBy(files, file => digestOf(file, rule))
  const single = [...groups.values()].filter(group => group.length === 1).length
  const name = `File.${rule.parameters[0]?.value ?? '*'}.FileUniqueness`
  return {
    judge: () =>
      files.length === 0
        ? errorOf('there are no files to look at')
        : judgeMetric(context, condition, { name, value: single / files.length }),
  }
}

/** FileMatch: the digests of files are among those named, or the files of two paths have the same content. */
export function fileMatch(rule: SimpleRule, context: CheckContext): Check {
  const { condition } = rule
  if (rule.parameters.length === 2) return { judge: () => samePaths(rule, context) }
  if (condition?.kind !== 'string') return problem('FileMatch needs a list of checksums')
  return { judge: () => knownDigests(rule, context, condition) }
}

function knownDigests(rule: SimpleRule, context: CheckContext, condition: StringCondition): Judgement {
  const files = filesOf(rule, context)
  if (files.length === 0) return errorOf('there are no files to look at')
  const wanted = new Set(
    condition.operands.map(operand => (operand.kind === 'text' ? operand.value.toLowerCase() : '')),
  )
  const negated = condition.operator === 'not in' || condition.operator === '!='
  const other = files.find(file => wanted.has(digestOf(file, rule)) === negated)
  return other ? failed(`${other.path} has the ${algorithmOf(rule)} ${digestOf(other, rule)}`) : passed()
}

function samePaths(rule: SimpleRule, context: CheckContext): Judgement {
  const [left, right] = [filesOf(rule, context, 0), filesOf(rule, context, 1)]
  if (left.length === 0 || right.length === 0) return errorOf('there are no files to look at below one of the paths')
  const digests = (files: readonly FileFacts[]): string =>
    files
      .map(file => digestOf(file, rule))
      .toSorted()
      .join(',')
  return digests(left) === digests(right) ? passed() : failed('the files of the two paths differ')
}

const algorithmOf = (rule: SimpleRule): string => tagOf(rule, 'hashAlgorithm') ?? 'SHA-256'

function digestOf(file: FileFacts, rule: SimpleRule): string {
  const digest = file.digests[algorithmOf(rule)] ?? file.digests['SHA-256']
  assert(digest, 'every file comes with its SHA-256')
  return digest.toLowerCase()
}
