import type { Column, ColumnType } from '../dataset.ts'
import { LakeError } from '../errors.ts'
import { allFields, children, type NestedType, withChildren } from './nested.ts'
import { freshType, type NextId, promotedType } from './schema-types.ts'
import type { NestedField } from './types.ts'

/** A field by its names from the column down, `element`, `key` and `value` below lists and maps. A list of names where one holds a dot. */
export type FieldPath = string | readonly string[]

/** Where a field stands among those of its struct. */
export type FieldPlace = 'first' | 'last' | { readonly before: string } | { readonly after: string }

/** One step of a schema's evolution (spec, "Schema Evolution"). Steps follow each other: a path is that which the step before left. */
export type SchemaChange =
  | {
      readonly type: 'add'
      readonly path: FieldPath
      readonly column: ColumnType
      readonly doc?: string | undefined
      /** At the end when absent. */
      readonly place?: FieldPlace
    }
  | { readonly type: 'drop'; readonly path: FieldPath }
  | { readonly type: 'rename'; readonly path: FieldPath; readonly to: string }
  | { readonly type: 'move'; readonly path: FieldPath; readonly place: FieldPlace }
  | { readonly type: 'promote'; readonly path: FieldPath; readonly to: string }
  | { readonly type: 'make-optional'; readonly path: FieldPath }
  | { readonly type: 'set-doc'; readonly path: FieldPath; readonly doc: string | undefined }

export interface EditRules {
  /** The highest id that the table ever gave: new fields get those after it, so that no id is used twice. */
  readonly lastColumnId: number
  /** Fields that other parts of the table stand on, with what they are there: they can be renamed, not dropped. */
  readonly inUse?: ReadonlyMap<number, string>
  /** Identifier fields stay required (spec, "Identifier Field IDs"). */
  readonly identifiers?: ReadonlySet<number>
}

export interface Edited {
  readonly fields: readonly NestedField[]
  readonly lastColumnId: number
}

/** Applies the changes in their order. Fails with `contract-broken`, saying what to do instead, and then nothing has changed. */
export function editFields(fields: readonly NestedField[], changes: readonly SchemaChange[], rules: EditRules): Edited {
  let last = rules.lastColumnId
  const nextId: NextId = () => ++last
  const edited = changes.reduce(
    (current, change) =>
      editBelow({ name: undefined, siblings: current }, namesOf(change.path), { change, rules, nextId }),
    fields,
  )
  return { fields: edited, lastColumnId: last }
}

const namesOf = (path: FieldPath): readonly string[] => (typeof path === 'string' ? path.split('.') : path)

interface Step {
  readonly change: SchemaChange
  readonly rules: EditRules
  readonly nextId: NextId
}

interface Level {
  /** undefined: the table itself. */
  readonly name: string | undefined
  readonly siblings: readonly NestedField[]
  readonly inside?: NestedType['type']
}

/** Walks down the path, and rebuilds what it passed on the way back. */
function editBelow(level: Level, names: readonly string[], step: Step): readonly NestedField[] {
  const [name, ...below] = names
  if (name === undefined) throw refusal(step, 'names no field', 'give the names from the column down')
  if (level.inside === 'map' && name === 'key')
    throw refusal(
      step,
      'is in the key of a map',
      'keys keep their type, because two keys of one map could become equal',
    )
  if (below.length === 0) return editAmong(level, name, step)
  const field = find(level, name, step)
  if (typeof field.type === 'string')
    throw refusal(step, `goes below ${name}, which is a ${field.type}`, 'only structs, lists and maps have fields')
  const inner: Level = { name, siblings: children(field.type), inside: field.type.type }
  const type = withChildren(field.type, editBelow(inner, below, step))
  return level.siblings.map(other => (other === field ? { ...field, type } : other))
}

function editAmong(level: Level, name: string, step: Step): readonly NestedField[] {
  const { change } = step
  const whole = change.type === 'add' || change.type === 'drop' || change.type === 'rename' || change.type === 'move'
  if (whole && level.inside !== undefined && level.inside !== 'struct')
    throw refusal(step, `is not in a struct but in a ${level.inside}`, hintInside(level, step))
  if (change.type === 'add') return added(level, name, { ...step, change })
  const field = find(level, name, step)
  switch (change.type) {
    case 'drop':
      return dropped(level, field, step)
    case 'move':
      return placed(
        level.siblings.filter(other => other !== field),
        { field, place: change.place, step },
      )
    case 'rename':
      if (change.to !== field.name)
        checkFree(
          level.siblings.filter(other => other !== field),
          change.to,
          step,
        )
      return replaced(level, field, { ...field, name: change.to })
    case 'promote':
      return replaced(level, field, { ...field, type: promotedType(field.type, change.to, namesOf(change.path)) })
    case 'make-optional':
      return replaced(level, field, optional(field, step))
    case 'set-doc':
      if (level.inside === 'list' || level.inside === 'map')
        throw refusal(step, `is part of a ${level.inside}`, 'describe the list or the map itself')
      return replaced(level, field, documented(field, change.doc))
  }
}

