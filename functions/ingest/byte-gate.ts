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
