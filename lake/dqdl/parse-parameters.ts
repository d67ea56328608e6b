import type { Parameter } from './ast.ts'
import { type Cursor, spelling } from './cursor.ts'
import type { Token } from './lexer.ts'
import { meaningOf, parseReference, type Scope } from './parse-condition.ts'

const CONNECTORS = ['of', 'OF', 'and', 'AND'] as const

/**
 * What follows the name of a rule: as many names and texts as there are, `and` and a name behind it included, as AWS's grammar reads
 * them: `IsComplete "a" and IsUnique "b"` is one rule with three parameters.
 */
export function parseParameters(cursor: Cursor, scope: Scope, resolve = resolveText): readonly Parameter[] {
  const parameters: Parameter[] = []
  for (;;) {
    const connector = cursor.sees(...CONNECTORS) && isParameter(cursor.peek(1)) ? cursor.next().text : undefined
    if (!isParameter(cursor.peek())) break
    const parameter = cursor.take('$') ? resolve(cursor, scope) : parseName(cursor)
    parameters.push({ ...parameter, connector })
  }
  rejectName(cursor)
  return parameters
}

const isParameter = ({ kind, text }: Token): boolean =>
  kind === 'string' || kind === 'word' || (kind === 'sign' && text === '$')

type Resolved = Omit<Parameter, 'connector'>

function parseName(cursor: Cursor): Resolved {
  const { kind, text } = cursor.next()
  const quoted = kind === 'string'
  return { value: quoted ? meaningOf(text) : text, raw: text, quoted, variable: undefined }
}

function resolveText(cursor: Cursor, scope: Scope): Resolved {
  const { span } = cursor.peek()
  const { name, value } = parseReference(cursor, scope)
  if (typeof value === 'string') return { value: meaningOf(value), raw: value, quoted: true, variable: name }
  return cursor.refuse(`Invalid variable type for '${name}': expected STRING, but got STRING_ARRAY`, {
    span,
    fix: `a parameter is one text; a list stands after in: in $${name}`,
  })
}

/** AWS reads a variable in an analyzer, defined or not, and never puts its value there. */
export function leaveVariable(cursor: Cursor, scope: Scope): Resolved {
  const { kind, text: name, span } = cursor.next()
  if (kind !== 'word') cursor.fail(`expected the name of a variable after "$", found "${name}"`, { span })
  const value = scope.get(name)?.value
  const text = typeof value === 'string' ? value : `$${name}`
  cursor.warn('AWS does not put in the value of a variable here', { span, fix: `write "${text}"` })
  return { value: meaningOf(text), raw: text, quoted: true, variable: name }
}

/** What was meant as a name and is read as something else. */
function rejectName(cursor: Cursor): void {
  const { kind, text, span } = cursor.peek()
  const hint = kind === 'number' ? spelling(cursor.last) : undefined
  if (hint !== undefined) cursor.fail(`"${cursor.last.text}" is read as a name`, { span: cursor.last.span, fix: hint })
  if (kind === 'number')
    cursor.fail(`expected a name or a condition, found "${text}"`, {
      fix: `a condition begins with an operator, such as > ${text}; a name in digits stands in double quotes`,
    })
  if (kind === 'date' || kind === 'time')
    cursor.fail(`"${text}" is read as a ${kind} and cannot be a name`, { fix: 'DQDL has no way to write it' })
  const after = cursor.peek(1)
  const isGlued = cursor.last.span.end === span.start && span.end === after.span.start
  if (cursor.last.kind === 'word' && isGlued && (text === '-' || text === ':' || text === '/'))
    cursor.fail(`a name with "${text}" stands in double quotes`, {
      fix: `write "${cursor.last.text}${text}${after.text}"`,
    })
}
