import type { LocalLake } from '#lake/disk/disk-lake.ts'

export interface Death {
  /** At which call of a port, from 1; 0 is never. */
  readonly at: number
  /** Before or after the call has had its effect. */
  readonly when: string
}

/** A lake whose process dies by SIGKILL at a call of a port, and how many calls there have been. */
export function dyingLake(
  real: LocalLake,
  { at, when }: Death,
): { readonly lake: LocalLake; readonly calls: () => number } {
  let calls = 0
  const die = (): void => void process.kill(process.pid, 'SIGKILL')
  const dying = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get(target, name) {
        const member = Reflect.get(target, name) as unknown
        if (typeof member !== 'function' || name === 'subscribe') return member
        return (...given: unknown[]) => {
          const mine = ++calls === at
          if (mine && when === 'before') die()
          const result = Reflect.apply(member, target, given) as unknown
          if (!mine) return result
          if (result instanceof Promise) return result.finally(die)
          // A listing has no end of its own to die after.
          die()
          return result
        }
      },
    })
  return {
    lake: { ...real, storage: dying(real.storage), catalog: dying(real.catalog), bus: dying(real.bus) },
    calls: () => calls,
  }
}
