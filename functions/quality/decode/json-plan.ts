import type { recordShape, Shape, ShapeField } from './json-shape.ts'

/** A shape made ready for one reader, which keeps in it what it saw last. A shape is a tree, so no part is in use twice at a time. */
export type Plan =
  | PlanLeaf
  | PlanStruct
  | { readonly kind: 'list'; readonly element: Plan }
  | { readonly kind: 'map'; readonly value: Plan }

export interface PlanLeaf {
  readonly kind: 'leaf'
  readonly text: boolean
  readonly label: string
  /** Inside a struct, list or map. */
  readonly nested: boolean
}

export interface PlanStruct {
  readonly kind: 'struct'
  /** By every name that a field may have. */
  readonly keys: ReadonlyMap<string, Slot>
  readonly lower: ReadonlyMap<string, PlanField>
  readonly defaults: readonly PlanField[]
  /** The fields of the last object in their order: most likely the next one has the same. */
  readonly guesses: Slot[]
  /** Number of the object that is being read. */
  round: number
}

export interface Slot {
  readonly key: string
  /** The key as it most likely stands in the source, with its quotes. */
  readonly source: Uint8Array
  /** `"name":`, when the field has another name now. */
  readonly renamed: string | undefined
  readonly field: PlanField
}

export interface PlanField {
  readonly name: string
  readonly plan: Plan
  /** The member to add when it is absent. */
  readonly default: string | undefined
  readonly soft: boolean
  /** The last object that had it, and by which name. */
  round: number
  seenAs: string
}

export function recordPlan(shape: ReturnType<typeof recordShape>): PlanStruct {
  return planStruct(shape, false)
}

function planOf(shape: Shape, nested: boolean): Plan {
  switch (shape.kind) {
    case 'leaf':
      return { ...shape, nested }
    case 'list':
      return { kind: 'list', element: planOf(shape.element, true) }
    case 'map':
      return { kind: 'map', value: planOf(shape.value, true) }
    case 'struct':
      return planStruct(shape, true)
  }
}

function planStruct(shape: Shape & { readonly kind: 'struct' }, nested: boolean): PlanStruct {
  const fields = new Map([...new Set(shape.fields.values())].map(field => [field, planField(field, nested)]))
  const keys = [...shape.fields].map(([key, field]) => {
    const renamed = key === field.name ? undefined : `${JSON.stringify(field.name)}:`
    return [
      key,
      { key, source: Buffer.from(JSON.stringify(key)), renamed, field: fields.get(field) as PlanField },
    ] as const
  })
  return {
    kind: 'struct',
    keys: new Map(keys),
    lower: new Map(keys.map(([key, slot]) => [key.toLowerCase(), slot.field])),
    defaults: [...fields.values()].filter(field => field.default !== undefined),
    guesses: [],
    round: 0,
  }
}

function planField({ name, shape, default: value, soft }: ShapeField, nested: boolean): PlanField {
  const member = value === undefined ? undefined : `${JSON.stringify(name)}:${JSON.stringify(value)}`
  return { name, plan: planOf(shape, nested), default: member, soft, round: 0, seenAs: '' }
}