const replaced = (level: Level, field: NestedField, by: NestedField): readonly NestedField[] =>
  level.siblings.map(other => (other === field ? by : other))

function added(
  level: Level,
  name: string,
  step: Step & { readonly change: Extract<SchemaChange, { readonly type: 'add' }> },
): readonly NestedField[] {
  const { change, nextId } = step
  checkFree(level.siblings, name, step)
  checkNames(change.column, step)
  const id = nextId()
  // Optional, because the rows of old files have no value for it.
  const field = documented({ id, name, required: false, type: freshType(change.column, nextId) }, change.doc)
  return placed(level.siblings, { field, place: change.place ?? 'last', step })
}

function dropped(level: Level, field: NestedField, step: Step): readonly NestedField[] {
  for (const { field: lost } of allFields([field])) {
    const use = step.rules.inUse?.get(lost.id)
    if (use !== undefined) throw refusal(step, `is ${use}`, `change that first, then drop ${lost.name}`)
    if (step.rules.identifiers?.has(lost.id))
      throw refusal(step, `holds the identifier field ${lost.name}`, 'take it out of the identifier fields first')
  }
  if (level.siblings.length === 1)
    throw refusal(
      step,
      `is the last field of ${level.name ?? 'the table'}`,
      level.name === undefined ? 'add another column first' : `drop ${level.name} itself`,
    )
  return level.siblings.filter(other => other !== field)
}

function placed(
  others: readonly NestedField[],
  { field, place, step }: { readonly field: NestedField; readonly place: FieldPlace; readonly step: Step },
): readonly NestedField[] {
  if (place === 'first') return [field, ...others]
  if (place === 'last') return [...others, field]
  const anchor = 'before' in place ? place.before : place.after
  const at = others.findIndex(other => other.name === anchor)
  if (at < 0)
    throw refusal(
      step,
      `cannot stand next to ${anchor}, which is no other field there`,
      `name one of ${others.map(other => other.name).join(', ')}`,
    )
  const index = 'before' in place ? at : at + 1
  return [...others.slice(0, index), field, ...others.slice(index)]
}

function optional(field: NestedField, step: Step): NestedField {
  if (step.rules.identifiers?.has(field.id))
    throw refusal(step, 'is an identifier field', 'take it out of the identifier fields first, which must have values')
  return { ...field, required: false }
}

function documented({ doc: _doc, ...field }: NestedField, doc: string | undefined): NestedField {
  return doc === undefined ? field : { ...field, doc }
}

function find(level: Level, name: string, step: Step): NestedField {
  const field = level.siblings.find(candidate => candidate.name === name)
  if (field) return field
  const place = level.name === undefined ? 'the table' : level.name
  throw refusal(
    step,
    `does not exist: ${place} has no ${name}`,
    `it has ${level.siblings.map(other => other.name).join(', ')}`,
  )
}

/** Without regard to case: Glue and Athena lower-case names, and two columns would become one. */
function checkFree(siblings: readonly NestedField[], name: string, step: Step): void {
  if (name.trim() === '') throw refusal(step, 'needs a name', 'give one that is not empty')
  const taken = siblings.find(other => other.name.toLowerCase() === name.toLowerCase())
  if (taken)
    throw refusal(
      step,
      `would be called ${name}, as ${taken.name} is`,
      'names must differ by more than case: choose another',
    )
}

/** What is new can be wrong inside too: Parquet has no struct without fields, and names must differ there as well. */
function checkNames(type: ColumnType, step: Step): void {
  for (const columns of structsIn(type)) {
    if (columns.length === 0) throw refusal(step, 'holds a struct without fields', 'give the struct a field')
    const names = columns.map(column => column.name.toLowerCase())
    const wrong = names.find((name, at) => name.trim() === '' || names.indexOf(name) < at)
    if (wrong !== undefined)
      throw refusal(step, `has "${wrong}" twice or empty`, 'names must not be empty and must differ by more than case')
  }
}

function structsIn(type: ColumnType): readonly (readonly Column[])[] {
  if (typeof type === 'string') return []
  if ('list' in type) return structsIn(type.list)
  if ('map' in type) return [...structsIn(type.map.key), ...structsIn(type.map.value)]
  return [type.struct, ...type.struct.flatMap(column => structsIn(column.type))]
}

function hintInside(level: Level, step: Step): string {
  const [part] = level.siblings.slice(-1)
  const where = [...namesOf(step.change.path).slice(0, -1), part?.name].join('.')
  return part && typeof part.type !== 'string' && part.type.type === 'struct'
    ? `its fields are below ${where}`
    : `change ${level.name ?? 'it'} as a whole`
}

function refusal(step: Step, why: string, advice: string): LakeError {
  const field = namesOf(step.change.path).join('.')
  return new LakeError('contract-broken', `cannot ${step.change.type} ${field}: it ${why}; ${advice}`, {
    change: step.change.type,
    field,
  })
}
