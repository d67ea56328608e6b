import type { DateCondition, SimpleRule, StringCondition } from '../ast.ts'
import {
  type Check,
  type CheckContext,
  errorOf,
  type FileFacts,
  failed,
  type Judgement,
  judgeMetric,
  judgeShare,
  numberCondition,
  passed,
  problem,
} from '../check.ts'
import { bytesCondition, instantOf } from '../condition-sql.ts'
import { holds, isIncomputable } from '../number.ts'
import { javaScriptPattern } from '../patterns.ts'

/** Every file, or the share that the threshold wants, has a size within the condition. */
export function fileSize(rule: SimpleRule, context: CheckContext): Check {
  const { condition } = rule
  if (condition?.kind !== 'size') return problem('FileSize needs a size')
  const bytes = bytesCondition(condition)
  return overFiles(rule, context, files => {
    const sizes = files.map(file => file.bytes)
    const extremes = { [MAXIMUM_SIZE]: Math.max(...sizes), [MINIMUM_SIZE]: Math.min(...sizes) }
    const good = sizes.filter(size => holds(bytes, size) === true).length
    const judged = judgeShare(context, rule, { name: 'Dataset.*.FileSize.Compliance', value: good / files.length })
    return { ...judged, metrics: { ...judged.metrics, ...extremes } }
  })
}

const MAXIMUM_SIZE = 'Dataset.*.MaximumFileSize'
const MINIMUM_SIZE = 'Dataset.*.MinimumFileSize'

/** Every file was changed at a time within the condition. */
export function fileFreshness(rule: SimpleRule, context: CheckContext): Check {
  const { condition } = rule
  if (condition?.kind !== 'date') return problem('FileFreshness needs a date')
  const times = timesOf(condition, rule, context)
  if (isIncomputable(times)) return problem(times.problem)
  const operands = times.map(value => ({ kind: 'literal', text: String(value), value }) as const)
  const within = { kind: 'number', operator: condition.operator, operands } as const
  return overFiles(rule, context, files => {
    const good = files.filter(file => holds(within, file.modifiedMs) === true).length
    return judgeShare(context, rule, { name: 'Dataset.*.FileFreshness.Compliance', value: good / files.length })
  })
}

/** Glue's documentation writes the later end first: `between now() and (now() - 45 minutes)`. */
function timesOf(
  { operator, operands }: DateCondition,
  rule: SimpleRule,
  { nowMs }: CheckContext,
): readonly number[] | { readonly problem: string } {
  const zone = tagOf(rule, 'timeZone') ?? 'UTC'
  const times = operands.map(operand => instantOf(operand, nowMs, zone))
  const bad = times.find(isIncomputable)
  if (bad) return bad
  const known = times as readonly number[]
  return operator.endsWith('between') ? known.toSorted((left, right) => left - right) : known
}

/** The share of files that are the only ones with their content and, with `matchFileName`, with their name. */
export function fileUniqueness(rule: SimpleRule, context: CheckContext): Check {
  const condition = numberCondition(rule)
  if (!condition) return problem('FileUniqueness needs a condition')
  return overFiles(rule, context, files => {
    const times = (value: string, of: (file: FileFacts) => string): number =>
      files.filter(file => of(file) === value).length
    const digest = (file: FileFacts): string => digestOf(file, rule)
    const isSingle = (file: FileFacts): boolean =>
      times(digest(file), digest) === 1 && (!matchesNames(rule) || times(nameOf(file), nameOf) === 1)
    const value = files.filter(isSingle).length / files.length
    return judgeMetric(context, condition, { name: 'Dataset.*.FileUniquenessRatio', value })
  })
}

/** FileMatch: the digests of files are among those named, or the files of two paths have the same content. */
export function fileMatch(rule: SimpleRule, context: CheckContext): Check {
  const { condition } = rule
  if (rule.parameters.length === 2) return overFiles(rule, context, files => samePaths(files, rule, context))
  if (condition?.kind !== 'string') return problem('FileMatch needs a list of checksums')
  return overFiles(rule, context, files => knownDigests(files, rule, condition))
}

