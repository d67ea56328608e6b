import { watch } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { type StrayFile, strayFiles } from '#lake/disk/stray-files.ts'
import type { Lake, ObjectInfo } from '#lake/lake.ts'

export interface WatchOptions {
  /** A file is taken when it has not changed for this long, because a copy that is under way has no end to see. */
  readonly settleMs: number
  readonly onObjects: (objects: readonly ObjectInfo[]) => void
  /** Files that are no objects; each is told of once. */
  readonly onStrays?: (files: readonly StrayFile[]) => void
}

/**
 * Tells of the objects in a landing folder: of those that are there, so that what a crash left half done goes on, and of what is
 * new or changed from then on. The file system's events only say when to look; what there is to see the listing says, so that
 * no event that gets lost loses an object.
 */
export async function watchLanding(lake: Lake, options: WatchOptions): Promise<AsyncDisposable> {
  const folder = lake.zones.landing.slice('file://'.length)
  await mkdir(folder, { recursive: true })
  const told = new Map<string, string>()
  const pending = new Map<string, string>()
  const strays = new Set<string>()
  let due = true
  let closed = false
  const watcher = watch(folder, { recursive: true }, () => {
    due = true
  })
  const look = async (): Promise<void> => {
    while (!closed) {
      await lake.clock.sleep(options.settleMs)
      if (!due && pending.size === 0) continue
      if (due && options.onStrays !== undefined) await tellStrays(folder, strays, options.onStrays)
      due = false
      const settled = await settledObjects(lake, { told, pending })
      if (settled.length > 0 && !closed) options.onObjects(settled)
    }
  }
  const running = look()
  return {
    [Symbol.asyncDispose]: async () => {
      closed = true
      watcher.close()
      await running
    },
  }
}

async function tellStrays(
  folder: string,
  told: Set<string>,
  onStrays: (files: readonly StrayFile[]) => void,
): Promise<void> {
  const fresh = (await strayFiles(folder)).filter(({ path }) => !told.has(path))
  for (const { path } of fresh) told.add(path)
  if (fresh.length > 0) onStrays(fresh)
}

interface Seen {
  readonly told: Map<string, string>
  /** Versions as the last look saw them: one that is still the same now has settled. */
  readonly pending: Map<string, string>
}

async function settledObjects(lake: Lake, { told, pending }: Seen): Promise<readonly ObjectInfo[]> {
  const settled: ObjectInfo[] = []
  const changing = new Map<string, string>()
  for await (const object of lake.storage.list(`${lake.zones.landing}/`)) {
    if (told.get(object.uri) === object.version) continue
    if (pending.get(object.uri) === object.version) {
      told.set(object.uri, object.version)
      settled.push(object)
    } else changing.set(object.uri, object.version)
  }
  pending.clear()
  for (const [uri, version] of changing) pending.set(uri, version)
  return settled
}
