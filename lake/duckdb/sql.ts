/**
 * The only way to build SQL. `sql` is a template tag whose holes take other `Sql`, or values that it quotes: strings become
 * literals, numbers and bigints digits, arrays lists. Text can therefore never become syntax; the engine accepts nothing but `Sql`.
 */
export class Sql {
  readonly text: string
  private constructor(text: string) {
    this.text = text
  }
  /** For this file's functions only: every caller must pass syntax that it wrote itself. */
  static trusted(text: string): Sql {
    return new Sql(text)
  }
}

export type SqlValue = Sql | string | number | bigint | boolean | null | readonly SqlValue[]

export function sql(parts: TemplateStringsArray, ...holes: readonly SqlValue[]): Sql {
  return Sql.trusted(
    parts.map((part, index) => part + (index < holes.length ? render(holes[index] as SqlValue) : '')).join(''),
  )
}

/** A quoted identifier. NUL cannot be quoted in DuckDB, so it is refused. */
export function ident(name: string): Sql {
  if (name.includes('\0')) throw new TypeError('an identifier cannot contain NUL')
  return Sql.trusted(`"${name.replaceAll('"', '""')}"`)
}

/** `a.b.c` with each part quoted: a struct field path or a qualified column. */
export function path(...names: readonly string[]): Sql {
  return join(names.map(ident), '.')
}

export function literal(text: string): Sql {
  // chr(0) keeps NUL out of the statement text, where the parser would stop reading.
  const quoted = text.split('\0').map(part => `'${part.replaceAll("'", "''")}'`)
  return Sql.trusted(quoted.length === 1 ? (quoted[0] as string) : `concat(${quoted.join(', chr(0), ')})`)
}

export function join(
  parts: readonly Sql[],
  separator: ', ' | ' AND ' | ' OR ' | ' UNION ALL ' | '.' | ' ' | '; ',
): Sql {
  return Sql.trusted(parts.map(part => part.text).join(separator))
}

function render(value: SqlValue): string {
  if (value instanceof Sql) return value.text
  if (value === null) return 'NULL'
  switch (typeof value) {
    case 'string':
      return literal(value).text
    case 'bigint':
      return value.toString()
    case 'boolean':
      return value ? 'TRUE' : 'FALSE'
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`not a number that SQL can hold: ${value}`)
      // With an exponent DuckDB reads a DOUBLE; without one a DECIMAL, whose cast to DOUBLE is off by a bit now and then.
      return Number.isSafeInteger(value) ? String(value) : value.toExponential()
    default:
      return `[${value.map(render).join(', ')}]`
  }
}
