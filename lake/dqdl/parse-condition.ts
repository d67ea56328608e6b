import type {
  Comparison,
  Condition,
  DateOperand,
  Duration,
  Keyword,
  NumberOperand,
  Operator,
  Size,
  Span,
  StringOperand,
  Variable,
} from './ast.ts'
import type { Cursor } from './cursor.ts'
import { isDurationNext, isSizeNext, parseDate, parseDuration, parseSize } from './parse-date.ts'
import { isOperatorNext, moreOf, parseNumber, unitFix } from './parse-number.ts'

/** The variables that are in scope, by name. */
export type Scope = ReadonlyMap<string, Variable>

/** The condition that comes next, of whatever kind; undefined when none does. The rule decides whether the kind is one of its own. */
export function parseCondition(cursor: Cursor, scope: Scope): Condition | undefined {
  const { start } = cursor.peek().span
  const operator = parseOperator(cursor)
  switch (operator) {
    case undefined:
      return undefined
    case 'matches':
    case 'not matches': {
      const { text } = cursor.quoted('a regular expression')
      return { kind: 'string', operator, operands: [{ kind: 'text', value: text, raw: text }], variable: undefined }
    }
    case 'in':
    case 'not in':
      return cursor.take('$') ? variableList(cursor, operator, scope) : parseList(cursor, operator)
    case 'between':
    case 'not between': {
      const lower = parseOperand(cursor)
      if (!cursor.take('and', 'AND')) cursor.fail(`expected "and" after the lower end, found ${cursor.found()}`)
      return ofOneKind(cursor, { operator, operands: [lower, parseOperand(cursor)], start })
    }
    default:
      return ofOneKind(cursor, { operator, operands: [parseOperand(cursor)], start })
  }
}

const COMPARISONS: readonly string[] = ['>', '>=', '<', '<=', '=']

function parseOperator(cursor: Cursor): Operator | undefined {
  if (cursor.take('!')) {
    cursor.expect('=', '"=" after "!"')
    return '!='
  }
  const comparison = cursor.take(...COMPARISONS)
  if (comparison) {
    rejectDoubled(cursor, comparison.text)
    return comparison.text as Comparison
  }
  if (cursor.take('not')) {
    const negated = cursor.take('between', 'in', 'matches')
    if (!negated)
      return cursor.fail(`expected between, in or matches after "not", found ${cursor.found()}`, {
        fix: cursor.sees('=') ? 'write != instead of not =' : undefined,
      })
    return `not ${negated.text}` as Operator
  }
  return cursor.take('between', 'in', 'matches')?.text as Operator | undefined
}

/** The operators of other languages, each with DQDL's. */
const DOUBLED: ReadonlyMap<string, string> = new Map([
  ['==', '='],
  ['<>', '!='],
  ['=>', '>='],
  ['=<', '<='],
])

