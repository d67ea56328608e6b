import type { Column, Dataset, Primitive } from './dataset.ts'
import type { Fields } from './stream-record.ts'

export interface Misfit {
  readonly reason: string
  readonly message: string
}

/**
 * Why an event breaks the contract beyond doubt, at the price of a look at its top level. What passes here may still be refused by `quality`, which
 * alone decides; what is refused here it would refuse too, by the same reason.
 */
export function misfitOf(dataset: Dataset, fields: Fields | undefined): Misfit | undefined {
  if (fields === undefined) return { reason: 'not_object', message: 'the event is no JSON object' }
  const known = new Set<string>()
  for (const column of dataset.columns) {
    const given = [column.name, ...column.from].filter(name => Object.hasOwn(fields, name))
    for (const name of given) known.add(name)
    const misfit = columnMisfit(column, given, fields)
    if (misfit !== undefined) return misfit
  }
  const unknown = dataset.evolution === 'freeze' ? Object.keys(fields).filter(name => !known.has(name)) : []
  if (unknown.length === 0) return undefined
  return { reason: 'unknown_column', message: `not in the contract: ${unknown.slice(0, 5).join(', ')}` }
}

function columnMisfit(column: Column, given: readonly string[], fields: Fields): Misfit | undefined {
  const [first, second] = given
  if (second !== undefined)
    return { reason: 'ambiguous_column', message: `"${first}" and "${second}" both give ${column.name}` }
  const value = first === undefined ? column.default : fields[first]
  if (value === undefined || value === null)
    return column.required
      ? { reason: `required:${column.name}`, message: `${column.name}: required, but missing or null` }
      : undefined
  if (first === undefined || mayFit(column, value)) return undefined
  const shown = typeof value === 'object' ? 'a value' : `"${String(value).slice(0, 60)}"`
  return { reason: `type:${column.name}`, message: `${column.name}: ${shown} is not ${labelOf(column)}` }
}

const labelOf = ({ type }: Column): string =>
  typeof type === 'string' ? type : 'list' in type ? 'an array' : 'an object'

function mayFit({ type, format }: Column, value: unknown): boolean {
  if (typeof type === 'string') return type === 'string' || (typeof value !== 'object' && mayBe(type, value, format))
  return 'list' in type ? Array.isArray(value) : typeof value === 'object' && !Array.isArray(value)
}

const INT_MAX = 2_147_483_648
const LONG_MAX = 9.3e18

/** Texts as functions/quality/contract.ts takes them, and more where only the engine can tell. */
function mayBe(type: Primitive, value: unknown, format: Column['format']): boolean {
  const text = typeof value === 'string' ? value : undefined
  switch (type) {
    case 'boolean':
      return text === undefined
        ? typeof value === 'boolean' || value === 0 || value === 1
        : /^(true|false|1|0)$/i.test(text)
    case 'int':
    case 'long': {
      if (text !== undefined) return /^[+-]?\d+(\.0*)?$/.test(text)
      return Number.isInteger(value) && Math.abs(value as number) <= (type === 'int' ? INT_MAX : LONG_MAX)
    }
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      if (format !== undefined) return format.startsWith('%') ? true : isNumeric(value)
      return text === undefined ? typeof value === 'number' && type === 'date' : /^\d{4,6}-\d{2}-\d{2}/.test(text)
    case 'uuid':
      return text === undefined || /^[0-9a-f{}-]+$/i.test(text)
    case 'time':
    case 'binary':
    case 'string':
      return true
    default:
      return isNumeric(value)
  }
}

function isNumeric(value: unknown): boolean {
  if (typeof value === 'number') return true
  return typeof value === 'string' && /^[\s\d+.eE_-]*\d[\s\d+.eE_-]*$/.test(value)
}
