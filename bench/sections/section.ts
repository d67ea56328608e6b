import { join } from 'node:path'
import { type Measurement, measure, median } from '../measure.ts'

/** One part of the benchmark: prints what it measures while it does, and says whether the numbers wanted are reached. */
export type Section = (options: SectionOptions) => Promise<readonly Check[]>

export interface SectionOptions {
  /** Runs of each side, in alternation. */
  readonly runs: number
  /** Without the parts that take minutes. */
  readonly small: boolean
}

export interface Check {
  readonly what: string
  readonly is: string
  readonly holds: boolean
}

type Measured = Required<Measurement>

/** Runs two scripts in turn and prints each pair. */
export function alternate(
  runs: number,
  floor: readonly [script: string, ...args: string[]],
  ours: readonly [script: string, ...args: string[]],
): { readonly floors: readonly Measured[]; readonly ours: readonly Measured[] } {
  const measured = { floors: [] as Measured[], ours: [] as Measured[] }
  for (let run = 1; run <= runs; run++) {
    const pair = [measureScript(...floor), measureScript(...ours)] as const
    measured.floors.push(pair[0])
    measured.ours.push(pair[1])
    console.log(`  run ${run}: ${pair.map(line).join('   ')}`)
  }
  return measured
}

/** Runs a script, named from this folder, in a process of its own. */
export const measureScript = (script: string, ...args: readonly string[]): Measured =>
  measure(join(import.meta.dirname, script), args)

export const seconds = (of: readonly Measured[]): number => median(of.map(each => each.seconds))
export const cpuSeconds = (of: readonly Measured[]): number => median(of.map(each => each.cpuSeconds))
export const peakBytes = (of: readonly Measured[]): number => Math.max(...of.map(each => each.rssBytes))

export function line(measured: Measured): string {
  const time = measured.seconds < 1 ? `${(measured.seconds * 1_000).toFixed(1)} ms` : `${measured.seconds.toFixed(2)} s`
  return `${measured.name} ${time} (${measured.cpuSeconds.toFixed(1)} s of CPU) ${megabytes(measured.rssBytes)}`
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`

/** A ratio and the most that it may be. */
export function atMost(what: string, ratio: number, limit: number): Check {
  return { what: `${what}, at most ${limit}`, is: ratio.toFixed(2), holds: ratio <= limit }
}

export function atMostBytes(what: string, bytes: number, limit: number): Check {
  return { what: `${what}, at most ${megabytes(limit)}`, is: megabytes(bytes), holds: bytes <= limit }
}
