import type { Column, ColumnType } from '#lake/dataset.ts'
import type { Contract } from '../contract.ts'

/** What the contract expects at one place of a JSON document, ready for a scanner: names are looked up, never compared in turn. */
export type Shape =
  | { readonly kind: 'leaf'; readonly text: boolean; readonly label: string }
  | {
      readonly kind: 'struct'
      readonly fields: ReadonlyMap<string, ShapeField>
      readonly lower: ReadonlyMap<string, string>
    }
  | { readonly kind: 'list'; readonly element: Shape }
  | { readonly kind: 'map'; readonly value: Shape }

export interface ShapeField {
  readonly name: string
  readonly shape: Shape
  readonly default: string | undefined
  /** Misfits go to `_rescued` instead of failing the record. */
  readonly soft: boolean
}

export function recordShape(contract: Contract): Shape & { readonly kind: 'struct' } {
  return structShape(contract.columns)
}

function structShape(columns: readonly (Column & { readonly soft?: boolean })[]): Shape & { readonly kind: 'struct' } {
  const fields = new Map<string, ShapeField>()
  for (const column of columns) {
    const field = {
      name: column.name,
      shape: shapeOf(column.type),
      default: column.default,
      soft: column.soft ?? false,
    }
    for (const name of [column.name, ...column.from]) fields.set(name, field)
  }
  return { kind: 'struct', fields, lower: new Map([...fields.keys()].map(name => [name.toLowerCase(), name])) }
}

function shapeOf(type: ColumnType): Shape {
  if (typeof type === 'string') return { kind: 'leaf', text: type === 'string', label: type }
  if ('struct' in type) return structShape(type.struct)
  if ('list' in type) return { kind: 'list', element: shapeOf(type.list) }
  return { kind: 'map', value: shapeOf(type.map.value) }
}

/**
 * Records that make DuckDB's schema detection arrive at exactly the contract's text shape when they are the sample: a
 * string leaf is VARCHAR, and a map, shown once as a number and once as an object, JSON. A file read after them fails at
 * the first unknown or duplicate key and at the first value of another shape, at every depth; nothing is dropped in silence.
 */
export function sampleRecords(contract: Contract): readonly string[] {
  const record = (second: boolean): string =>
    JSON.stringify(
      Object.fromEntries(
        contract.columns.flatMap(column =>
          [column.name, ...column.from].map(name => [name, sample(column.type, second)]),
        ),
      ),
    )
  return [record(false), record(true)]
}

function sample(type: ColumnType, second: boolean): unknown {
  if (typeof type === 'string') return 'x'
  if ('struct' in type) return Object.fromEntries(type.struct.map(field => [field.name, sample(field.type, second)]))
  if ('list' in type) return [sample(type.list, second)]
  return second ? { x: 1 } : 1
}

/** Whether that strict reading can hold the contract; what it cannot express goes through the scanner. */
export function isPlain(contract: Contract): boolean {
  return contract.columns.every(column => isPlainType(column.type))
}

function isPlainType(type: ColumnType): boolean {
  // yyjson hands numbers over as doubles, which hold 15 digits; the scanner keeps the text as it was written.
  if (typeof type === 'string') return Number(/^decimal\((\d+),/.exec(type)?.[1] ?? 0) <= 15
  if ('struct' in type)
    return type.struct.every(field => field.from.length === 0 && field.default === undefined && isPlainType(field.type))
  if ('list' in type) return isPlainType(type.list)
  return typeof type.map.value === 'string' && isPlainType(type.map.value)
}
