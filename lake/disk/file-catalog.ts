import { createHash, randomUUID } from 'node:crypto'
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  byValues,
  checkName,
  checkPartition,
  conflict,
  exists,
  noTable,
  otherLocation,
  TABLE_NAME,
} from '../catalog-rules.ts'
import { LakeError } from '../errors.ts'
import type { Catalog, CatalogEntry, HivePartition, HiveTable, IcebergEntry, TableName, Uri } from '../lake.ts'
import { errorCode, fileError, isMissing } from './file-errors.ts'

/** Pointers kept behind the current one, for people who want to go back, and so that a writer must be very late to need `commit-unknown`. */
const POINTERS_KEPT = 100
const READ_ATTEMPTS_MAX = 20

/** `previous` names the metadata that this pointer replaced. */
interface Pointer extends IcebergEntry {
  readonly previous?: Uri
}

/**
 * A catalog in a folder: `<root>/catalog/<table>/<counter>.json`, the highest counter is the table. A swap links the next
 * counter, and link(2) lets exactly one of many racing processes do that. Hive tables and their partitions are JSON files too.
 */
export function fileCatalog(root: string): Catalog {
  const catalog = join(root, 'catalog')
  const folderOf = (name: TableName): string => {
    checkName(name)
    return join(catalog, name)
  }
  const work = <T>(name: TableName, run: (folder: string) => Promise<T>): Promise<T> =>
    translated(name, async () => run(folderOf(name)))
  return {
    load: name => work(name, folder => load(name, folder)),
    create: (name, entry) =>
      work(name, async folder => {
        if ((await load(name, folder)) !== undefined || (await readJson(hivePath(folder))) !== undefined)
          throw exists(name)
        if (!(await linkPointer(folder, 1, entry))) throw exists(name)
      }),
    swap: (name, expected, entry) =>
      work(name, async folder => {
        const found = await load(name, folder)
        if (found === undefined) throw noTable(name)
        const late = found.token !== expected.token || found.metadataLocation !== expected.metadataLocation
        const next = { ...entry, previous: expected.metadataLocation }
        if (late || !(await linkPointer(folder, Number(expected.token) + 1, next)))
          throw conflict(name, expected.token, (await load(name, folder))?.token)
        await prune(folder, Number(expected.token) + 1)
      }),
    tables: () => translated('', () => tableNames(catalog)),
    putHiveTable: (name, table) =>
      work(name, async folder => {
        if ((await load(name, folder)) !== undefined) throw exists(name)
        await replaceJson(hivePath(folder), table)
      }),
    hiveTable: name => work(name, folder => readJson<HiveTable>(hivePath(folder))),
    addPartitions: (name, partitions) => work(name, folder => addPartitions(name, folder, partitions)),
    partitions: name => work(name, readPartitions),
  }
}

async function load(name: TableName, folder: string): Promise<CatalogEntry | undefined> {
  for (let attempt = 1; attempt <= READ_ATTEMPTS_MAX; attempt++) {
    const counter = (await counters(folder)).at(-1)
    if (counter === undefined) return undefined
    const pointer = await readJson<Pointer>(pointerPath(folder, counter))
    // Missing: so many commits happened since the folder was read that this pointer was pruned.
    if (pointer !== undefined) return { name, metadataLocation: pointer.metadataLocation, token: String(counter) }
  }
  throw new LakeError('unavailable', `table ${name} kept moving while its pointer was read`, { table: name })
}

/**
 * Links the pointer under its counter: false when that counter was taken. A writer that slept while others committed often
 * enough to prune the counter it wants could link it once more, so the successor, when there is one, must name this pointer
 * as the one it replaced; when even the successor is pruned, only the table's history can tell.
 */
