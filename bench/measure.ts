import { spawnSync } from 'node:child_process'

export interface Measurement {
  readonly name: string
  readonly seconds: number
  readonly rows: number
  /** Of both cores together: what a busy machine leaves comparable. */
  readonly cpuSeconds?: number
  /** Peak resident memory of the process; taken at the end when absent. */
  readonly rssBytes?: number
  /** Of what the script measures beside time: bytes read of those needed. */
  readonly share?: number
}

/** Said by a measured process, on its last line. */
export function report(measurement: Measurement): void {
  const { user, system } = process.cpuUsage()
  console.log(
    JSON.stringify({
      rssBytes: process.resourceUsage().maxRSS * 1_024,
      cpuSeconds: (user + system) / 1e6,
      ...measurement,
    }),
  )
}

/** Runs a script in a process of its own, because peak memory is a property of processes. */
export function measure(script: string, args: readonly string[] = []): Required<Measurement> {
  const run = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  const last = run.stdout.trim().split('\n').at(-1) ?? ''
  if (run.status !== 0) throw new Error(`${script} failed with ${run.status ?? run.signal}: ${last}`)
  return JSON.parse(last) as Required<Measurement>
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}
