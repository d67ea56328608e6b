import { appendFile, writeFile } from 'node:fs/promises'
import { join, type Sql, sql } from './sql.ts'

export type SpoolType = 'VARCHAR' | 'BIGINT' | 'BOOLEAN'
export type SpoolColumns = Readonly<Record<string, SpoolType>>
export type SpoolRecord<C extends SpoolColumns> = Readonly<{ [Name in keyof C]: string | number | boolean | null }>

const FLUSH_CHARACTERS = 1_048_576

/** Records on local disk for SQL to read: listings of a lake are longer than memory. */
export class Spool<C extends SpoolColumns> {
  readonly #path: string
  readonly #columns: C
  #waiting: string[] = []
  #characters = 0

  private constructor(path: string, columns: C) {
    this.#path = path
    this.#columns = columns
  }

  static async create<C extends SpoolColumns>(path: string, columns: C): Promise<Spool<C>> {
    await writeFile(path, '', { flag: 'wx' })
    return new Spool(path, columns)
  }

  async write(record: SpoolRecord<C>): Promise<void> {
    const line = `${JSON.stringify(record)}\n`
    this.#waiting.push(line)
    this.#characters += line.length
    if (this.#characters >= FLUSH_CHARACTERS) await this.#flush()
  }

  /** Nothing may be written after it, and nothing read before. */
  close(): Promise<void> {
    return this.#flush()
  }

  /** A SELECT of all records. */
  get rows(): Sql {
    const columns = Object.entries(this.#columns).map(([name, type]) => sql`${name}: ${type}`)
    return sql`SELECT * FROM read_json(${this.#path}, format = 'newline_delimited', columns = {${join(columns, ', ')}})`
  }

  async #flush(): Promise<void> {
    if (this.#waiting.length === 0) return
    const text = this.#waiting.join('')
    this.#waiting = []
    this.#characters = 0
    await appendFile(this.#path, text)
  }
}
