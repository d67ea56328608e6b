import type { Uri } from '../lake.ts'
import type { TableMetadata } from './types.ts'
import { sameSpelling } from './uri-set.ts'

/** Where a table's writers put files: Iceberg's "Write properties", two of them known by older names. */
const PATH_PROPERTIES = [
  'write.data.path',
  'write.metadata.path',
  'write.object-storage.path',
  'write.folder-storage.path',
] as const

/** The prefixes below which a table has its files, each ending in a slash, none inside another. */
export function prefixesOf({ location, properties }: TableMetadata): readonly Uri[] {
  const all = [location, ...PATH_PROPERTIES.flatMap(key => properties[key] ?? [])].map(prefixOf)
  const unique = [...new Set(all)]
  return unique.filter(prefix => !unique.some(other => other !== prefix && prefix.startsWith(other)))
}

export const prefixOf = (uri: Uri): Uri => `${sameSpelling(uri).replace(/\/+$/, '')}/`
