import type { BigIntStats } from 'node:fs'
import { lstat, realpath } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { LakeError } from '../errors.ts'
import type { ObjectInfo, Uri, Zones } from '../lake.ts'
import { isMissing } from './file-errors.ts'
import { keyToPath } from './key-path.ts'

export const ZONES = ['landing', 'raw', 'staging', 'tables', 'ops'] as const satisfies readonly (keyof Zones)[]
export type Zone = (typeof ZONES)[number]

/** Where an object stands on disk. */
export interface DiskPlace {
  readonly uri: Uri
  readonly zone: Zone
  /** The folder of the zone. */
  readonly folder: string
  readonly key: string
  readonly path: string
}

export const zoneUri = (root: string, zone: Zone): Uri => `file://${root}/${zone}`

/** The zone and key of a URI; a URI outside the zone folders is refused. An empty key is allowed for prefixes only. */
export function locate(root: string, uri: Uri): DiskPlace {
  for (const zone of ZONES) {
    const base = `${zoneUri(root, zone)}/`
    if (!uri.startsWith(base) && `${uri}/` !== base) continue
    const key = uri.slice(base.length)
    const folder = join(root, zone)
    return { uri, zone, folder, key, path: `${folder}/${keyToPath(key)}` }
  }
  throw new LakeError('usage', `${uri} is in none of the zones below file://${root}`, { uri })
}

/** The object's file, undefined when there is none. Folders, links and devices are not objects. */
export async function statObject(place: DiskPlace): Promise<BigIntStats | undefined> {
  try {
    const stats = await lstat(place.path, { bigint: true })
    if (!stats.isFile()) return undefined
    await checkInside(place)
    return stats
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** A link in the middle of the path must not lead out of the zone: producers write into landing, and what they link to is not theirs to give. */
export async function checkInside(place: DiskPlace): Promise<void> {
  const [folder, parent] = await Promise.all([realpath(place.folder), realpath(dirname(place.path))])
  if (parent !== folder && !parent.startsWith(folder + sep))
    throw new LakeError('access-denied', `${place.uri} leads out of its zone by a symbolic link`, { uri: place.uri })
}

/** Changes whenever the bytes are replaced: writers never touch a file in place, and every write makes a new inode with its own time. */
export const versionOf = (stats: BigIntStats): string => `${stats.mtimeNs}-${stats.size}-${stats.ino}`

/**
 * In landing, where producers write, the time is that of the bytes. Elsewhere it is the time of the last link: a copy
 * shares its file with the original, and the age the sweeper sees must never be larger than the object's own.
 */
export function objectInfo(
  place: Pick<DiskPlace, 'uri' | 'zone'>,
  stats: BigIntStats,
  metadata: ObjectInfo['metadata'] = {},
): ObjectInfo {
  const modifiedNs = place.zone === 'landing' ? stats.mtimeNs : stats.ctimeNs
  return {
    uri: place.uri,
    bytes: Number(stats.size),
    version: versionOf(stats),
    modifiedMs: Number(modifiedNs / 1_000_000n),
    metadata,
  }
}
