import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** `<lake>/tmp/<duty>.json`: the process that does it, so that another need not do it as well. */
interface Mark {
  readonly pid: number
  /** When that process was started, as the system counts it: a number that is given again later is another process. */
  readonly started: string | null
}

/** What only one process may do in a lake at a time: watch it, and deliver what its stream holds. */
type Duty = 'local' | 'delivery'

const markPath = (root: string, duty: Duty): string => join(root, 'tmp', `${duty}.json`)

/** The id of the process that watches this lake now. */
export const watcherOf = (root: string): Promise<number | undefined> => holderOf(root, 'local')

/** Marks this process as the watcher. Returns how to take the mark back; undefined when another process watches. */
export const markWatcher = (root: string, pid: number): Promise<(() => Promise<void>) | undefined> =>
  mark(root, 'local', pid)

/** The id of the process that delivers from the stream now. */
export const delivererOf = (root: string): Promise<number | undefined> => holderOf(root, 'delivery')

/** Marks this process as the one that delivers. Returns how to take the mark back; undefined when another process delivers. */
export const markDeliverer = (root: string, pid: number): Promise<(() => Promise<void>) | undefined> =>
  mark(root, 'delivery', pid)

async function holderOf(root: string, duty: Duty): Promise<number | undefined> {
  const mark = await readMark(root, duty)
  if (mark === undefined || !isAlive(mark.pid)) return undefined
  return (await startOf(mark.pid)) === mark.started ? mark.pid : undefined
}

async function mark(root: string, duty: Duty, pid: number): Promise<(() => Promise<void>) | undefined> {
  const path = markPath(root, duty)
  const own: Mark = { pid, started: await startOf(pid) }
  await mkdir(dirname(path), { recursive: true })
  if ((await holderOf(root, duty)) !== undefined) return undefined
  await rm(path, { force: true })
  try {
    await writeFile(path, JSON.stringify(own), { flag: 'wx' })
  } catch (error) {
    // Two that start at once: the pipeline bears it, but one of them is enough.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  }
  return async () => {
    if ((await readMark(root, duty))?.pid === pid) await rm(path, { force: true })
  }
}

async function readMark(root: string, duty: Duty): Promise<Mark | undefined> {
  try {
    const mark = JSON.parse(await readFile(markPath(root, duty), 'utf8')) as Mark
    return Number.isInteger(mark.pid) ? mark : undefined
  } catch {
    // Missing, or half written by a process that died: nobody does it.
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The 22nd field of Linux's /proc/PID/stat; the second is a name that may hold anything, in brackets. null elsewhere. */
async function startOf(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
