import type { Labels } from './ast.ts'
import type { Cursor } from './cursor.ts'

const LABELS_MAX = 10
const KEY_LENGTH_MAX = 128
const VALUE_LENGTH_MAX = 256

/** `=["key"="value", …]`. An overridden default counts twice towards the ten, as in AWS's parser. */
export function parseLabels(cursor: Cursor, defaults: Labels): Labels {
  cursor.expect('=')
  const start = cursor.expect('[')
  const labels = new Map<string, string>()
  if (cursor.sees(']')) return cursor.fail('Labels must have at least one label')
  do {
    const key = cursor.quoted('the key of a label')
    cursor.expect('=')
    const value = cursor.quoted('the value of a label')
    if (key.text === '' || (value.text === '' && cursor.mode === 'aws'))
      cursor.fail('Label key or value cannot be empty', { span: (key.text === '' ? key : value).span })
    if (value.text === '') cursor.warn('AWS refuses empty values of labels', value.span)
    if (key.text.length > KEY_LENGTH_MAX)
      cursor.fail(
        `Label key has length ${key.text.length} exceeding the maximum length of ${KEY_LENGTH_MAX} characters`,
        { span: key.span },
      )
    if (value.text.length > VALUE_LENGTH_MAX)
      cursor.fail(
        `Label value has length ${value.text.length} exceeding the maximum length of ${VALUE_LENGTH_MAX} characters`,
        { span: value.span },
      )
    if (labels.has(key.text)) cursor.fail('Duplicate label key. Key must be unique.', { span: key.span })
    labels.set(key.text, value.text)
  } while (cursor.take(','))
  cursor.expect(']', '"," or "]"')
  if (labels.size + Object.keys(defaults).length > LABELS_MAX)
    cursor.fail(`Number of labels exceed maximum allowed (MAX: ${LABELS_MAX})`, { span: cursor.from(start) })
  return Object.fromEntries(labels)
}
