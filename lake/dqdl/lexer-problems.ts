import type { Diagnostic } from './diagnostics.ts'
import type { Mode, Token } from './lexer.ts'

/** Characters that begin no token, what to say of them, and where reading goes on. */
export interface Problem {
  readonly kind: 'comment' | 'return' | 'mark' | 'other'
  /** None when the like was told before. */
  readonly diagnostic: Diagnostic | undefined
  /** What the parser reads in their place, so that it finds further mistakes and not the same one again. */
  readonly token: Token | undefined
  readonly end: number
}

export interface ProblemContext {
  readonly mode: Mode
  readonly isFirst: (kind: Problem['kind']) => boolean
}

export function problemAt(text: string, at: number, context: ProblemContext): Problem {
  switch (text[at]) {
    case '#':
      return openComment(text, at, context)
    case '\r':
      return invisible(at, context, {
        kind: 'return',
        message: 'AWS refuses carriage returns (Windows line ends)',
        fix: 'save the file with LF line ends',
      })
    case '\ufeff':
      return invisible(at, context, {
        kind: 'mark',
        message: 'AWS refuses a byte order mark',
        fix: 'save the file as UTF-8 without a byte order mark',
      })
    case '/':
      return text[at + 1] === '/' ? slashComment(text, at) : slashPattern(text, at)
    case '"':
      return openQuote(text, at)
    case "'":
      return otherQuotes(text, at, { close: /['\n]/g, isToken: true })
    case '“':
    case '”':
    case '„':
      return otherQuotes(text, at, { close: /[“”"\n]/g, isToken: false })
    default:
      return bareAddress(text, at) ?? unreadable(text, at)
  }
}

function problem(diagnostic: Diagnostic, token?: Token): Problem {
  return { kind: 'other', diagnostic, token, end: (token ?? diagnostic).span.end }
}

function openComment(text: string, at: number, { mode }: ProblemContext): Problem {
  const diagnostic: Diagnostic = {
    severity: mode === 'aws' ? 'error' : 'warning',
    message: 'AWS wants a line break behind the last comment',
    span: { start: at, end: text.length },
    fix: 'end the file with an empty line',
  }
  return { ...problem(diagnostic), kind: 'comment' }
}

interface Invisible {
  readonly kind: 'return' | 'mark'
  readonly message: string
  readonly fix: string
}

function invisible(at: number, { mode, isFirst }: ProblemContext, { kind, message, fix }: Invisible): Problem {
  const span = { start: at, end: at + 1 }
  const severity = mode === 'aws' ? 'error' : 'warning'
  const diagnostic: Diagnostic | undefined = isFirst(kind) ? { severity, message, span, fix } : undefined
  return { kind, diagnostic, token: undefined, end: span.end }
}

/** To AWS `//` is two signs of division: it stands here as one token that the parser never sees. */
function slashComment(text: string, at: number): Problem {
  const span = { start: at, end: lineEnd(text, at) }
  return problem(
    { severity: 'error', message: '// begins no comment in DQDL', span, fix: 'write # instead' },
    { kind: 'stray', text: '//', span },
  )
}

const SLASH_PATTERN = /\/((?:\\.|[^\\/\n])*)\/([a-z]*)/y

function slashPattern(text: string, at: number): Problem {
  SLASH_PATTERN.lastIndex = at
  const [whole = '/', inner = '', flags = ''] = SLASH_PATTERN.exec(text) ?? []
  const pattern = `${flags.includes('i') ? '(?i)' : ''}${inner.replaceAll('\\/', '/').replaceAll('"', '\\"')}`
  const span = { start: at, end: at + whole.length }
  return problem(
    { severity: 'error', message: 'patterns stand in double quotes, not in //', span, fix: `write "${pattern}"` },
    { kind: 'string', text: inner, span },
  )
}

const ADDRESS = /[\w.]+:\/\/[^\s,"')\]]*/y

/** `s3://bucket/path` without quotes; to AWS the two slashes are signs of division. */
function bareAddress(text: string, at: number): Problem | undefined {
  ADDRESS.lastIndex = at
  const address = ADDRESS.exec(text)?.[0]
  if (address === undefined) return undefined
  const span = { start: at, end: at + address.length }
  return problem(
    { severity: 'error', message: 'paths stand in double quotes', span, fix: `write "${address}"` },
    { kind: 'string', text: address, span },
  )
}

export const OPEN_QUOTE = 'a quoted text that never ends'

/** Most likely the quote was forgotten on this line, so reading goes on with the next one. */
function openQuote(text: string, at: number): Problem {
  const end = lineEnd(text, at)
  return problem(
    {
      severity: 'error',
      message: OPEN_QUOTE,
      span: { start: at, end: at + 1 },
      fix: 'close it with "',
    },
    { kind: 'string', text: text.slice(at + 1, end), span: { start: at, end } },
  )
}

interface Quotes {
  readonly close: RegExp
  /** Whether AWS's grammar knows the quote at all. */
  readonly isToken: boolean
}

function otherQuotes(text: string, at: number, { close, isToken }: Quotes): Problem {
  close.lastIndex = at + 1
  const found = close.exec(text)
  const isClosed = found !== null && found[0] !== '\n'
  const span = { start: at, end: isClosed ? found.index + 1 : at + 1 }
  const inner = text.slice(at + 1, span.end - 1)
  const message = `texts stand in straight double quotes ("), not in ${text[at]}`
  const guess = isToken ? {} : ({ isGuess: true } as const)
  return problem(
    { severity: 'error', message, span, ...(isClosed ? { fix: `write "${inner.replaceAll('"', '\\"')}"` } : {}) },
    { kind: isClosed ? 'string' : 'stray', text: inner, span, ...guess },
  )
}

/** What people write from other languages, what to write instead, and the token that it stands for. */
const KNOWN: readonly (readonly [string, string, Pick<Token, 'kind' | 'text'>?])[] = [
  [';', 'rules are separated by commas', { kind: 'sign', text: ',' }],
  ['&&', 'write and', { kind: 'keyword', text: 'and' }],
  ['||', 'write or', { kind: 'keyword', text: 'or' }],
  ['%', 'write a share as a number from 0 to 1'],
  ['`', 'write names in double quotes'],
  ['\u00a0', 'this is a no-break space: write an ordinary one'],
]
const UNREADABLE = /[^ \t\n\r\ufeff\w.#"'“”„,{}[\]()=!<>+\-*/$:]+/uy

function unreadable(text: string, at: number): Problem {
  const [known, fix, meant] = KNOWN.find(([each]) => text.startsWith(each, at)) ?? []
  UNREADABLE.lastIndex = at
  const found = known ?? UNREADABLE.exec(text)?.[0] ?? (text[at] as string)
  const span = { start: at, end: at + found.length }
  const first = String.fromCodePoint(found.codePointAt(0) as number)
  const message =
    first.length === found.length || known !== undefined
      ? `unexpected character ${shown(found)}`
      : `unexpected characters, the first ${shown(first)}`
  return problem(
    { severity: 'error', message, span, ...(fix === undefined ? {} : { fix }) },
    meant === undefined ? undefined : { ...meant, span, isGuess: true },
  )
}

/** Characters that cannot be seen are told by their number. */
const shown = (character: string): string =>
  /^[\p{L}\p{N}\p{P}\p{S}]+$/u.test(character)
    ? `"${character}"`
    : `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end < 0 ? text.length : end
}
