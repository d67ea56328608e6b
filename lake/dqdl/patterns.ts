/** What Java's regular expressions know and RE2, DuckDB's engine, does not; each with what to say of it. */
const FOREIGN: readonly (readonly [pattern: RegExp, problem: string])[] = [
  [/\(\?[=!]/, 'look-ahead'],
  [/\(\?<[=!]/, 'look-behind'],
  [/\\[1-9]/, 'back reference'],
  [/\\k</, 'back reference'],
  [/\(\?>/, 'atomic group'],
  [/[*+?}]\+/, 'possessive quantifier'],
  [/&&/, 'intersection of classes'],
  [/\\[GZRXhH]/, 'escape that only Java knows'],
]

/** Classes that Java names and RE2 spells otherwise. */
const CLASSES: Readonly<Record<string, string>> = {
  Alpha: 'alpha',
  Digit: 'digit',
  Alnum: 'alnum',
  Upper: 'upper',
  Lower: 'lower',
  Punct: 'punct',
  Graph: 'graph',
  Print: 'print',
  Blank: 'blank',
  Cntrl: 'cntrl',
  XDigit: 'xdigit',
  Space: 'space',
  ASCII: 'ascii',
}

/** Why a pattern cannot be evaluated here; undefined when it can. DuckDB itself says what else is wrong with it. */
export function patternProblem(pattern: string): string | undefined {
  // What is escaped or stands in a class is no construct: it is looked at without those.
  const bare = pattern.replace(/\\\\/g, '')
  const found = FOREIGN.find(([construct]) => construct.test(bare))
  return found && `the regular expression "${pattern}" uses a ${found[1]}, which RE2 does not have`
}

/** The pattern as RE2 reads it: `\p{Alpha}` and its kind become POSIX classes. */
export function re2Pattern(pattern: string): string {
  let inClass = false
  return pattern.replace(/\\[pP]\{(\w+)\}|\\[\s\S]|[[\]]/g, (found, name: string | undefined) => {
    if (found === '[') inClass = true
    if (found === ']') inClass = false
    const posix = name === undefined ? undefined : CLASSES[name]
    if (posix === undefined) return found
    const body = `[:${found[1] === 'P' ? '^' : ''}${posix}:]`
    return inClass ? body : `[${body}]`
  })
}