export async function linkPointer(folder: string, counter: number, pointer: Pointer): Promise<boolean> {
  await mkdir(folder, { recursive: true })
  const temp = join(folder, `${randomUUID()}.tmp`)
  try {
    await writeFile(temp, JSON.stringify(pointer), { flag: 'wx' })
    await link(temp, pointerPath(folder, counter))
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  } finally {
    await rm(temp, { force: true })
  }
  if ((await counters(folder)).at(-1) === counter) return true
  const successor = await readJson<Pointer>(pointerPath(folder, counter + 1))
  if (successor === undefined)
    throw new LakeError('commit-unknown', `pointer ${counter} was written, but the table is far ahead of it`, {
      counter,
    })
  return successor.previous === pointer.metadataLocation
}

/** From the newest down: a pointer is then never gone while an older one that nobody wrote late is still there. */
async function prune(folder: string, current: number): Promise<void> {
  const old = (await counters(folder)).filter(counter => counter < current - POINTERS_KEPT)
  for (const counter of old.reverse()) await rm(pointerPath(folder, counter), { force: true })
}

async function counters(folder: string): Promise<readonly number[]> {
  const names = await readNames(folder)
  return names
    .filter(name => /^[1-9][0-9]*\.json$/.test(name))
    .map(name => Number.parseInt(name, 10))
    .sort((a, b) => a - b)
}

/** Iceberg and Hive tables alike, as Glue lists them. */
async function tableNames(catalog: string): Promise<readonly TableName[]> {
  const names = (await readNames(catalog)).filter(name => TABLE_NAME.test(name)).sort()
  const found = await Promise.all(
    names.map(async name => {
      const files = await readNames(join(catalog, name))
      return files.some(file => /^([1-9][0-9]*|hive)\.json$/.test(file))
    }),
  )
  return names.filter((_name, index) => found[index])
}

async function addPartitions(name: TableName, folder: string, partitions: readonly HivePartition[]): Promise<void> {
  const table = await readJson<HiveTable>(hivePath(folder))
  if (table === undefined) throw noTable(name)
  for (const partition of partitions) checkPartition(name, table, partition)
  const conflicts: LakeError[] = []
  for (const partition of partitions) {
    const found = await createJson(partitionPath(folder, partition), partition)
    if (found.location !== partition.location) conflicts.push(otherLocation(name, partition, found.location))
  }
  if (conflicts[0] !== undefined) throw conflicts[0]
}

async function readPartitions(folder: string): Promise<readonly HivePartition[]> {
  const names = (await readNames(join(folder, 'partitions'))).filter(name => name.endsWith('.json'))
  const found = await Promise.all(names.map(name => readJson<HivePartition>(join(folder, 'partitions', name))))
  return found.filter(partition => partition !== undefined).sort(byValues)
}

const pointerPath = (folder: string, counter: number): string => join(folder, `${counter}.json`)
const hivePath = (folder: string): string => join(folder, 'hive.json')
const partitionPath = (folder: string, partition: HivePartition): string => {
  const hash = createHash('sha256').update(JSON.stringify(partition.values)).digest('hex')
  return join(folder, 'partitions', `${hash.slice(0, 40)}.json`)
}

async function readNames(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

async function replaceJson(path: string, content: unknown): Promise<void> {
  await withTempJson(path, content, temp => rename(temp, path))
}

/** The content that is there afterwards: ours, or that of whoever was first. */
async function createJson<T>(path: string, content: T): Promise<T> {
  const found = await readJson<T>(path)
  if (found !== undefined) return found
  try {
    await withTempJson(path, content, temp => link(temp, path))
    return content
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
    return (await readJson<T>(path)) ?? content
  }
}

async function withTempJson(path: string, content: unknown, work: (temp: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const temp = `${path}.${randomUUID()}.tmp`
  try {
    await writeFile(temp, JSON.stringify(content), { flag: 'wx' })
    await work(temp)
  } finally {
    await rm(temp, { force: true })
  }
}

async function translated<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw fileError(error, name === '' ? 'catalog' : `catalog entry ${name}`)
  }
}
