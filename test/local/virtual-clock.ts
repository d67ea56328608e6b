import type { AslEvent, AslRuntime, TaskCall } from '#local/asl/runtime.ts'

/**
 * A clock on which nothing takes time but sleeping: when every promise has settled, it jumps to the next sleeper. Starts
 * at 2026-01-01T00:00:00Z.
 */
export function virtualClock(): AslRuntime['clock'] {
  let nowMs = Date.UTC(2026, 0, 1)
  let sleepers: { readonly atMs: number; readonly wake: () => void }[] = []
  const advance = (): void => {
    const next = sleepers.reduce((first, each) => (each.atMs < first.atMs ? each : first), sleepers[0]!)
    if (!next) return
    sleepers = sleepers.filter(each => each !== next)
    nowMs = Math.max(nowMs, next.atMs)
    next.wake()
    if (sleepers.length > 0) setImmediate(advance)
  }
  return {
    nowMs: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { atMs: nowMs + ms, wake: resolve }
        sleepers.push(sleeper)
        signal?.addEventListener('abort', () => {
          sleepers = sleepers.filter(each => each !== sleeper)
          reject(signal.reason)
        })
        setImmediate(advance)
      }),
  }
}

export interface Recorded {
  readonly runtime: AslRuntime
  readonly calls: TaskCall[]
  readonly events: AslEvent[]
}

/** A runtime whose tasks are answered by `task`, and which keeps every call and history event. */
export function recording(task: (call: TaskCall) => unknown, more: Partial<AslRuntime> = {}): Recorded {
  const calls: TaskCall[] = []
  const events: AslEvent[] = []
  let ids = 0
  const runtime: AslRuntime = {
    clock: virtualClock(),
    ids: { uuid: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`, random: () => 0.5 },
    task: async call => {
      calls.push(call)
      return task(call)
    },
    onEvent: event => void events.push(event),
    ...more,
  }
  return { runtime, calls, events }
}

/** An error as Lambda reports it: its name is what Retry and Catch match. */
export function named(name: string, message = ''): Error {
  const error = new Error(message)
  error.name = name
  return error
}
