/**
 * Places of values in JSON text, for what has to be handed on exactly as it was written: numbers lose digits when they are
 * parsed and printed. Nothing is checked here that `JSON.parse` checks.
 */
const [QUOTE, BACKSLASH, BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d]

/** The values of a text that holds one after the other, with or without white space between; undefined where brackets do not tell. */
export function valuesIn(text: string): readonly string[] | undefined {
  const values: string[] = []
  for (let at = afterSpace(text, 0); at < text.length; at = afterSpace(text, at)) {
    const end = bracketEnd(text, at)
    if (end === undefined) return undefined
    values.push(text.slice(at, end))
    at = end
  }
  return values
}

/** The members of an object, or elements of an array, whose text is known to be JSON: key (empty in an array) and exact text. */
export function piecesOf(text: string): readonly { readonly key: string; readonly value: string }[] {
  const pieces: { key: string; value: string }[] = []
  const start = afterSpace(text, 0)
  const isObject = text.charCodeAt(start) === BRACE
  for (let at = afterSpace(text, start + 1); at < text.length; at = afterSpace(text, at + 1)) {
    const code = text.charCodeAt(at)
    if (code === BRACE_END || code === BRACKET_END) break
    let key = ''
    if (isObject) {
      const end = stringEnd(text, at)
      key = JSON.parse(text.slice(at, end)) as string
      at = afterSpace(text, afterSpace(text, end) + 1)
    }
    const end = valueEnd(text, at)
    pieces.push({ key, value: text.slice(at, end) })
    at = afterSpace(text, end)
    if (text.charCodeAt(at) !== 0x2c) break
  }
  return pieces
}

function afterSpace(text: string, start: number): number {
  let at = start
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) break
  }
  return at
}

function valueEnd(text: string, start: number): number {
  const code = text.charCodeAt(start)
  if (code === QUOTE) return stringEnd(text, start)
  if (code === BRACE || code === BRACKET) return bracketEnd(text, start) ?? text.length
  const rest = /[,\]}\s]/g
  rest.lastIndex = start
  return rest.exec(text)?.index ?? text.length
}

function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return at + 1
    if (code === BACKSLASH) at++
  }
  return text.length
}

/** Behind the bracket that closes the one at `start`; undefined when there is none at either place. */
function bracketEnd(text: string, start: number): number | undefined {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = stringEnd(text, at) - 1
    else if (code === BRACE || code === BRACKET) depth++
    else if (code === BRACE_END || code === BRACKET_END) {
      depth--
      if (depth <= 0) return depth === 0 ? at + 1 : undefined
    }
    if (depth === 0) return undefined
  }
  return undefined
}
