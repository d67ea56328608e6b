import type { Session } from '#lake/duckdb/engine.ts'

/** Hands out sessions, each to one piece of work at a time, in the order of asking. */
export class SessionPool {
  readonly #free: Session[]
  readonly #waiting: ((session: Session) => void)[] = []

  constructor(sessions: readonly Session[]) {
    this.#free = [...sessions]
  }

  async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = this.#free.pop() ?? (await new Promise<Session>(resolve => this.#waiting.push(resolve)))
    try {
      return await work(session)
    } finally {
      const next = this.#waiting.shift()
      if (next) next(session)
      else this.#free.push(session)
    }
  }
}
