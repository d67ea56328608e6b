import type { Lake } from '#lake/lake.ts'

export type Side = 'before' | 'after'

export interface Mortal {
  readonly lake: Lake
  /** Resolves when the process has died. */
  readonly dead: Promise<'dead'>
  /** How many calls its ports were given. */
  calls(): number
}

/**
 * A lake whose process dies at port call number `at`: that call and all later ones never answer, and only `after` has its effect. A page
 * of a listing is no effect, so listings stay alive; the engine is not part of it.
 */
export function mortal(lake: Lake, at: number, side: Side): Mortal {
  let calls = 0
  const dead = Promise.withResolvers<'dead'>()
  const never = new Promise<never>(() => undefined)
  const port = <P extends object>(inner: P): P =>
    new Proxy(inner, {
      get: (target, name) => {
        const method = Reflect.get(target, name)
        if (typeof method !== 'function' || name === 'list' || name === 'versions') return method
        return async (...args: unknown[]) => {
          const call = calls++
          if (call < at) return method.apply(target, args)
          if (call === at && side === 'after') await method.apply(target, args)
          dead.resolve('dead')
          return never
        }
      },
    })
  return {
    lake: {
      ...lake,
      storage: port(lake.storage),
      catalog: port(lake.catalog),
      bus: port(lake.bus),
      workflows: port(lake.workflows),
      deadLetters: port(lake.deadLetters),
    },
    dead: dead.promise,
    calls: () => calls,
  }
}

/** Runs the work until it ends or its process dies. */
export async function dieAt(
  lake: Lake,
  { at, side }: { readonly at: number; readonly side: Side },
  work: (lake: Lake) => Promise<unknown>,
): Promise<'dead' | 'done'> {
  const process = mortal(lake, at, side)
  return Promise.race([work(process.lake).then(() => 'done' as const), process.dead])
}

export async function countCalls(lake: Lake, work: (lake: Lake) => Promise<unknown>): Promise<number> {
  const process = mortal(lake, Number.POSITIVE_INFINITY, 'before')
  await work(process.lake)
  return process.calls()
}
