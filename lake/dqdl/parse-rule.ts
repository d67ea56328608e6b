import type {
  Analyzer,
  CompositeRule,
  Condition,
  Labels,
  NumberCondition,
  Rule,
  SimpleRule,
  Size,
  Span,
} from './ast.ts'
import type { Cursor } from './cursor.ts'
import type { Token } from './lexer.ts'
import { parseCondition, type Scope } from './parse-condition.ts'
import { AMOUNT_MAX, isTimeZone } from './parse-date.ts'
import { parseLabels } from './parse-labels.ts'
import { leaveVariable, parseParameters } from './parse-parameters.ts'
import { parseSuffixes } from './parse-suffixes.ts'
import { lookUp } from './rule-lookup.ts'
import type { ConditionKind, RuleType } from './rule-types.ts'

export interface RuleContext {
  readonly scope: Scope
  readonly defaultLabels: Labels
}

/** Deeper nesting is nobody's rule, and would exhaust the stack. */
const DEPTH_MAX = 200

/** A rule or a composite: `and` binds tighter than `or`, both associate to the left. */
export function parseRule(cursor: Cursor, context: RuleContext, depth = 0): Rule {
  if (depth > DEPTH_MAX) return cursor.refuse(`rules may be nested ${DEPTH_MAX} deep`)
  return parseChain(cursor, 'or', () => parseChain(cursor, 'and', () => parseOne(cursor, context, depth)))
}

function parseChain(cursor: Cursor, operator: 'and' | 'or', parseNext: () => Rule): Rule {
  const start = cursor.peek()
  const rules = [parseNext()]
  while (cursor.take(operator, operator.toUpperCase())) rules.push(parseNext())
  return rules.length === 1 ? (rules[0] as Rule) : composite(operator, rules, cursor.from(start))
}

/** Flat when the operator is the same throughout; a nested composite that bears labels keeps them. */
function composite(operator: 'and' | 'or', rules: readonly Rule[], span: Span): CompositeRule {
  const flat = rules.flatMap(rule =>
    rule.kind === 'composite' && rule.operator === operator && Object.keys(rule.labels).length === 0
      ? rule.rules
      : [rule],
  )
  return { kind: 'composite', operator, rules: flat, labels: {}, span }
}

/** Labels behind a parenthesised rule are those of what stands in the parentheses. */
function parseOne(cursor: Cursor, context: RuleContext, depth: number): Rule {
  if (!cursor.take('(')) return parseSimpleRule(cursor, context)
  const rule = parseRule(cursor, context, depth + 1)
  cursor.expect(')')
  const token = cursor.take('labels')
  if (!token) return rule
  if (Object.keys(rule.labels).length > 0)
    cursor.warn('the labels within the parentheses are dropped for these', { span: token.span })
  return { ...rule, labels: parseLabels(cursor, context.defaultLabels) }
}

function parseSimpleRule(cursor: Cursor, { scope, defaultLabels }: RuleContext): SimpleRule {
  const name = parseName(cursor, 'a rule')
  const parameters = parseParameters(cursor, scope)
  const type = lookUp(cursor, { name, parameters, what: 'Rule' })
  if (type.use === 'analyzers-only')
    return cursor.refuse(`Analyzer Type: ${name.text} is not supported in rules section`, {
      span: name.span,
      fix: 'move it to Analyzers',
    })
  const start = cursor.peek()
  const found = parseCondition(cursor, scope)
  const condition = fitting(cursor, type, { condition: found, span: found ? cursor.from(start) : start.span })
  const suffixes = parseSuffixes(cursor, type, defaultLabels)
  const rule: SimpleRule = { kind: 'rule', type, parameters, condition, ...suffixes, span: cursor.from(name) }
  checkTimeZone(cursor, rule)
  return rule
}

/** A clock time is one of the zone that the tag names: without the zone it means nothing. */
function checkTimeZone(cursor: Cursor, { condition, tags, span }: SimpleRule): void {
  if (condition?.kind !== 'date' || condition.operands.every(each => each.kind !== 'time')) return
  const zone = String(tags.find(each => each.name === 'timeZone')?.value ?? 'UTC')
  if (!isTimeZone(zone))
    cursor.refuse(`Error Parsing Time Zone: ${zone}`, { span, fix: 'such as "America/New_York", "UTC" or "+02:00"' })
}

