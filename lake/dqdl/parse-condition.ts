import type {
  Comparison,
  Condition,
  DateOperand,
  Duration,
  Keyword,
  NumberOperand,
  Operator,
  Size,
  StringOperand,
  Variable,
} from './ast.ts'
import type { Cursor } from './cursor.ts'

/** The variables that are in scope, by name. */
export type Scope = ReadonlyMap<string, Variable>

/** The condition that comes next, of whatever kind; undefined when none does. The rule decides whether the kind is one of its own. */
export function parseCondition(cursor: Cursor, scope: Scope): Condition | undefined {
  const start = cursor.peek()
  const operator = parseOperator(cursor)
  if (operator === undefined) return undefined
  if (operator === 'matches' || operator === 'not matches') {
    const { text } = cursor.quoted('a regular expression')
    return { kind: 'string', operator, operands: [plainText(text)], variable: undefined }
  }
  if (operator === 'in' || operator === 'not in') return parseList(cursor, operator, scope)
  if (operator === 'between' || operator === 'not between') {
    const lower = parseOperand(cursor)
    if (!cursor.take('and', 'AND')) cursor.fail(`expected "and" after the lower end, found ${cursor.found()}`)
    return ofOneKind(cursor, { operator, operands: [lower, parseOperand(cursor)], start: start.span.start })
  }
  if (cursor.sees('$'))
    return cursor.fail('a variable can be a parameter or stand after "in", not here', { fix: 'write in $name' })
  return ofOneKind(cursor, { operator, operands: [parseOperand(cursor)], start: start.span.start })
}

const COMPARISONS: readonly string[] = ['>', '>=', '<', '<=', '=']

function parseOperator(cursor: Cursor): Operator | undefined {
  if (cursor.take('!')) {
    cursor.expect('=', '"=" after "!"')
    return '!='
  }
  const comparison = cursor.take(...COMPARISONS)
  if (comparison) {
    if (comparison.text === '=' && cursor.sees('='))
      return cursor.fail('DQDL compares with a single =', { fix: 'write = instead of ==' })
    if (comparison.text === '<' && cursor.sees('>'))
      return cursor.fail('DQDL has no <>', { fix: 'write != instead of <>' })
    return comparison.text as Comparison
  }
  if (cursor.sees('not')) {
    cursor.next()
    const negated = cursor.take('between', 'in', 'matches')
    if (!negated) return cursor.fail(`expected between, in or matches after "not", found ${cursor.found()}`)
    return `not ${negated.text}` as Operator
  }
  return cursor.take('between', 'in', 'matches')?.text as Operator | undefined
}

// --- Operands of any kind ------------------------------------------------------------------------------------------

type Operand =
  | { readonly kind: 'number'; readonly operand: NumberOperand }
  | { readonly kind: 'string'; readonly operand: StringOperand }
  | { readonly kind: 'date'; readonly operand: DateOperand }
  | { readonly kind: 'duration'; readonly operand: Duration }
  | { readonly kind: 'size'; readonly operand: Size }
  /** Stands with numbers, dates and strings alike. */
  | { readonly kind: 'null' }

interface Found {
  readonly operator: Operator
  readonly operands: readonly Operand[]
  readonly start: number
}

/** NULL alone is a number condition, as in AWS's model; beside others it is what they are. */
function ofOneKind(cursor: Cursor, { operator, operands, start }: Found): Condition {
  const kinds = new Set(operands.map(each => each.kind).filter(kind => kind !== 'null'))
  const span = { start, end: cursor.last.span.end }
  if (kinds.size > 1)
    return cursor.fail(`one condition cannot mix ${[...kinds].join(' and ')} values`, {
      span,
      fix: 'quote all of them, or none',
    })
  const [kind = 'number'] = kinds
  switch (kind) {
    case 'number':
      return {
        kind,
        operator,
        operands: operands.map(each => (each.kind === 'number' ? each.operand : { kind: 'null' })),
      }
    case 'string':
      return {
        kind,
        operator: stringOperator(cursor, operator, span),
        operands: operands.map(textOf),
        variable: undefined,
      }
    case 'date':
      return {
        kind,
        operator,
        operands: operands.map(each => (each.kind === 'date' ? each.operand : { kind: 'null' })),
      }
    case 'duration':
      return { kind, operator, operands: operands.flatMap(each => (each.kind === 'duration' ? [each.operand] : [])) }
    case 'size':
      return { kind, operator, operands: operands.flatMap(each => (each.kind === 'size' ? [each.operand] : [])) }
  }
}

const textOf = (operand: Operand): StringOperand =>
  operand.kind === 'string' ? operand.operand : { kind: 'keyword', keyword: 'NULL' }

function stringOperator(
  cursor: Cursor,
  operator: Operator,
  span: { readonly start: number; readonly end: number },
): Operator {
  if (operator === '=' || operator === '!=' || operator === 'in' || operator === 'not in') return operator
  return cursor.fail(`text cannot be compared with ${operator}`, { span, fix: 'use =, !=, in, not in or matches' })
}

