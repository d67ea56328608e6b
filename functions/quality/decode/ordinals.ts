import type { Sql } from '#lake/duckdb/sql.ts'

/** Ordinals of records of one object: a bit for each, so that millions of them are nothing to speak of. */
export class Ordinals {
  /** Gives the same ordinals in DuckDB, as one column. */
  readonly select: Sql
  readonly #bits: Uint8Array

  constructor(select: Sql, max: number) {
    this.select = select
    this.#bits = new Uint8Array((max >> 3) + 1)
  }

  add(ordinal: number): void {
    this.#bits[ordinal >> 3] = (this.#bits[ordinal >> 3] as number) | (1 << (ordinal & 7))
  }

  has(ordinal: number): boolean {
    return ((this.#bits[ordinal >> 3] ?? 0) & (1 << (ordinal & 7))) !== 0
  }

  /** From the smallest to the greatest. */
  *[Symbol.iterator](): Generator<number> {
    for (const [at, byte] of this.#bits.entries())
      for (let bit = 0; byte >> bit !== 0; bit++) if ((byte >> bit) & 1) yield at * 8 + bit
  }
}
