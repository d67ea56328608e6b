import type { Labels } from './ast.ts'
import type { Cursor } from './cursor.ts'
import type { Token } from './lexer.ts'

const LABELS_MAX = 10
const KEY_LENGTH_MAX = 128
const VALUE_LENGTH_MAX = 256

interface Label {
  readonly key: Token
  readonly value: Token
}

/** `=["key"="value", …]`. An overridden default counts twice towards the ten, as in AWS's parser. */
export function parseLabels(cursor: Cursor, defaults: Labels): Labels {
  cursor.expect('=')
  const start = cursor.expect('[')
  if (cursor.take(']'))
    return cursor.refuse('Labels must have at least one label', { span: cursor.from(start), fix: 'leave labels away' })
  const found: Label[] = []
  do {
    const key = cursor.quoted('the key of a label')
    cursor.expect('=')
    found.push({ key, value: cursor.quoted('the value of a label') })
  } while (cursor.take(','))
  cursor.expect(']', '"," or "]"')
  if (found.length + Object.keys(defaults).length > LABELS_MAX)
    return cursor.refuse(`Number of labels exceed maximum allowed (MAX: ${LABELS_MAX})`, {
      span: cursor.from(start),
      fix: 'default labels count too, even those that the rule overrides',
    })
  return Object.fromEntries(checked(cursor, found))
}

function checked(cursor: Cursor, found: readonly Label[]): ReadonlyMap<string, string> {
  const labels = new Map<string, string>()
  for (const label of found) {
    const { key, value } = label
    if (labels.has(key.text)) cursor.refuse('Duplicate label key. Key must be unique.', { span: key.span })
    checkTexts(cursor, label)
    labels.set(key.text, value.text)
  }
  return labels
}

/** AWS's documentation allows empty values, its parser refuses them. */
function checkTexts(cursor: Cursor, { key, value }: Label): void {
  const empty = key.text === '' ? key : value.text === '' ? value : undefined
  if (empty === value && cursor.mode === 'lenient') cursor.warn('AWS refuses empty values of labels', value)
  else if (empty) cursor.refuse('Label key or value cannot be empty', empty)
  for (const [what, { text, span }, max] of [
    ['key', key, KEY_LENGTH_MAX],
    ['value', value, VALUE_LENGTH_MAX],
  ] as const)
    if (text.length > max)
      cursor.refuse(`Label ${what} has length ${text.length} exceeding the maximum length of ${max} characters`, {
        span,
      })
}
