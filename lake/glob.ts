/**
 * Globs over landing keys: `*` within a segment, `**` across segments, which may be none when a slash follows it; every
 * other character stands for itself. Matching visits each pair of positions once, so no key can make it slow.
 */
export type Glob = readonly Token[]
type Token = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'segment' } | { readonly kind: 'any' }

export function globMatches(glob: string, key: string): boolean {
  const literal: Glob = [...key].map(text => ({ kind: 'text', text }))
  return alternatives(glob).some(each => intersect(each, literal))
}

/** Whether some key matches both. */
export function globsMeet(one: string, other: string): boolean {
  return alternatives(one).some(a => alternatives(other).some(b => intersect(a, b)))
}

/** More literal characters first, then fewer `**`, then fewer `*`: compares two globs, negative when `one` is more specific. */
export function compareSpecificity(one: string, other: string): number {
  const [a, b] = [tokens(one), tokens(other)]
  const count = (glob: Glob, kind: Token['kind']): number => glob.filter(token => token.kind === kind).length
  return (
    count(b, 'text') - count(a, 'text') ||
    count(a, 'any') - count(b, 'any') ||
    count(a, 'segment') - count(b, 'segment')
  )
}

function tokens(glob: string): Glob {
  const parts = glob.match(/\*\*+|./gsu) ?? []
  return parts.map(part =>
    part.startsWith('**') ? { kind: 'any' } : part === '*' ? { kind: 'segment' } : { kind: 'text', text: part },
  )
}

// `a/**/b` is `a/b` or `a/` anything `/b`. Each such place doubles the list; declarations have one or two, route.ts allows four.
function alternatives(glob: string): readonly Glob[] {
  const [head = '', ...rest] = glob.split(/(?<=^|\/)\*\*+\//)
  return rest.reduce<readonly Glob[]>(
    (heads, tail) =>
      heads.flatMap(each => [
        [...each, ...tokens(tail)],
        [...each, { kind: 'any' }, { kind: 'text', text: '/' }, ...tokens(tail)],
      ]),
    [tokens(head)],
  )
}

/** Walks pairs of positions, as in a product of two automata: at most `a.length × b.length` steps. */
function intersect(a: Glob, b: Glob): boolean {
  const width = b.length + 1
  const seen = new Set<number>([0])
  const open = [0]
  while (open.length > 0) {
    const at = open.pop() as number
    const [i, j] = [Math.floor(at / width), at % width]
    if (i === a.length && j === b.length) return true
    for (const [di, dj] of steps(a[i], b[j])) {
      const next = (i + di) * width + j + dj
      if (!seen.has(next)) open.push(next)
      seen.add(next)
    }
  }
  return false
}

function steps(a: Token | undefined, b: Token | undefined): readonly (readonly [number, number])[] {
  const moves: [number, number][] = []
  if (a !== undefined && a.kind !== 'text') moves.push([1, 0])
  if (b !== undefined && b.kind !== 'text') moves.push([0, 1])
  if (a?.kind === 'text' && b?.kind === 'text' && a.text === b.text) moves.push([1, 1])
  if (a?.kind === 'text' && swallows(b, a.text)) moves.push([1, 0])
  if (b?.kind === 'text' && swallows(a, b.text)) moves.push([0, 1])
  return moves
}

function swallows(token: Token | undefined, text: string): boolean {
  return token?.kind === 'any' || (token?.kind === 'segment' && text !== '/')
}
