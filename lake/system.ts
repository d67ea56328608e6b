import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Clock, Ids } from './lake.ts'

/** The clock and the chance of this machine: the only places outside tests where either comes from. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms, signal) => setTimeout(ms, undefined, signal && { signal }),
}
export const systemIds: Ids = { uuid: () => randomUUID(), random: () => Math.random() }
