import type { Parameter } from './ast.ts'
import type { Cursor } from './cursor.ts'
import type { Token } from './lexer.ts'
import { meaningOf, parseReference, type Scope } from './parse-condition.ts'

const CONNECTORS = ['of', 'OF', 'and', 'AND'] as const

/**
 * What follows the name of a rule: as many names and texts as there are, `and` and a name behind it included, as AWS's grammar reads
 * them: `IsComplete "a" and IsUnique "b"` is one rule with three parameters.
 */
export function parseParameters(cursor: Cursor, scope: Scope): readonly Parameter[] {
  const parameters: Parameter[] = []
  for (;;) {
    const connector = cursor.sees(...CONNECTORS) && isParameter(cursor.peek(1)) ? cursor.next().text : undefined
    if (!isParameter(cursor.peek())) break
    parameters.push({ ...parseParameter(cursor, scope), connector })
  }
  rejectName(cursor)
  return parameters
}

const isParameter = ({ kind, text }: Token): boolean =>
  kind === 'string' || kind === 'word' || (kind === 'sign' && text === '$')

function parseParameter(cursor: Cursor, scope: Scope): Omit<Parameter, 'connector'> {
  if (!cursor.take('$')) {
    const { kind, text } = cursor.next()
    const quoted = kind === 'string'
    return { value: quoted ? meaningOf(text) : text, raw: text, quoted, variable: undefined }
  }
  const { span } = cursor.peek()
  const { name, value } = parseReference(cursor, scope)
  if (typeof value === 'string') return { value: meaningOf(value), raw: value, quoted: true, variable: name }
  return cursor.refuse(`Invalid variable type for '${name}': expected STRING, but got STRING_ARRAY`, {
    span,
    fix: `a parameter is one text; a list stands after in: in $${name}`,
  })
}

/** What was meant as a name and is read as something else. */
function rejectName(cursor: Cursor): void {
  const { kind, text, span } = cursor.peek()
  if (kind === 'number') cursor.fail(`a name in digits alone stands in double quotes`, { fix: `write "${text}"` })
  if (kind === 'date' || kind === 'time')
    cursor.fail(`"${text}" is read as a ${kind} and cannot be a name`, { fix: 'AWS knows no way to write it' })
  const after = cursor.peek(1)
  const isGlued = cursor.last.span.end === span.start && span.end === after.span.start
  if (cursor.last.kind === 'word' && isGlued && (text === '-' || text === ':' || text === '/'))
    cursor.fail(`a name with "${text}" stands in double quotes`, {
      fix: `write "${cursor.last.text}${text}${after.text}"`,
    })
}