function knownDigests(files: readonly FileFacts[], rule: SimpleRule, condition: StringCondition): Judgement {
  const wanted = new Set(
    condition.operands.map(operand => (operand.kind === 'text' ? operand.value.toLowerCase() : '')),
  )
  const negated = condition.operator === 'not in' || condition.operator === '!='
  const other = files.find(file => wanted.has(digestOf(file, rule)) === negated)
  return other ? failed(`${other.path} has the ${algorithmOf(rule)} ${digestOf(other, rule)}`) : passed()
}

/** By content, in any order; with `matchFileName` each file by its name. */
function samePaths(left: readonly FileFacts[], rule: SimpleRule, context: CheckContext): Judgement {
  const right = filesOf(rule, context, 1)
  if (right.length === 0) return errorOf(`there are no files in ${rule.parameters[1]?.value}`)
  const missing = unhashed(right, rule)
  if (missing !== undefined) return errorOf(missing)
  const contents = (files: readonly FileFacts[]): string =>
    JSON.stringify(
      files.map(file => [matchesNames(rule) ? nameOf(file) : '', digestOf(file, rule)].join(' ')).toSorted(),
    )
  return contents(left) === contents(right) ? passed() : failed('the files of the two paths differ')
}

// --- Files and tags ------------------------------------------------------------------------------------------------

/** Judges the files that a rule is about; there must be some. Their number is a metric of every rule. */
function overFiles(rule: SimpleRule, context: CheckContext, judge: (files: readonly FileFacts[]) => Judgement): Check {
  let files: readonly FileFacts[]
  try {
    files = filesOf(rule, context, 0)
  } catch (error) {
    return problem(`Invalid uriRegex: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (files.length === 0)
    return problem(`there are no files${rule.parameters[0] ? ` in ${rule.parameters[0].value}` : ''}`)
  const missing =
    rule.type.name === 'FileMatch' || rule.type.name === 'FileUniqueness' ? unhashed(files, rule) : undefined
  if (missing !== undefined) return problem(missing)
  return {
    judge: () => {
      const judged = judge(files)
      return { ...judged, metrics: { ...judged.metrics, 'Dataset.*.FileCount': files.length } }
    },
  }
}

/** Those below the path, or all of the batch: the most recent ones, and of these those whose path has the pattern in it. */
function filesOf(rule: SimpleRule, { files }: CheckContext, parameter: number): readonly FileFacts[] {
  const path = rule.parameters[parameter]?.value
  const below = path === undefined ? files : files.filter(file => file.path.startsWith(path))
  const recent = Number(tagOf(rule, 'recentFiles') ?? below.length)
  const latest = below.toSorted((left, right) => right.modifiedMs - left.modifiedMs).slice(0, recent)
  const regex = tagOf(rule, 'uriRegex')
  if (regex === undefined) return latest
  const pattern = new RegExp(javaScriptPattern(regex))
  return latest.filter(file => pattern.test(file.path))
}

function tagOf(rule: SimpleRule, name: string): string | undefined {
  const tag = rule.tags.find(each => each.name === name)
  return tag === undefined ? undefined : String(tag.value)
}

const matchesNames = (rule: SimpleRule): boolean => tagOf(rule, 'matchFileName')?.toLowerCase() === 'true'
const nameOf = (file: FileFacts): string => file.path.slice(file.path.lastIndexOf('/') + 1)

const algorithmOf = (rule: SimpleRule): string => tagOf(rule, 'hashAlgorithm') ?? 'SHA-256'
const digestOf = (file: FileFacts, rule: SimpleRule): string => (file.digests[algorithmOf(rule)] ?? '').toLowerCase()

/** Comparing with another algorithm's digests would never match, and say nothing of it. */
function unhashed(files: readonly FileFacts[], rule: SimpleRule): string | undefined {
  const other = files.find(file => digestOf(file, rule) === '')
  return other && `the ${algorithmOf(rule)} of ${other.path} is not known`
}
