import { isAbsolute, relative, resolve } from 'node:path'
import { type LandedRecord, readDocument } from '#lake/batch.ts'
import { pathToKey } from '#lake/disk/key-path.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import { closest } from './closest.ts'
import { usage } from './refusal.ts'

/**
 * The keys that a person may mean: a URI in the landing zone, a path to a file in the landing folder, or a key below landing.
 * The first that is known is the one.
 */
export function landingKeys(lake: Lake, text: string, cwd: string): readonly string[] {
  const base = `${lake.zones.landing}/`
  if (/^[a-z0-9]+:\/\//i.test(text)) {
    if (text.startsWith(base) && text !== base) return [text.slice(base.length)]
    throw usage(`${text} is not in the landing zone`, `objects there begin with ${base}`)
  }
  const path = keyOfPath(lake, resolve(cwd, text))
  const plain = text.replace(/^(\.\/)?landing\//, '').replace(/^\.\//, '')
  return [...new Set([...(path === undefined ? [] : [path]), text, plain])].filter(key => key !== '')
}

export const landingUri = (lake: Lake, key: string): Uri => `${lake.zones.landing}/${key}`

export const landingKey = (lake: Lake, uri: Uri): string =>
  uri.startsWith(`${lake.zones.landing}/`) ? uri.slice(lake.zones.landing.length + 1) : uri

/** Of a file in the landing folder; undefined elsewhere. */
function keyOfPath(lake: Lake, path: string): string | undefined {
  const inside = relative(lake.zones.landing.slice('file://'.length), path)
  return inside === '' || inside.startsWith('..') || isAbsolute(inside) ? undefined : pathToKey(inside)
}

const LISTED_MAX = 10_000
const RECORDS_MAX = 2_000

/** Keys that are in landing, or were once, and look like the one that is not known. */
export async function similarKeys(lake: Lake, key: string): Promise<readonly string[]> {
  const keys = new Set<string>()
  for await (const object of lake.storage.list(`${lake.zones.landing}/`)) {
    if (keys.size >= LISTED_MAX) break
    keys.add(landingKey(lake, object.uri))
  }
  let records = 0
  for await (const { uri } of lake.storage.list(`${lake.zones.ops}/landed/`)) {
    if (records++ >= RECORDS_MAX) break
    const record = await readDocument<LandedRecord>(lake, uri)
    if (record !== undefined) keys.add(landingKey(lake, record.sourceUri))
  }
  const fileName = (each: string): string => each.slice(each.lastIndexOf('/') + 1)
  const near = closest(key, [...keys])
  if (near.length > 0) return near
  const names = new Set(closest(fileName(key), [...new Set([...keys].map(fileName))]))
  return [...keys].filter(each => names.has(fileName(each))).slice(0, 3)
}