function parseOperand(cursor: Cursor, inList = false): Operand {
  const { kind, text } = cursor.peek()
  if (kind === 'string') {
    cursor.next()
    return { kind: 'string', operand: inList ? unescaped(text) : plainText(text) }
  }
  const keyword = KEYWORDS.get(text)
  if (kind === 'word' && keyword !== undefined) {
    cursor.next()
    if (keyword !== 'NULL') return { kind: 'string', operand: { kind: 'keyword', keyword } }
    // An expression may begin with NULL, though nothing comes of it.
    return isNumberSign(cursor) ? { kind: 'number', operand: moreOf(cursor, { kind: 'null' }) } : { kind: 'null' }
  }
  const date = parseDate(cursor)
  if (date !== undefined) return { kind: 'date', operand: date }
  if (kind === 'number' && /^\d+$/.test(text)) {
    const unit = cursor.peek(1)
    if (unit.kind === 'word' && DURATION_UNITS.has(unit.text))
      return { kind: 'duration', operand: parseDuration(cursor) }
    if (unit.kind === 'word' && SIZE_UNITS.has(unit.text)) return { kind: 'size', operand: parseSize(cursor) }
  }
  return { kind: 'number', operand: parseNumber(cursor) }
}

const KEYWORDS: ReadonlyMap<string, Keyword> = new Map([
  ['NULL', 'NULL'],
  ['null', 'NULL'],
  ['EMPTY', 'EMPTY'],
  ['empty', 'EMPTY'],
  ['WHITESPACES_ONLY', 'WHITESPACES_ONLY'],
  ['whitespaces_only', 'WHITESPACES_ONLY'],
])

export const keywordOf = (word: string): Keyword | undefined => KEYWORDS.get(word)

function parseList(cursor: Cursor, operator: 'in' | 'not in', scope: Scope): Condition {
  if (cursor.take('$')) return variableList(cursor, operator, scope)
  const start = cursor.expect('[', 'a list in brackets, or $variable').span.start
  if (cursor.sees(']')) return cursor.fail('a list needs at least one value')
  const operands: Operand[] = []
  do {
    if (cursor.sees('$')) return cursor.fail('a variable cannot stand inside a list', { fix: 'write in $name' })
    operands.push(parseOperand(cursor, true))
  } while (cursor.take(','))
  cursor.expect(']', '"," or "]"')
  return ofOneKind(cursor, { operator, operands, start })
}

function variableList(cursor: Cursor, operator: 'in' | 'not in', scope: Scope): Condition {
  const { text: name, span } = cursor.next()
  const variable = scope.get(name)
  if (variable === undefined) return cursor.fail(`Variable not found: ${name}`, { span })
  const values = typeof variable.value === 'string' ? [variable.value] : variable.value
  return { kind: 'string', operator, operands: values.map(variableOperand), variable: name }
}

function variableOperand(value: string): StringOperand {
  return { kind: 'text', value, raw: value }
}

/** After = and matches backslashes stay as they are written; `value` is what a reader means by them. */
const plainText = (raw: string): StringOperand => ({ kind: 'text', value: raw, raw })

/** In lists the escapes are taken out. */
function unescaped(text: string): StringOperand {
  const value = text.replace(/\\(.)/gs, '$1')
  return { kind: 'text', value, raw: value }
}

// --- Dates, durations, sizes ---------------------------------------------------------------------------------------

function parseDate(cursor: Cursor): DateOperand | undefined {
  const { kind, text, span } = cursor.peek()
  if (kind === 'date') {
    cursor.next()
    return { kind: 'date', text }
  }
  if (kind === 'time') {
    cursor.next()
    const minutes = minutesOf(text)
    return minutes === undefined
      ? cursor.fail(`"${text}" is no time of the day`, { span })
      : { kind: 'time', text, minutes }
  }
  if (kind === 'now') {
    cursor.next()
    if (cursor.sees('+', '-'))
      return cursor.fail('arithmetic on now() stands in parentheses', { fix: 'write (now() - 3 days)' })
    return { kind: 'now', offset: undefined }
  }
  if (text !== '(' || cursor.peek(1).kind !== 'now') return undefined
  cursor.next()
  cursor.next()
  const sign = cursor.take('+', '-')
  if (!sign) return cursor.fail(`expected + or - after now(), found ${cursor.found()}`)
  const duration = parseDuration(cursor)
  cursor.expect(')')
  return { kind: 'now', offset: { sign: sign.text as '+' | '-', duration } }
}

