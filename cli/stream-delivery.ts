import type { Dataset } from '#lake/dataset.ts'
import type { ObjectInfo } from '#lake/lake.ts'
import { type Buffering, deliverDue, LOCAL_BUFFERING } from '#local/delivery.ts'
import type { Call } from './command.ts'
import { markDeliverer } from './watcher-mark.ts'

/** Delivers what is due in the lake's stream. undefined when another process is at it. */
export async function deliverAlone(
  { lake, root, terminal }: Call,
  datasets: readonly Dataset[],
  buffering: Buffering = LOCAL_BUFFERING,
): Promise<readonly ObjectInfo[] | undefined> {
  const release = await markDeliverer(root, terminal.pid)
  if (release === undefined) return undefined
  try {
    return await deliverDue(lake, datasets, buffering)
  } finally {
    await release()
  }
}

/** Everything that waits, now. */
export const FLUSH: Buffering = { ...LOCAL_BUFFERING, ageMsMax: 0 }

const LOOK_MS = 500

/** Delivers from the stream as it becomes due, until it is disposed of. What it writes into landing whoever watches landing sees. */
export function watchStream(call: Call, datasets: readonly Dataset[]): AsyncDisposable {
  const { lake } = call
  const stop = new AbortController()
  const look = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await deliverAlone(call, datasets)
      } catch (error) {
        // What waits stays there, and the next look tries again.
        lake.log.error('a delivery failed', { error: String(error) })
      }
      await lake.clock.sleep(LOOK_MS, stop.signal).catch(() => undefined)
    }
  }
  const running = look()
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await running
    },
  }
}
