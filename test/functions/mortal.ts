import type { Lake } from '#lake/lake.ts'

export type Side = 'before' | 'after'

export interface Mortal {
  readonly lake: Lake
  /** Resolves when the process has died. */
  readonly dead: Promise<'dead'>
  /** How many calls its ports were given. */
  calls(): number
}

export interface Death {
  readonly at: number
  readonly side: Side
  /** Calls that are not counted: of one that only reads, dying at it is dying after the write before it. */
  readonly spared?: ReadonlySet<string>
}

export const READS: ReadonlySet<string> = new Set(['get', 'head', 'stage', 'load', 'tables', 'hiveTable', 'queues'])

/**
 * A lake whose process dies at port call number `at`: that call and all later ones never answer, and only `after` has its effect. A page
 * of a listing is no effect, so listings stay alive; the engine is not part of it.
 */
export function mortal(lake: Lake, { at, side, spared = new Set() }: Death): Mortal {
  let calls = 0
  const dead = Promise.withResolvers<'dead'>()
  const never = new Promise<never>(() => undefined)
  const port = <P extends object>(inner: P): P =>
    new Proxy(inner, {
      get: (target, name) => {
        const method = Reflect.get(target, name)
        if (typeof method !== 'function' || name === 'list' || name === 'versions' || spared.has(String(name)))
          return method
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
  death: Death,
  work: (lake: Lake) => Promise<unknown>,
): Promise<'dead' | 'done'> {
  const process = mortal(lake, death)
  return Promise.race([work(process.lake).then(() => 'done' as const), process.dead])
}

export async function countCalls(
  lake: Lake,
  work: (lake: Lake) => Promise<unknown>,
  spared: ReadonlySet<string> = new Set(),
): Promise<number> {
  const process = mortal(lake, { at: Number.POSITIVE_INFINITY, side: 'before', spared })
  await work(process.lake)
  return process.calls()
}
