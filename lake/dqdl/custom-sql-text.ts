/** Spark SQL as DuckDB reads it, or why that cannot be. */
export type Translated = { readonly text: string } | { readonly problem: string }

/**
 * Spells a Spark SQL statement for DuckDB: both kinds of quotes are text with backslash escapes, back-quotes are names, comments and
 * a semicolon at the end go. `primary` is a keyword of DuckDB, so it becomes a quoted name. Everything else stays as it is: whether it
 * is a statement, and which, DuckDB's parser decides afterwards.
 */
export function duckdbText(spark: string): Translated {
  const parts: string[] = []
  let problem: string | undefined
  PART.lastIndex = 0
  for (let at = 0; at < spark.length; at = PART.lastIndex) {
    PART.lastIndex = at
    const part = PART.exec(spark)?.[0] as string
    const text = spelled(part)
    const open = UNCLOSED.get(part)
    if (open) problem ??= `${open} is not closed`
    // DuckDB quotes with dollars as well, and stops reading at NUL.
    if (part === '$' || text.includes('\0')) problem ??= `${JSON.stringify(part)} cannot stand in a statement`
    parts.push(text)
  }
  if (problem !== undefined) return { problem }
  return { text: parts.join('').replace(/[\s;]+$/, '') }
}

/** Comments, texts, quoted names, words, and every other character by itself: an opening quote alone has no closing one. */
const PART =
  /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"|`(?:[^`]|``)+`|[A-Za-z_]\w*|[\s\S]/y

const UNCLOSED: ReadonlyMap<string, string> = new Map([
  ["'", 'a text'],
  ['"', 'a text'],
  ['`', 'a name'],
])

function spelled(part: string): string {
  if (part.startsWith('--') || part.startsWith('/*')) return ' '
  if (part.length > 1 && (part.startsWith("'") || part.startsWith('"'))) return quotedText(sparkText(part))
  if (part.length > 1 && part.startsWith('`')) return quotedName(part.slice(1, -1).replaceAll('``', '`'))
  return part.toLowerCase() === 'primary' ? quotedName('primary') : part
}

const quotedText = (text: string): string => `'${text.replaceAll("'", "''")}'`
const quotedName = (name: string): string => `"${name.replaceAll('"', '""')}"`

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', '0': '\0' }

/** What a quoted text of Spark means; before % and _ the backslash stays for LIKE. */
export function sparkText(quoted: string): string {
  const quote = quoted[0] as string
  const inner = quoted.slice(1, -1).replaceAll(`${quote}${quote}`, quote)
  return inner.replace(/\\([\s\S])/g, (whole, escaped: string) => {
    if (escaped === '%' || escaped === '_') return whole
    return ESCAPES[escaped] ?? escaped
  })
}
