import { landedUri } from './batch.ts'
import type { Lake, ObjectInfo } from './lake.ts'
import { rawId } from './raw-id.ts'

/** Whether `ingest` has a record of this version of an object in landing. */
export async function isTaken(lake: Lake, { uri, version, modifiedMs }: ObjectInfo): Promise<boolean> {
  const { landing } = lake.zones
  const bucket = landing.slice(landing.lastIndexOf('/') + 1)
  const key = uri.slice(landing.length + 1)
  const id = rawId({ bucket, key, version, landedMs: Math.max(0, modifiedMs) })
  return (await lake.storage.head(landedUri(lake, uri, id))) !== undefined
}
