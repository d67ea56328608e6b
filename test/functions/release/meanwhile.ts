import type { Lake } from '#lake/lake.ts'

/** A lake that, before call number `at` of its ports, lets somebody else do all of their work: the worst moment, one after the other. */
export function meanwhile(lake: Lake, at: number, work: () => Promise<unknown>): Lake {
  let calls = 0
  const port = <P extends object>(inner: P): P =>
    new Proxy(inner, {
      get: (target, name) => {
        const method = Reflect.get(target, name)
        if (typeof method !== 'function' || name === 'list') return method
        return async (...args: unknown[]) => {
          if (calls++ === at) await work()
          return method.apply(target, args)
        }
      },
    })
  return { ...lake, storage: port(lake.storage), catalog: port(lake.catalog), bus: port(lake.bus) }
}
