import type { CsvDialect } from '#lake/dataset.ts'

/** One record of CSV text, or why there is none. `more`: its end is not among the bytes at hand. */
export type CsvRecord =
  | { readonly kind: 'record'; readonly fields: readonly (string | null)[]; readonly length: number }
  | { readonly kind: 'blank'; readonly length: number }
  | { readonly kind: 'broken'; readonly message: string }
  | { readonly kind: 'more' }

/** `emptyIsText`: an empty field is an empty text, and nothing but the dialect's null text is null. */
export type ReadDialect = CsvDialect & { readonly emptyIsText?: boolean }

const [NEWLINE, RETURN, SPACE] = [0x0a, 0x0d, 0x20]

/**
 * Reads the record at the start of `bytes` by a declared dialect (RFC 4180; nothing is sniffed). A quoted field may hold
 * delimiters and line ends; an unquoted empty field, or one that is the dialect's null text, is null. As in DuckDB's reader,
 * spaces around a quoted field are no part of it. `length` includes the line end.
 */
export function readCsvRecord(bytes: Buffer, dialect: ReadDialect, complete: boolean): CsvRecord {
  const reader = new FieldReader(bytes, dialect, complete)
  const fields: (string | null)[] = []
  for (;;) {
    const field = reader.field()
    if (field === 'more') return { kind: 'more' }
    if (field === 'broken')
      return { kind: 'broken', message: 'text stands after a closing quote, or a quote is never closed' }
    fields.push(field.value)
    if (field.last) break
  }
  const blank = fields.length === 1 && (fields[0] === null || fields[0] === '') && !reader.quoted
  return blank ? { kind: 'blank', length: reader.at } : { kind: 'record', fields, length: reader.at }
}

interface Field {
  readonly value: string | null
  readonly last: boolean
}

class FieldReader {
  at = 0
  quoted = false
  readonly #bytes: Buffer
  readonly #complete: boolean
  readonly #delimiter: number
  readonly #quote: number
  readonly #escape: number
  readonly #null: string
  readonly #emptyIsText: boolean

  constructor(bytes: Buffer, dialect: ReadDialect, complete: boolean) {
    this.#bytes = bytes
    this.#complete = complete
    this.#delimiter = dialect.delimiter.charCodeAt(0)
    this.#quote = dialect.quote === '' ? -1 : dialect.quote.charCodeAt(0)
    this.#escape = dialect.escape === '' ? -1 : dialect.escape.charCodeAt(0)
    this.#null = dialect.null
    this.#emptyIsText = dialect.emptyIsText ?? false
  }

  field(): Field | 'more' | 'broken' {
    let at = this.at
    while (this.#bytes[at] === SPACE && this.#quote >= 0) at++
    if (at === this.#bytes.length && !this.#complete) return 'more'
    return this.#bytes[at] === this.#quote ? this.#quotedField(at) : this.#plainField()
  }

  #plainField(): Field | 'more' {
    const start = this.at
    for (let at = start; at < this.#bytes.length; at++) {
      const byte = this.#bytes[at]
      if (byte !== this.#delimiter && byte !== NEWLINE) continue
      const end = byte === NEWLINE && at > start && this.#bytes[at - 1] === RETURN ? at - 1 : at
      this.at = at + 1
      return { value: this.#plain(start, end), last: byte === NEWLINE }
    }
    if (!this.#complete) return 'more'
    this.at = this.#bytes.length
    const end = this.at > start && this.#bytes[this.at - 1] === RETURN ? this.at - 1 : this.at
    return { value: this.#plain(start, end), last: true }
  }

  #plain(start: number, end: number): string | null {
    const text = this.#bytes.toString('utf8', start, end)
    return (text === '' && !this.#emptyIsText) || text === this.#null ? null : text
  }

  #quotedField(quote: number): Field | 'more' | 'broken' {
    this.quoted = true
    const parts: string[] = []
    let start = quote + 1
    for (let at = start; at < this.#bytes.length; at++) {
      const byte = this.#bytes[at]
      const next = this.#bytes[at + 1]
      if (byte === this.#escape && (next === this.#quote || (this.#escape !== this.#quote && next === this.#escape))) {
        parts.push(this.#bytes.toString('utf8', start, at))
        start = ++at
      } else if (byte === this.#quote) {
        if (at + 1 === this.#bytes.length && !this.#complete) return 'more'
        parts.push(this.#bytes.toString('utf8', start, at))
        return this.#afterQuote(at + 1, parts.join(''))
      }
    }
    return this.#complete ? 'broken' : 'more'
  }

  #afterQuote(after: number, value: string): Field | 'more' | 'broken' {
    let at = after
    while (this.#bytes[at] === SPACE) at++
    const returned = this.#bytes[at] === RETURN
    if (returned) at++
    if (at >= this.#bytes.length) {
      if (!this.#complete) return 'more'
      this.at = at
      return { value, last: true }
    }
    const byte = this.#bytes[at]
    this.at = at + 1
    if (byte === NEWLINE) return { value, last: true }
    return byte === this.#delimiter && !returned ? { value, last: false } : 'broken'
  }
}
