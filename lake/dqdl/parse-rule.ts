import type {
  Analyzer,
  CompositeRule,
  Condition,
  Labels,
  NumberCondition,
  Parameter,
  Rule,
  SimpleRule,
  Size,
  Tag,
} from './ast.ts'
import type { Cursor } from './cursor.ts'
import type { Token } from './lexer.ts'
import { parseCondition, type Scope } from './parse-condition.ts'
import { parseLabels } from './parse-labels.ts'
import { arity, type ConditionKind, formsOf, RULE_NAMES, type RuleType, ruleTypeOf } from './rule-types.ts'

export interface RuleContext {
  readonly scope: Scope
  readonly defaultLabels: Labels
}

/** Deeper nesting is nobody's rule, and would exhaust the stack. */
const DEPTH_MAX = 50

/** A rule or a composite: `and` binds tighter than `or`, both associate to the left. */
export function parseRule(cursor: Cursor, context: RuleContext, depth = 0): Rule {
  if (depth > DEPTH_MAX)
    return cursor.fail(`Maximum nested expression depth of ${DEPTH_MAX} reached for composite rule`)
  return parseChain(cursor, 'or', () => parseChain(cursor, 'and', () => parseOne(cursor, context, depth)))
}

function parseChain(cursor: Cursor, operator: 'and' | 'or', parseNext: () => Rule): Rule {
  const start = cursor.peek()
  const rules = [parseNext()]
  while (cursor.take(operator, operator.toUpperCase())) rules.push(parseNext())
  return rules.length === 1
    ? (rules[0] as Rule)
    : composite(operator, rules, { start: start.span.start, end: cursor.last.span.end })
}

/** Flat when the operator is the same throughout; a nested composite that bears labels keeps them. */
function composite(operator: 'and' | 'or', rules: readonly Rule[], span: CompositeRule['span']): CompositeRule {
  const flat = rules.flatMap(rule =>
    rule.kind === 'composite' && rule.operator === operator && Object.keys(rule.labels).length === 0
      ? rule.rules
      : [rule],
  )
  return { kind: 'composite', operator, rules: flat, labels: {}, span }
}

/** Labels behind a parenthesised composite are the composite's own. */
function parseOne(cursor: Cursor, context: RuleContext, depth: number): Rule {
  if (!cursor.take('(')) return parseSimpleRule(cursor, context)
  const rule = parseRule(cursor, context, depth + 1)
  cursor.expect(')')
  if (!cursor.sees('labels')) return rule
  const token = cursor.next()
  if (rule.kind === 'rule' && Object.keys(rule.labels).length > 0)
    cursor.fail('the rule has labels already', { span: token.span })
  return { ...rule, labels: parseLabels(cursor, context.defaultLabels) }
}

function parseSimpleRule(cursor: Cursor, context: RuleContext): SimpleRule {
  const start = cursor.peek()
  const name = parseName(cursor, 'a rule')
  const parameters = parseParameters(cursor, context.scope)
  const type = lookUp(cursor, { name, parameters, what: 'Rule' })
  if (type.use === 'analyzers-only')
    return cursor.fail(`Analyzer Type: ${name.text} is not supported in rules section`, {
      span: name.span,
      fix: 'move it to Analyzers',
    })
  const condition = fitting(cursor, type, parseConditionOf(cursor, context.scope))
  const suffixes = parseSuffixes(cursor, type, context)
  return { kind: 'rule', type, parameters, condition, ...suffixes, span: cursor.from(start) }
}

/** Rule type and parameters only. */
export function parseAnalyzer(cursor: Cursor): Analyzer {
  const name = parseName(cursor, 'an analyzer')
  const parameters = parseParameters(cursor, new Map())
  const type = lookUp(cursor, { name, parameters, what: 'Analyzer' })
  if (type.use === 'rules-only')
    return cursor.fail(`Analyzer Type: ${name.text} is not supported`, {
      span: name.span,
      fix: 'it is a rule: move it to Rules',
    })
  if (!cursor.sees(',', ']'))
    return cursor.fail(`an analyzer has parameters only, found ${cursor.found()}`, {
      fix: 'move it to Rules, or take the condition away',
    })
  return { type, parameters, span: cursor.from(name) }
}

// --- Name and parameters -------------------------------------------------------------------------------------------

function parseName(cursor: Cursor, what: string): Token {
  if (cursor.peek().kind === 'word') return cursor.next()
  return cursor.fail(`expected ${what}, found ${cursor.found()}`)
}

/** Words that cannot be an unquoted name. */
const KEYWORDS: ReadonlySet<string> = new Set(
  'and AND or OR of OF null NULL empty EMPTY whitespaces_only WHITESPACES_ONLY between in not matches where with labels days hours minutes B KB MB GB TB Rules Analyzers Metadata DataSources DefaultLabels'.split(
    ' ',
  ),
)
const CONNECTORS = ['of', 'OF', 'and', 'AND'] as const

