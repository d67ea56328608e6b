import { LakeError } from '#lake/errors.ts'
import type { EventPattern } from '#workflows/rules.ts'

/**
 * Whether EventBridge would send `event` to a rule with this pattern. All operators of event buses:
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html. Fails with `event-invalid`
 * where EventBridge would refuse the pattern.
 */
export function matches(pattern: EventPattern, event: unknown): boolean {
  return Object.entries(pattern).every(([field, wanted]) => {
    if (field === '$or' && Array.isArray(wanted)) return wanted.some(one => matches(patternOf(one), event))
    const present = isObject(event) && Object.hasOwn(event, field)
    const value = present ? event[field] : undefined
    if (isLeaf(wanted)) return leafMatches(wanted, { value, present })
    // EventBridge flattens arrays of objects: one element has to satisfy the whole nested pattern.
    return Array.isArray(value) ? value.some(one => matches(wanted, one)) : matches(wanted, value)
  })
}

type Json = Readonly<Record<string, unknown>>

function leafMatches(
  wanted: readonly unknown[],
  field: { readonly value: unknown; readonly present: boolean },
): boolean {
  if (wanted.length === 0) throw invalid('Empty arrays are not allowed')
  // `exists` looks at leaves only: an object or an empty array does not count as a value.
  const values = Array.isArray(field.value) ? field.value : [field.value]
  const present = field.present && values.length > 0 && !values.every(isObject)
  return wanted.some(matcher => {
    if (!isObject(matcher)) return present && values.some(value => value === matcher)
    const [operator, argument] = soleEntry(matcher)
    if (operator === 'exists') return argument === present
    const test = operatorNamed(operator)
    return present && values.some(value => test(argument, value))
  })
}

type Operator = (argument: unknown, value: unknown) => boolean

const OPERATORS: Readonly<Record<string, Operator>> = {
  prefix: (argument, value) => affix(argument, value, (text, part) => text.startsWith(part)),
  suffix: (argument, value) => affix(argument, value, (text, part) => text.endsWith(part)),
  'equals-ignore-case': (argument, value) =>
    typeof value === 'string' && value.toLowerCase() === textOf(argument).toLowerCase(),
  wildcard: (argument, value) => typeof value === 'string' && wildcard(textOf(argument)).test(value),
  numeric: (argument, value) => typeof value === 'number' && inRange(argument, value),
  cidr: (argument, value) => typeof value === 'string' && inNetwork(textOf(argument), value),
  'anything-but': anythingBut,
}

function operatorNamed(name: string): Operator {
  const operator = OPERATORS[name]
  if (!operator) throw invalid(`Unrecognized match type ${name}`)
  return operator
}

/** Of a value, a list of values, or an operator with a value or a list of values. */
function anythingBut(argument: unknown, value: unknown): boolean {
  if (!isObject(argument)) return ![argument].flat().includes(value)
  const [name, excluded] = soleEntry(argument)
  const test = operatorNamed(name)
  return ![excluded].flat().some(one => test(one, value))
}

function affix(argument: unknown, value: unknown, test: (text: string, part: string) => boolean): boolean {
  if (typeof value !== 'string') return false
  if (!isObject(argument)) return test(value, textOf(argument))
  const [name, part] = soleEntry(argument)
  if (name !== 'equals-ignore-case') throw invalid(`Unrecognized match type ${name}`)
  return test(value.toLowerCase(), textOf(part).toLowerCase())
}

/** `*` stands for any characters, `\*` and `\\` for themselves. */
function wildcard(text: string): RegExp {
  const source = text.replace(/\\[*\\]|[\s\S]/g, part => {
    if (part === '*') return '[\\s\\S]*'
    return (part.length > 1 ? part.slice(1) : part).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${source}$`)
}

const COMPARISONS: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '=': (value, bound) => value === bound,
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
}

function inRange(argument: unknown, value: number): boolean {
  if (!Array.isArray(argument) || argument.length === 0 || argument.length % 2 !== 0)
    throw invalid('numeric takes pairs of a comparison and a number')
  for (let at = 0; at < argument.length; at += 2) {
    const compare = COMPARISONS[String(argument[at])]
    const bound: unknown = argument[at + 1]
    if (!compare || typeof bound !== 'number') throw invalid(`numeric cannot compare by ${String(argument[at])}`)
    if (!compare(value, bound)) return false
  }
  return true
}

function inNetwork(network: string, value: string): boolean {
  const [base = '', bits = ''] = network.split('/')
  const address = addressOf(value)
  const start = addressOf(base)
  if (!start || !/^\d+$/.test(bits) || Number(bits) > start.bits) throw invalid(`Malformed CIDR ${network}`)
  if (!address || address.bits !== start.bits) return false
  const shift = BigInt(start.bits - Number(bits))
  return address.number >> shift === start.number >> shift
}

function addressOf(text: string): { readonly number: bigint; readonly bits: number } | undefined {
  return text.includes(':') ? address6(text) : address4(text)
}

function address4(text: string): { readonly number: bigint; readonly bits: number } | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(part => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined
  return { number: parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n), bits: 32 }
}

function address6(text: string): { readonly number: bigint; readonly bits: number } | undefined {
  const halves = text.split('::').map(half => (half === '' ? [] : half.split(':')))
  const [head = [], tail = []] = halves
  const missing = 8 - head.length - tail.length
  if (halves.length > 2 || (halves.length === 2 ? missing < 1 : missing !== 0)) return undefined
  const groups = [...head, ...Array<string>(missing).fill('0'), ...tail]
  if (!groups.every(group => /^[0-9a-f]{1,4}$/i.test(group))) return undefined
  return { number: groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n), bits: 128 }
}

// --- Parsing -------------------------------------------------------------------------------------------------------

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

const isLeaf = (wanted: EventPattern | readonly unknown[]): wanted is readonly unknown[] => Array.isArray(wanted)

function patternOf(value: unknown): EventPattern {
  if (!isObject(value)) throw invalid('$or must be an array of objects')
  // A parse border: the fields of a nested pattern are checked when they are matched.
  return value as EventPattern
}

function soleEntry(matcher: Json): readonly [string, unknown] {
  const [entry, ...more] = Object.entries(matcher)
  if (!entry || more.length > 0) throw invalid('a match expression has exactly one operator')
  return entry
}

function textOf(argument: unknown): string {
  if (typeof argument !== 'string') throw invalid('the operator takes text')
  return argument
}

const invalid = (reason: string): LakeError =>
  new LakeError('event-invalid', `Event pattern is not valid. Reason: ${reason}`)
