import { LakeError } from '../errors.ts'
import { allFields } from './nested.ts'
import type { NestedField, TableMetadata } from './types.ts'

/** The format version that Sluice gives to new tables, and the only one that it writes. */
export const FORMAT_VERSION = 2

/**
 * Fails with `unsupported` unless metadata of this version can be read rightly. Of version 3 what matters to a reader is looked for and
 * named: a table that merely could use it is read. Deletion vectors are in manifests, and refused there, by their files.
 */
export function checkReadableVersion(raw: Readonly<Record<string, unknown>>): void {
  const version = raw['format-version']
  if (version !== 1 && version !== 2 && version !== 3)
    throw new LakeError(
      'unsupported',
      `format version ${String(version)}: Sluice reads the Iceberg versions 1, 2 and 3`,
      {
        version,
      },
    )
  const features = unknownFeatures(raw)
  if (features.length === 0) return
  throw new LakeError(
    'unsupported',
    `the table uses what Sluice does not know of Iceberg's format version 3: ${features.join('; ')}. Read it with another engine`,
    { version, features },
  )
}

/** Fails with `unsupported`, before anything is written, unless Sluice writes tables of this version. */
export function checkWritableVersion(name: string, metadata: Pick<TableMetadata, 'format-version'>): void {
  const version = metadata['format-version']
  if (version === FORMAT_VERSION) return
  const advice =
    version < FORMAT_VERSION
      ? `set its property format-version to ${FORMAT_VERSION} with the engine that made it`
      : 'rows of version 3 have ids that every writer must keep (next-row-id, first-row-id), which Sluice does not'
  throw new LakeError(
    'unsupported',
    `${name} is a table of format version ${version}, which Sluice reads and does not write: ${advice}`,
    { table: name, version },
  )
}

/** What stands in metadata that only format version 3 has and a reader must know of (spec, appendix E, "Version 3"). */
function unknownFeatures(raw: Readonly<Record<string, unknown>>): readonly string[] {
  const fields = schemasOf(raw).flatMap(schema => allFields(schema.fields).map(({ field }) => field))
  const types = fields.map(field => field.type).filter(type => typeof type === 'string' && isVersion3Type(type))
  const defaults = fields.filter(field => (field as { 'initial-default'?: unknown })['initial-default'] !== undefined)
  const sources = [...listOf(raw['partition-specs']), ...listOf(raw['sort-orders'])].flatMap(each =>
    listOf(each['fields']),
  )
  const multiple = sources.filter(field => listLength(field['source-ids']) > 1)
  const encrypted =
    listLength(raw['encryption-keys']) > 0 ||
    listOf(raw['snapshots']).some(snapshot => snapshot['key-id'] !== undefined)
  return [
    ...named('the types', types as readonly string[]),
    ...named(
      'default values (initial-default) of',
      defaults.map(field => field.name),
    ),
    ...named(
      'transforms of several columns (source-ids):',
      multiple.map(field => String(field['transform'])),
    ),
    ...(encrypted ? ['encryption (encryption-keys)'] : []),
  ]
}

const isVersion3Type = (type: string): boolean =>
  /^(variant|unknown|timestamp_ns|timestamptz_ns|geometry|geography)\b/.test(type)

function named(what: string, names: readonly string[]): readonly string[] {
  return names.length === 0 ? [] : [`${what} ${[...new Set(names)].join(', ')}`]
}

type Json = Readonly<Record<string, unknown>>

/** Whatever is not a list of objects is left to the checks of each field. */
const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : [])
const listLength = (value: unknown): number => (Array.isArray(value) ? value.length : 0)

function schemasOf(raw: Json): readonly { readonly fields: readonly NestedField[] }[] {
  const schemas = [...listOf(raw['schemas']), ...(raw['schema'] === undefined ? [] : [raw['schema'] as Json])]
  return schemas.filter(schema => Array.isArray(schema['fields'])) as unknown as readonly {
    readonly fields: readonly NestedField[]
  }[]
}