function parseParameters(cursor: Cursor, scope: Scope): readonly Parameter[] {
  const parameters: Parameter[] = []
  for (;;) {
    const connector = cursor.sees(...CONNECTORS) && isParameter(cursor.peek(1)) ? cursor.next().text : undefined
    if (!isParameter(cursor.peek())) return parameters
    parameters.push({ ...parseParameter(cursor, scope), connector })
  }
}

const isParameter = ({ kind, text }: Token): boolean =>
  kind === 'string' || (kind === 'word' && !KEYWORDS.has(text)) || (kind === 'sign' && text === '$')

function parseParameter(cursor: Cursor, scope: Scope): Omit<Parameter, 'connector'> {
  if (!cursor.take('$')) {
    const { kind, text } = cursor.next()
    const quoted = kind === 'string'
    return { value: quoted ? text.replace(/\\(["\\])/g, '$1') : text, raw: text, quoted, variable: undefined }
  }
  const { text: name, span } = cursor.next()
  const variable = scope.get(name)
  if (variable === undefined) return cursor.fail(`Variable not found: ${name}`, { span, fix: 'define it before Rules' })
  if (typeof variable.value !== 'string')
    return cursor.fail(`the variable ${name} is a list and cannot be a parameter`, { span, fix: `write in $${name}` })
  return { value: variable.value, raw: variable.value, quoted: true, variable: name }
}

interface Named {
  readonly name: Token
  readonly parameters: readonly Parameter[]
  readonly what: 'Rule' | 'Analyzer'
}

function lookUp(cursor: Cursor, { name, parameters, what }: Named): RuleType {
  const type = ruleTypeOf(name.text, parameters.length)
  if (type) return type
  const forms = formsOf(name.text)
  const span = { start: name.span.start, end: cursor.last.span.end }
  if (forms.length === 0) {
    const near = nearest(name.text)
    return cursor.fail(`${what} Type: ${name.text} is not valid`, {
      span: name.span,
      ...(near === undefined ? {} : { fix: `did you mean ${near}?` }),
    })
  }
  const second = parameters.find(
    each => /^(and|AND)$/.test(each.connector ?? '') && formsOf(each.value).length > 0 && !each.quoted,
  )
  if (second)
    return cursor.fail(
      `${what} Type: ${name.text} is not valid with ${parameters.length} parameters: without parentheses "and" joins parameters`,
      {
        span,
        fix: `write (${name.text} …) and (${second.value} …)`,
      },
    )
  return cursor.fail(`${what} Type: ${name.text} is not valid with ${parameters.length} parameters`, {
    span,
    fix: `it takes ${arity(forms)}`,
  })
}

/** The rule whose name is nearest, if any is near. */
function nearest(name: string): string | undefined {
  const ranked = RULE_NAMES.map(each => ({ each, steps: distance(each.toLowerCase(), name.toLowerCase()) }))
  const [best] = ranked.toSorted((left, right) => left.steps - right.steps)
  return best && best.steps <= Math.max(2, Math.floor(name.length / 3)) ? best.each : undefined
}

function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, at) => at)
  for (let i = 1; i <= left.length; i++) {
    const next = [i]
    for (let j = 1; j <= right.length; j++) {
      const replaced = (row[j - 1] as number) + (left[i - 1] === right[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[right.length] as number
}

// --- Condition -----------------------------------------------------------------------------------------------------

interface Placed {
  readonly condition: Condition | undefined
  readonly span: Token['span']
}

function parseConditionOf(cursor: Cursor, scope: Scope): Placed {
  const start = cursor.peek()
  const condition = parseCondition(cursor, scope)
  return { condition, span: condition ? cursor.from(start) : start.span }
}

/** The condition as one that the rule takes; fails when it takes none, needs one, or another kind. */
function fitting(cursor: Cursor, type: RuleType, { condition, span }: Placed): Condition | undefined {
  if (condition === undefined) {
    if (!type.needsCondition) return undefined
    return cursor.fail(`expected a condition after ${type.name}, found ${cursor.found()}`, {
      span,
      fix: EXAMPLES[type.conditions[0] as ConditionKind],
    })
  }
  if (type.conditions.length === 0)
    return cursor.fail(`Unexpected condition for rule of type ${type.name} with boolean return type`, {
      span,
      fix: 'take the condition away',
    })
  if (type.conditions.includes(condition.kind)) return condition
  // A bare integer is a number of bytes.
  const size = condition.kind === 'number' && type.conditions.includes('size') ? sizesOf(condition) : undefined
  if (size) return { kind: 'size', operator: condition.operator, operands: size }
  return cursor.fail(
    `Unexpected condition for rule of type ${type.name} with ${type.conditions.join(' or ')} return type`,
    {
      span,
      fix: EXAMPLES[type.conditions[0] as ConditionKind],
    },
  )
}

const EXAMPLES: Readonly<Record<ConditionKind, string>> = {
  number: 'it compares with a number, such as > 0 or between 0.9 and 1.1',
  string: 'it compares with text, such as = "a" or in ["a", "b"]',
  date: 'it compares with a date, such as > (now() - 3 days)',
  duration: 'it compares with a duration, such as <= 24 hours',
  size: 'it compares with a size, such as > 5 MB',
}

function sizesOf(condition: NumberCondition): readonly Size[] | undefined {
  const sizes = condition.operands.map(each =>
    each.kind === 'literal' && Number.isInteger(each.value) ? { amount: each.value, unit: undefined } : undefined,
  )
  return sizes.every(size => size !== undefined) ? sizes : undefined
}

// --- What follows --------------------------------------------------------------------------------------------------

type Suffixes = Pick<SimpleRule, 'where' | 'threshold' | 'tags' | 'labels'>

/** In the grammar where, labels and tags follow in this order; AWS's documentation and its own printer write them otherwise. */
const ORDER = ['where', 'labels', 'with'] as const

function parseSuffixes(cursor: Cursor, type: RuleType, context: RuleContext): Suffixes {
  let found: Suffixes = { where: undefined, threshold: undefined, tags: [], labels: {} }
  let reached = 0
  for (let word = cursor.peek(); cursor.sees(...ORDER); word = cursor.peek()) {
    const rank = ORDER.indexOf(word.text as (typeof ORDER)[number])
    if (rank < reached || (rank === reached && reached < 2 && isTaken(found, rank)))
      misplaced(cursor, word, isTaken(found, rank))
    reached = Math.max(reached, rank)
    cursor.next()
    if (word.text === 'where') found = { ...found, where: parseWhere(cursor, type) }
    else if (word.text === 'labels') found = { ...found, labels: parseLabels(cursor, context.defaultLabels) }
    else found = withTag(cursor, type, found)
  }
  return found
}

const isTaken = (found: Suffixes, rank: number): boolean =>
  rank === 0 ? found.where !== undefined : rank === 1 && Object.keys(found.labels).length > 0

function misplaced(cursor: Cursor, word: Token, isRepeated: boolean): void {
  if (isRepeated) cursor.fail(`the rule has a second "${word.text}"`, { span: word.span })
  const fix = 'the order is: condition, where, labels, with'
  if (cursor.mode === 'aws') cursor.fail(`"${word.text}" cannot stand here`, { span: word.span, fix })
  cursor.warn(`AWS refuses "${word.text}" here`, word.span, fix)
}

function parseWhere(cursor: Cursor, type: RuleType): string {
  const { text, span } = cursor.quoted('a predicate')
  if (text === '') return cursor.fail(`Empty where condition provided for rule type: ${type.name}`, { span })
  if (!type.where) return cursor.fail(`Where clause is not supported for rule type: ${type.name}`, { span })
  return text
}

function withTag(cursor: Cursor, type: RuleType, found: Suffixes): Suffixes {
  const { kind, text: name, span } = cursor.peek()
  if (kind !== 'word' && kind !== 'string')
    return cursor.fail(`expected the name of a tag after "with", found ${cursor.found()}`)
  cursor.next()
  const start = cursor.peek()
  const condition = parseCondition(cursor, new Map())
  const place = { start: span.start, end: cursor.last.span.end }
  if (condition === undefined)
    return cursor.fail(`expected a condition after "with ${name}", found ${cursor.found()}`, {
      span: start.span,
      fix: 'such as with threshold > 0.9',
    })
  if (condition.kind === 'number' && name.toLowerCase() === 'threshold') {
    if (!type.threshold)
      return cursor.fail(`Threshold condition not supported for rule type: ${type.name}`, {
        span: place,
        fix: 'only ColumnValues, ColumnDataType, CustomSql and file rules take one',
      })
    if (found.threshold) return cursor.fail('Only one threshold condition at a time is supported.', { span: place })
    return { ...found, threshold: condition }
  }
  return { ...found, tags: [...found.tags, tagOf(cursor, { name, condition, place })] }
}

function tagOf(
  cursor: Cursor,
  { name, condition, place }: { readonly name: string; readonly condition: Condition; readonly place: Token['span'] },
): Tag {
  if (condition.operator !== '=')
    return cursor.fail(`Only EQUAL_TO condition is supported for tags: with ${name} = …`, { span: place })
  const [operand] = condition.operands
  if (condition.kind === 'string' && operand && 'raw' in operand) return { name, value: operand.value }
  if (condition.kind === 'string' && operand && 'keyword' in operand) return { name, value: operand.keyword }
  if (condition.kind === 'number' && operand && 'value' in operand && typeof operand.value === 'number')
    return { name, value: operand.value }
  return cursor.fail(`the tag ${name} takes a text or a number`, { span: place })
}