/** Rule type and parameters only. */
export function parseAnalyzer(cursor: Cursor, { scope }: RuleContext): Analyzer {
  const name = parseName(cursor, 'an analyzer')
  const parameters = parseParameters(cursor, scope, leaveVariable)
  const type = lookUp(cursor, { name, parameters, what: 'Analyzer' })
  if (type.use === 'rules-only')
    return cursor.refuse(`Analyzer Type: ${name.text} is not supported`, {
      span: name.span,
      fix: 'it is a rule: move it to Rules',
    })
  if (cursor.sees(...AFTER_PARAMETERS))
    return cursor.fail(`an analyzer has parameters only, found ${cursor.found()}`, {
      fix: 'move it to Rules, or take the condition away',
    })
  return { type, parameters, span: cursor.from(name) }
}

const AFTER_PARAMETERS = '> >= < <= = ! between not in matches where labels with'.split(' ')

function parseName(cursor: Cursor, what: string): Token {
  if (cursor.peek().kind === 'word') return cursor.next()
  return cursor.fail(`expected ${what}, found ${cursor.found()}`)
}

// --- Condition -----------------------------------------------------------------------------------------------------

interface Placed {
  readonly condition: Condition | undefined
  readonly span: Span
}

/** The condition as one that the rule takes; fails when it takes none, needs one, or another kind. */
function fitting(cursor: Cursor, type: RuleType, { condition, span }: Placed): Condition | undefined {
  const [wanted] = type.conditions
  if (condition === undefined) {
    if (!type.needsCondition || wanted === undefined) return undefined
    return cursor.refuse(`expected a condition after ${type.name}, found ${cursor.found()}`, {
      span,
      fix: EXAMPLES[wanted],
    })
  }
  if (wanted === undefined)
    return cursor.refuse(`Unexpected condition for rule of type ${type.name} with boolean return type`, {
      span,
      fix: 'take the condition away',
    })
  if (type.conditions.includes(condition.kind)) return condition
  if (condition.kind === 'number' && wanted === 'size') return bytesOf(cursor, condition, span)
  return cursor.refuse(
    `Unexpected condition for rule of type ${type.name} with ${type.conditions.join(' or ')} return type`,
    { span, fix: numberFix(condition, wanted) ?? EXAMPLES[wanted] },
  )
}

const EXAMPLES: Readonly<Record<ConditionKind, string>> = {
  number: 'it compares with a number, such as > 0 or between 0.9 and 1.1',
  string: 'it compares with text, such as = "a" or in ["a", "b"]',
  date: 'it compares with a date, such as > (now() - 3 days)',
  duration: 'it compares with a duration, such as <= 24 hours',
  size: 'it compares with a size, such as > 5 MB',
}

function numberFix(condition: Condition, wanted: ConditionKind): string | undefined {
  if (condition.kind !== 'string' || wanted !== 'number') return undefined
  const texts = condition.operands.map(each => (each.kind === 'text' ? each.value : ''))
  return texts.every(text => /^-?\d+(\.\d+)?$/.test(text)) ? `write ${texts.join(', ')} without quotes` : undefined
}

/** A bare integer is a number of bytes. */
function bytesOf(cursor: Cursor, { operator, operands }: NumberCondition, span: Span): Condition {
  const sizes = operands.map((operand): Size => {
    const amount = operand.kind === 'literal' && /^-?\d+$/.test(operand.text) ? operand.value : undefined
    if (amount !== undefined && amount >= -AMOUNT_MAX - 1 && amount <= AMOUNT_MAX) return { amount, unit: undefined }
    return cursor.refuse('a size is a whole number of B, KB, MB, GB or TB', {
      span,
      fix: amount === undefined ? EXAMPLES.size : `at most ${AMOUNT_MAX}: take a larger unit`,
    })
  })
  return { kind: 'size', operator, operands: sizes }
}
