import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** `<lake>/tmp/local.json`: the process that watches landing, so that another need not run the pipeline as well. */
interface Mark {
  readonly pid: number
  /** When that process was started, as the system counts it: a number that is given again later is another process. */
  readonly started: string | null
}

const markPath = (root: string): string => join(root, 'tmp', 'local.json')

/** The id of the process that watches this lake now. */
export async function watcherOf(root: string): Promise<number | undefined> {
  const mark = await readMark(root)
  if (mark === undefined || !isAlive(mark.pid)) return undefined
  return (await startOf(mark.pid)) === mark.started ? mark.pid : undefined
}

/** Marks this process as the watcher. Returns how to take the mark back; undefined when another process watches. */
export async function markWatcher(root: string, pid: number): Promise<(() => Promise<void>) | undefined> {
  const path = markPath(root)
  const mark: Mark = { pid, started: await startOf(pid) }
  await mkdir(dirname(path), { recursive: true })
  if ((await watcherOf(root)) !== undefined) return undefined
  await rm(path, { force: true })
  try {
    await writeFile(path, JSON.stringify(mark), { flag: 'wx' })
  } catch (error) {
    // Two that start at once: the pipeline bears it, but one of them is enough.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  }
  return async () => {
    if ((await readMark(root))?.pid === pid) await rm(path, { force: true })
  }
}

async function readMark(root: string): Promise<Mark | undefined> {
  try {
    const mark = JSON.parse(await readFile(markPath(root), 'utf8')) as Mark
    return Number.isInteger(mark.pid) ? mark : undefined
  } catch {
    // Missing, or half written by a process that died: nobody watches.
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