/** Clock times are checked, dates are not ("2022-99-99" parses): so AWS does. */
function minutesOf(text: string): number | undefined {
  const [, hours, minutes, half] = /^(\d{1,2}):(\d\d)(?: ([AP])M)?$/.exec(text) ?? []
  const [hour, minute] = [Number(hours), Number(minutes)]
  if (minute > 59) return undefined
  if (half === undefined) return hour > 23 ? undefined : hour * 60 + minute
  return hour < 1 || hour > 12 ? undefined : ((hour % 12) + (half === 'P' ? 12 : 0)) * 60 + minute
}

const DURATION_UNITS: ReadonlySet<string> = new Set(['days', 'hours', 'minutes'])
const SIZE_UNITS: ReadonlySet<string> = new Set(['B', 'KB', 'MB', 'GB', 'TB'])
/** AWS keeps amounts in 32 bits and dies on more. */
const AMOUNT_MAX = 2_147_483_647

function parseDuration(cursor: Cursor): Duration {
  const amount = parseAmount(cursor)
  const { kind, text } = cursor.peek()
  if (kind === 'word' && DURATION_UNITS.has(text)) {
    cursor.next()
    return { amount, unit: text as Duration['unit'] }
  }
  const plural = DURATION_UNITS.has(`${text}s`) ? `write ${amount} ${text}s` : undefined
  return cursor.fail(
    `expected days, hours or minutes, found ${cursor.found()}`,
    plural === undefined ? {} : { fix: plural },
  )
}

function parseSize(cursor: Cursor): Size {
  const amount = parseAmount(cursor)
  return { amount, unit: cursor.next().text as Size['unit'] }
}

function parseAmount(cursor: Cursor): number {
  const { kind, text, span } = cursor.next()
  if (kind !== 'number' || !/^\d+$/.test(text)) return cursor.fail(`expected a whole number, found "${text}"`, { span })
  if (Number(text) > AMOUNT_MAX) return cursor.fail(`${text} is too large: at most ${AMOUNT_MAX}`, { span })
  return Number(text)
}

// --- Numbers -------------------------------------------------------------------------------------------------------

const isNumberSign = (cursor: Cursor): boolean => cursor.sees('+', '-', '*', '/')

/** Deeper nesting is nobody's rule, and would exhaust the stack. */
const DEPTH_MAX = 50

/** All four operators have one precedence and associate to the left: 2 + 3 * 4 is 20. */
export function parseNumber(cursor: Cursor, depth = 0): NumberOperand {
  if (depth > DEPTH_MAX) return cursor.fail(`expressions may be nested ${DEPTH_MAX} deep`)
  return moreOf(cursor, parseTerm(cursor, depth), depth)
}

function moreOf(cursor: Cursor, first: NumberOperand, depth = 0): NumberOperand {
  let left = first
  while (isNumberSign(cursor)) {
    const operator = cursor.next().text as '+' | '-' | '*' | '/'
    left = { kind: 'binary', operator, left, right: parseTerm(cursor, depth), inParentheses: false }
  }
  return left
}

function parseTerm(cursor: Cursor, depth: number): NumberOperand {
  if (cursor.take('(')) {
    const inner = parseNumber(cursor, depth + 1)
    cursor.expect(')')
    return inner.kind === 'binary' ? { ...inner, inParentheses: true } : inner
  }
  const negative = cursor.take('-')
  const { kind, text, span } = cursor.peek()
  if (kind === 'number') {
    cursor.next()
    const sign = negative ? '-' : ''
    return { kind: 'literal', text: `${sign}${text}`, value: Number(`${sign}${text}`) }
  }
  if (!negative && kind === 'word' && keywordOf(text) === 'NULL') {
    cursor.next()
    return { kind: 'null' }
  }
  if (!negative && kind === 'now') {
    cursor.next()
    return cursor.fail('now() is a date', { span })
  }
  if (!negative && kind === 'word' && cursor.peek(1).text === '(' && cursor.peek(1).kind === 'sign')
    return parseCall(cursor, depth)
  return cursor.fail(`expected a number, found ${cursor.found()}`, fixOf(kind, text))
}

function parseCall(cursor: Cursor, depth: number): NumberOperand {
  const name = cursor.next().text
  cursor.expect('(')
  const given: NumberOperand[] = []
  if (!cursor.sees(')')) {
    do given.push(parseNumber(cursor, depth + 1))
    while (cursor.take(','))
  }
  cursor.expect(')', '"," or ")"')
  return { kind: 'call', name, arguments: given }
}

function fixOf(kind: string, text: string): { readonly fix?: string } {
  if (kind === 'string' && /^-?\d+(\.\d+)?$/.test(text)) return { fix: `write ${text} without quotes` }
  if (kind === 'word' && /^\.\d+$/.test(text)) return { fix: `write 0${text}` }
  const joined = /^(\d+)(days|hours|minutes|B|KB|MB|GB|TB)$/.exec(text)
  if (kind === 'word' && joined) return { fix: `write ${joined[1]} ${joined[2]}, with a space` }
  if (kind === 'word' && /^\d[\d.]*e\d+$/i.test(text)) return { fix: 'write the number without an exponent' }
  return {}
}
