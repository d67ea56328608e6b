/** Runs `work` over all items, at most `width` at a time, results in the items' order. Every item is tried; the first failure is thrown at the end. */
export async function mapBounded<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: PromiseSettledResult<R>[] = new Array(items.length)
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++
      const [settled] = await Promise.allSettled([work(items[at] as T)])
      results[at] = settled
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker))
  return results.map(result => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

/** Lets work through while the bytes that it holds fit; work that alone is larger than the limit goes through alone. First come, first served. */
export function byteGate(bytesMax: number): <R>(bytes: number, work: () => Promise<R>) => Promise<R> {
  const waiting: { readonly bytes: number; readonly open: () => void }[] = []
  let held = 0
  const admit = (): void => {
    for (let first = waiting[0]; first && (held === 0 || held + first.bytes <= bytesMax); first = waiting[0]) {
      waiting.shift()
      held += first.bytes
      first.open()
    }
  }
  return async (bytes, work) => {
    await new Promise<void>(open => {
      waiting.push({ bytes, open })
      admit()
    })
    try {
      return await work()
    } finally {
      held -= bytes
      admit()
    }
  }
}
