/** A piece of TypeScript: code, the inside of a literal, or a comment. Literals include their quotes. */
interface Part {
  readonly kind: 'code' | 'literal' | 'comment'
  readonly from: number
  readonly to: number
}

export interface Source {
  /** Literals and comments blanked out; every position and line as in the file. */
  readonly code: string
  /** Comments blanked out, literals kept. */
  readonly spoken: string
  readonly literals: readonly { readonly value: string; readonly from: number }[]
}

/** Characters that begin nothing else. */
const PLAIN = /[^/'"`{}]+/y
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y
const QUOTED = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y
const TEMPLATE_PIECE = /[`}](?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y
const REGEX = /\/(?![*/])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
/** What stands before a slash that begins a regular expression; after a value it divides. */
const BEFORE_REGEX = /(?:[(,=:[!&|?{;+*%<>~^-]|\b(?:return|typeof|case|of|in|await))\s*$|^\s*$/

const cache = new Map<string, Source>()

/** Takes a file apart once; several checks look at it. */
export function readSource(text: string): Source {
  const known = cache.get(text)
  if (known) return known
  const parts = partsOf(text)
  const source = {
    code: blanked(text, parts, kind => kind !== 'code'),
    spoken: blanked(text, parts, kind => kind === 'comment'),
    literals: parts
      .filter(part => part.kind === 'literal' && /['"]/.test(text[part.from] ?? ''))
      .map(part => ({ value: text.slice(part.from + 1, part.to - 1), from: part.from })),
  }
  cache.set(text, source)
  return source
}

export const lineOf = (text: string, position: number): number => text.slice(0, position).split('\n').length

function blanked(text: string, parts: readonly Part[], hide: (kind: Part['kind']) => boolean): string {
  return parts
    .map(part => {
      const piece = text.slice(part.from, part.to)
      return hide(part.kind) ? piece.replace(/[^\n]/g, ' ') : piece
    })
    .join('')
}

function partsOf(text: string): readonly Part[] {
  const parts: Part[] = []
  /** Of each template that is open around this place: the braces open inside its `${`. */
  const open: number[] = []
  let codeSoFar = ''
  let at = 0
  const take = (kind: Part['kind'], length: number): void => {
    parts.push({ kind, from: at, to: at + length })
    if (kind === 'code') codeSoFar = (codeSoFar + text.slice(at, at + length)).slice(-40)
    if (kind === 'literal') codeSoFar = '"'
    at += length
  }
  while (at < text.length) {
    const char = text[at]
    const closesTemplate = char === '}' && open.at(-1) === 0
    const comment = match(COMMENT, text, at)
    const quoted = match(QUOTED, text, at)
    const regex = char === '/' && BEFORE_REGEX.test(codeSoFar) ? match(REGEX, text, at) : ''
    if (comment) take('comment', comment.length)
    else if (quoted || regex) take('literal', (quoted || regex).length)
    else if (char === '`' || closesTemplate) {
      if (closesTemplate) open.pop()
      const piece = match(TEMPLATE_PIECE, text, at) || text.slice(at)
      if (piece.endsWith('${')) open.push(0)
      take('literal', piece.length)
    } else {
      if (char === '{' && open.length > 0) open.push((open.pop() ?? 0) + 1)
      if (char === '}' && open.length > 0) open.push((open.pop() ?? 0) - 1)
      take('code', match(PLAIN, text, at).length || 1)
    }
  }
  return parts
}

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}
