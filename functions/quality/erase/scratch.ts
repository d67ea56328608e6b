import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Lake } from '#lake/lake.ts'

/** Nobody who is at work leaves a folder unchanged for so long. */
const IDLE_MS = 86_400_000

/** What processes that died have left on this machine: copies of objects, plain, and rows that an engine has put aside. */
export async function dropScratch(lake: Lake, { quiesced }: { readonly quiesced: boolean }): Promise<void> {
  const { scratch } = lake.limits
  for (const name of await readdir(scratch).catch(() => [])) {
    const path = join(scratch, name)
    const isIdle = quiesced || (await lastChange(path)) < lake.clock.nowMs() - IDLE_MS
    if (isIdle) await rm(path, { recursive: true, force: true })
  }
}

/** Of anything in it. What goes away meanwhile is somebody's who is at work. */
async function lastChange(path: string): Promise<number> {
  try {
    const own = await lstat(path)
    const inner = own.isDirectory() ? await readdir(path, { recursive: true }) : []
    const times = await Promise.all(inner.map(async name => (await lstat(join(path, name))).mtimeMs))
    return Math.max(own.mtimeMs, ...times)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
