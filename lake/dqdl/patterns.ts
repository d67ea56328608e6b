/** What Java's regular expressions know and RE2, DuckDB's engine, does not; each with what to say of it. */
const FOREIGN: readonly (readonly [pattern: RegExp, problem: string])[] = [
  [/\(\?[=!]/, 'a look-ahead'],
  [/\(\?<[=!]/, 'a look-behind'],
  [/\\[1-9]/, 'a back reference'],
  [/\\k/, 'a back reference'],
  [/\(\?>/, 'an atomic group'],
  [/(?:[*+?]|\{\d+,?\d*\})\+/, 'a possessive quantifier'],
  [/\\[GZRXhHvV]/, 'an escape that only Java knows'],
]

/** Inside of brackets Java joins and intersects classes, where RE2 would read the signs as characters. */
const FOREIGN_CLASSES: readonly (readonly [pattern: RegExp, problem: string])[] = [
  [/&&/, 'an intersection of classes'],
  [/\[(?!:)/, 'a class within a class'],
]

/** A pattern in parts: escapes, whole classes, and everything else by the character. */
const PARTS = /\\Q[\s\S]*?(?:\\E|$)|\\[pP]\{\w+\}|\\[\s\S]|\[\^?\]?(?:\\[\s\S]|\[:\^?\w+:\]|[^\]\\])*\]|[\s\S]/g

const isClass = (part: string): boolean => part.length > 1 && part.startsWith('[')

/** Why a pattern cannot be evaluated here; undefined when it can. DuckDB itself says what else is wrong with it. */
export function patternProblem(pattern: string): string | undefined {
  const parts = pattern.match(PARTS) ?? []
  // An escaped sign is no construct, so it is looked at as a letter; escapes that mean something stay.
  const bare = parts
    .filter(part => !part.startsWith('\\Q'))
    .map(part => (isClass(part) || /^\\(?:\W|[pP]\{)/.test(part) ? 'x' : part))
    .join('')
  const inside = parts.filter(isClass).map(part => part.slice(1, -1).replace(/\\[\s\S]/g, 'x'))
  const found =
    FOREIGN.find(([construct]) => construct.test(bare)) ??
    FOREIGN_CLASSES.find(([construct]) => inside.some(each => construct.test(each)))
  return found && `the regular expression "${pattern}" uses ${found[1]}, which RE2 does not have`
}

/** Classes that Java names: their POSIX name, and their characters. */
const CLASSES: Readonly<Record<string, readonly [posix: string, characters: string]>> = {
  Alpha: ['alpha', 'a-zA-Z'],
  Digit: ['digit', '0-9'],
  Alnum: ['alnum', 'a-zA-Z0-9'],
  Upper: ['upper', 'A-Z'],
  Lower: ['lower', 'a-z'],
  Punct: ['punct', '!-\\/:-@\\[-`{-~'],
  Graph: ['graph', '!-~'],
  Print: ['print', ' -~'],
  Blank: ['blank', ' \\t'],
  Cntrl: ['cntrl', '\\x00-\\x1f\\x7f'],
  XDigit: ['xdigit', '0-9a-fA-F'],
  Space: ['space', '\\s'],
  ASCII: ['ascii', '\\x00-\\x7f'],
}

/** The pattern as RE2 reads it: `\p{Alpha}` and its kind become POSIX classes, named groups are spelled its way. */
export function re2Pattern(pattern: string): string {
  return rewrite(pattern, ([posix], isNegated) => `[:${isNegated ? '^' : ''}${posix}:]`)
}

/** The pattern as JavaScript reads it, which knows none of Java's names of classes. */
export function javaScriptPattern(pattern: string): string {
  return rewrite(pattern, ([, characters], isNegated) => (isNegated ? undefined : characters)).replaceAll('(?P<', '(?<')
}

/** How a class is spelled inside of brackets; undefined where it cannot be. */
type Spell = (spellings: readonly [posix: string, characters: string], isNegated: boolean) => string | undefined

const REWRITTEN = /\\[pP]\{\w+\}|\\[\s\S]|\[\^?\]?(?:\\[\s\S]|\[:\^?\w+:\]|[^\]\\])*\]|\(\?<(?![=!])/g
const NAMED = /\\([pP])\{(\w+)\}|\\[\s\S]/g

function rewrite(pattern: string, spell: Spell): string {
  const inside = (text: string): string =>
    text.replace(NAMED, (found, letter: string | undefined, name = '') => {
      const known = CLASSES[name as string]
      return (known && spell(known, letter === 'P')) ?? found
    })
  const outside = (text: string): string =>
    text.replace(NAMED, (found, letter: string | undefined, name = '') => {
      const known = CLASSES[name as string]
      return known ? `[${letter === 'P' ? '^' : ''}${spell(known, false)}]` : found
    })
  return pattern.replace(REWRITTEN, part => {
    if (part === '(?<') return '(?P<'
    return part.startsWith('[') ? inside(part) : outside(part)
  })
}

/**
 * What a text in another language means that stands between DQDL's quotes: a pattern, a predicate, a statement. Only the quotes in it are
 * escaped for DQDL; every other backslash belongs to that language.
 */
export const withoutQuoteEscapes = (raw: string): string => raw.replaceAll('\\"', '"')
