import { createHash } from 'node:crypto'
import type { Clock, Ids } from '../lake.ts'

/** A clock that moves only when it is told to, or when somebody sleeps: a retry that waits a minute takes no time. */
export interface VirtualClock extends Clock {
  advance(ms: number): void
}

export function virtualClock(startMs: number): VirtualClock {
  let nowMs = startMs
  return {
    nowMs: () => nowMs,
    advance: ms => {
      nowMs += ms
    },
    sleep: async ms => {
      nowMs += ms
    },
  }
}

/** The same ids and numbers for the same seed, in the order in which they are asked for. */
export function seededIds(seed: string): Ids {
  let count = 0
  const next = (): Buffer => createHash('sha256').update(`${seed}:${count++}`).digest()
  return {
    uuid: () => {
      const hex = next().toString('hex')
      const variant = ((Number.parseInt(hex[16] as string, 16) & 3) | 8).toString(16)
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
    },
    random: () => next().readUIntBE(0, 6) / 2 ** 48,
  }
}
