// The watcher tells of every object in landing once its bytes have settled: of those that were there before it, of new ones, and
// again of one that is replaced. A file that still grows is not told of. What can be no object is told of as that.
import { appendFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { watchLanding } from '#local/watch.ts'
import { inFolder } from './lake-state.ts'

const SETTLE_MS = 60

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 10) {
    if (waited > 5_000) throw new Error('it did not happen within 5 seconds')
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

test('what is there, what is new, and what is replaced', () =>
  inFolder(async root => {
    const lake = diskLake(root)
    const landing = join(root, 'landing')
    await mkdir(join(landing, 'orders'), { recursive: true })
    await writeFile(join(landing, 'orders/old'), 'a')
    const told: string[] = []
    const watcher = await watchLanding(lake, {
      settleMs: SETTLE_MS,
      onObjects: objects =>
        told.push(...objects.map(({ uri, bytes }) => `${uri.slice(lake.zones.landing.length + 1)} ${bytes}`)),
    })
    await until(() => told.length === 1)
    await writeFile(join(landing, 'orders/new'), 'ab')
    await until(() => told.length === 2)
    await writeFile(join(landing, 'orders/old'), 'abc')
    await until(() => told.length === 3)
    await watcher[Symbol.asyncDispose]()
    expect(told).toEqual(['orders/old 1', 'orders/new 2', 'orders/old 3'])
  }))

test('a file that grows is told of when it has stopped growing', () =>
  inFolder(async root => {
    const lake = diskLake(root)
    await mkdir(join(root, 'landing'), { recursive: true })
    const file = join(root, 'landing/slow')
    await writeFile(file, 'x')
    const told: number[] = []
    const watcher = await watchLanding(lake, {
      settleMs: SETTLE_MS,
      onObjects: objects => told.push(...objects.map(each => each.bytes)),
    })
    for (let part = 0; part < 20; part++) {
      await new Promise(resolve => setTimeout(resolve, SETTLE_MS / 4))
      await appendFile(file, 'x')
    }
    expect(told).toEqual([])
    await until(() => told.length > 0)
    await watcher[Symbol.asyncDispose]()
    expect(told).toEqual([21])
  }))

test('a file that can never be an object is told of once', () =>
  inFolder(async root => {
    const lake = diskLake(root)
    await mkdir(join(root, 'landing'), { recursive: true })
    await writeFile(join(root, 'landing/a\nb'), 'x')
    const strays: string[] = []
    let objects = 0
    const watcher = await watchLanding(lake, {
      settleMs: SETTLE_MS,
      onObjects: found => {
        objects += found.length
      },
      onStrays: found => strays.push(...found.map(({ path, why }) => `${why} ${path}`)),
    })
    await until(() => strays.length > 0)
    await writeFile(join(root, 'landing/good'), 'x')
    await until(() => objects === 1)
    await symlink(join(root, 'landing/good'), join(root, 'landing/link'))
    await until(() => strays.length > 1)
    await watcher[Symbol.asyncDispose]()
    expect(strays).toEqual(['name a\nb', 'link link'])
    expect(objects).toBe(1)
  }))
