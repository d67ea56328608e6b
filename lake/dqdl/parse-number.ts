import type { NumberOperand } from './ast.ts'
import { type Cursor, spelling } from './cursor.ts'
import type { Token } from './lexer.ts'

/** Deeper nesting and longer sums are nobody's rule, and would exhaust the stack of whoever walks the tree. */
const DEPTH_MAX = 200
const OPERATORS_MAX = 1_000

/** All four operators have one precedence and associate to the left: 2 + 3 * 4 is 20. */
export function parseNumber(cursor: Cursor, depth = 0): NumberOperand {
  if (depth > DEPTH_MAX) return cursor.refuse(`expressions may be nested ${DEPTH_MAX} deep`)
  return moreOf(cursor, parseTerm(cursor, depth), depth)
}

/** The rest of an expression of which the first operand is read. */
export function moreOf(cursor: Cursor, first: NumberOperand, depth = 0): NumberOperand {
  let left = first
  for (let count = 0; isOperatorNext(cursor); count++) {
    if (count === OPERATORS_MAX) return cursor.refuse(`an expression may have ${OPERATORS_MAX} operators`)
    const operator = cursor.next().text as '+' | '-' | '*' | '/'
    left = { kind: 'binary', operator, left, right: parseTerm(cursor, depth), inParentheses: false }
  }
  return left
}

export const isOperatorNext = (cursor: Cursor): boolean => cursor.sees('+', '-', '*', '/')

function parseTerm(cursor: Cursor, depth: number): NumberOperand {
  if (cursor.take('(')) return parseParenthesised(cursor, depth)
  const isNegative = cursor.take('-') !== undefined
  const token = cursor.peek()
  if (token.kind === 'number') {
    cursor.next()
    const text = `${isNegative ? '-' : ''}${token.text}`
    return { kind: 'literal', text, value: Number(text) }
  }
  if (!isNegative && cursor.take('NULL', 'null')) return { kind: 'null' }
  if (!isNegative && token.kind === 'word' && cursor.peek(1).text === '(') return parseCall(cursor, depth)
  return cursor.fail(`expected a ${isNegative ? 'number' : 'value'}, found ${cursor.found()}`, { fix: valueFix(token) })
}

function parseParenthesised(cursor: Cursor, depth: number): NumberOperand {
  const inner = parseNumber(cursor, depth + 1)
  cursor.expect(')')
  return inner.kind === 'binary' ? { ...inner, inParentheses: true } : inner
}

function parseCall(cursor: Cursor, depth: number): NumberOperand {
  const { text: name, span } = cursor.next()
  if (name.toLowerCase() === 'now')
    cursor.warn('AWS reads this as a function of numbers, not as the present time', { span, fix: 'write now()' })
  cursor.expect('(')
  const given: NumberOperand[] = []
  if (!cursor.sees(')')) {
    do given.push(parseNumber(cursor, depth + 1))
    while (cursor.take(','))
  }
  cursor.expect(')', '"," or ")"')
  return { kind: 'call', name, arguments: given }
}

/** What to write instead of something that is no value, in the cases that happen. */
export function valueFix({ kind, text }: Token): string | undefined {
  if (kind === 'string' && /^-?\d+(\.\d+)?$/.test(text)) return `write ${text} without quotes`
  if (kind === 'now') return 'now() is a date: it stands alone, or in (now() - 3 days)'
  if (kind === 'sign' && text === '+') return 'leave the + away'
  if (kind !== 'word') return undefined
  if (/^\.\d+$/.test(text)) return `write 0${text}`
  if (/^\d+\.$/.test(text)) return `write ${text}0`
  if (/^[\d.]+e\d+$/i.test(text)) return 'write the number without an exponent'
  const [, amount, unit] = /^(\d+)([a-z]+)$/i.exec(text) ?? []
  const amountFix = amount !== undefined && unit !== undefined ? unitFix(amount, unit) : undefined
  return amountFix ?? spelling({ kind, text }) ?? `write "${text}" if it is text`
}

const UNITS = ['days', 'hours', 'minutes', 'B', 'KB', 'MB', 'GB', 'TB']

/** `1 day`, `3days`, `5 kb`: an amount in a unit that is not spelt as DQDL spells it. */
export function unitFix(amount: string, word: string): string | undefined {
  const name = word.toLowerCase()
  const unit = UNITS.find(each => each.toLowerCase() === name || each.toLowerCase() === `${name}s`)
  if (unit !== undefined) return `write ${amount} ${unit}`
  if (name === 'week' || name === 'weeks') return `write ${Number(amount) * 7} days`
  return /^(second|month|year|sec|min|hr)s?$/.test(name) ? 'the units are days, hours and minutes' : undefined
}