function rejectDoubled(cursor: Cursor, first: string): void {
  if (!cursor.sees('=', '>', '<')) return
  const other = `${first}${cursor.peek().text}`
  const meant = DOUBLED.get(other)
  if (meant === undefined) return
  const span = { start: cursor.last.span.start, end: cursor.peek().span.end }
  cursor.fail(`DQDL has no ${other}`, { span, fix: `write ${meant} instead of ${other}` })
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
  const hasNull = operands.some(each => each.kind === 'null')
  const span = { start, end: cursor.last.span.end }
  const [kind = 'number', other = hasNull && (kind === 'duration' || kind === 'size') ? 'NULL' : undefined] = kinds
  if (other !== undefined)
    return cursor.fail(`one condition cannot mix ${kind} and ${other} values`, { span, fix: mixFix(kind, other) })
  switch (kind) {
    case 'number':
      return {
        kind,
        operator,
        operands: operands.map(each => (each.kind === 'number' ? each.operand : { kind: 'null' })),
      }
    case 'string':
      checkTextOperator(cursor, { operator, operands, span })
      return { kind, operator, operands: operands.map(textOf), variable: undefined }
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

function mixFix(kind: string, other: string): string | undefined {
  const both = [kind, other]
  if (both.includes('number') && both.includes('string')) return 'quote all of them, or none'
  if (both.includes('date') && both.includes('string')) return 'a quoted date is read as a date, not as text'
  return both.includes('number') ? 'give each of them its unit' : undefined
}

const textOf = (operand: Operand): StringOperand =>
  operand.kind === 'string' ? operand.operand : { kind: 'keyword', keyword: 'NULL' }

interface TextComparison {
  readonly operator: Operator
  readonly operands: readonly Operand[]
  readonly span: Span
}

function checkTextOperator(cursor: Cursor, { operator, operands, span }: TextComparison): void {
  if (operator === '=' || operator === '!=' || operator === 'in' || operator === 'not in') return
  const texts = operands.map(each => (each.kind === 'string' && each.operand.kind === 'text' ? each.operand.value : ''))
  const isNumeric = texts.every(text => /^-?\d+(\.\d+)?$/.test(text))
  cursor.fail(`text cannot be compared with ${operator}`, {
    span,
    fix: isNumeric ? `write ${texts.join(' and ')} without quotes` : 'use =, !=, in, not in or matches',
  })
}

function parseOperand(cursor: Cursor, inList = false): Operand {
  const { kind, text } = cursor.peek()
  if (kind === 'string') {
    cursor.next()
    return { kind: 'string', operand: inList ? listText(text) : plainText(text) }
  }
  const keyword = kind === 'keyword' ? keywordOf(text) : undefined
  if (keyword !== undefined) {
    cursor.next()
    if (keyword !== 'NULL') return { kind: 'string', operand: { kind: 'keyword', keyword } }
    // An expression may begin with NULL, though nothing comes of it.
    return isOperatorNext(cursor) ? { kind: 'number', operand: moreOf(cursor, { kind: 'null' }) } : { kind: 'null' }
  }
  if (cursor.sees('$'))
    return cursor.refuse(`a variable cannot stand ${inList ? 'inside a list' : 'here'}`, {
      fix: 'write in $name, or use it as a parameter',
    })
  const date = parseDate(cursor)
  if (date !== undefined) return { kind: 'date', operand: date }
  if (isDurationNext(cursor)) return { kind: 'duration', operand: parseDuration(cursor) }
  if (isSizeNext(cursor)) return { kind: 'size', operand: parseSize(cursor) }
  const operand = parseNumber(cursor)
  rejectUnit(cursor)
  return { kind: 'number', operand }
}

/** `1 day`: a number, and behind it a word that is no unit but looks like one. */
function rejectUnit(cursor: Cursor): void {
  const { kind, text } = cursor.peek()
  const fix = kind === 'word' && cursor.last.kind === 'number' ? unitFix(cursor.last.text, text) : undefined
  if (fix === undefined) return
  const span = { start: cursor.last.span.start, end: cursor.peek().span.end }
  cursor.fail(`"${cursor.last.text} ${text}" is no duration and no size`, { span, fix })
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

/** `\"`, `\\` and, as AWS prints it, `\'` mean the character behind the backslash. */
export const meaningOf = (raw: string): string => raw.replace(/\\(["'\\])/g, '$1')

/** After = backslashes stay as they are written; `value` is what a reader means by them. */
const plainText = (raw: string): StringOperand => ({ kind: 'text', value: meaningOf(raw), raw })

/** In lists AWS takes every backslash out, an escaping one before the closing quote included. */
const listText = (text: string): StringOperand => ({
  kind: 'text',
  value: text.replace(/\\(.)/gs, '$1'),
  raw: `${text}"`.replace(/\\(.)/g, '$1').slice(0, -1),
})

function parseList(cursor: Cursor, operator: 'in' | 'not in'): Condition {
  const fix = cursor.sees('(') ? 'lists stand in brackets: [ … ]' : undefined
  const { start } = cursor.expect('[', 'a list in brackets, or $variable', fix).span
  if (cursor.sees(']')) return cursor.fail('a list needs at least one value')
  const operands: Operand[] = []
  do operands.push(parseOperand(cursor, true))
  while (cursor.take(','))
  cursor.expect(']', '"," or "]"')
  return ofOneKind(cursor, { operator, operands, start })
}

function variableList(cursor: Cursor, operator: 'in' | 'not in', scope: Scope): Condition {
  const variable = parseReference(cursor, scope)
  const values = typeof variable.value === 'string' ? [variable.value] : variable.value
  return {
    kind: 'string',
    operator,
    operands: values.map(raw => ({ kind: 'text', value: meaningOf(raw), raw })),
    variable: variable.name,
  }
}

/** The name behind a `$`, and the variable that bears it. */
export function parseReference(cursor: Cursor, scope: Scope): Variable {
  if (cursor.peek().kind !== 'word')
    return cursor.fail(`expected the name of a variable after "$", found ${cursor.found()}`)
  const { text: name, span } = cursor.next()
  const variable = scope.get(name)
  if (variable !== undefined) return variable
  const known = [...scope.keys()].map(each => `$${each}`).join(', ')
  return cursor.refuse(`Variable not found: ${name}`, {
    span,
    fix: known === '' ? `define it before Rules: ${name} = "…"` : `there are ${known}`,
  })
}
