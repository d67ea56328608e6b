/**
 * What a JSON value that is no string becomes in a column of text: what DuckDB's JSON reader makes of it, so that a record gives
 * the same row whichever way its file is read. Numbers with a fraction stand in their shortest form; `1.10` is `1.1`.
 */
export function numberText(source: string): string {
  if (!/[.eE]/.test(source)) return source === '-0' ? '0' : source
  const value = Number(source)
  if (!Number.isFinite(value)) return source
  const [digits, exponent] = value.toExponential().split('e') as [string, string]
  const power = Number(exponent)
  if (power < -4 || power >= 16) {
    const sign = power < 0 ? '-' : '+'
    return `${digits}e${sign}${String(Math.abs(power)).padStart(2, '0')}`
  }
  const plain = Object.is(value, -0) ? '-0' : value.toString()
  const fixed = plain.includes('e') ? value.toFixed(digits.length + 4).replace(/0+$/, '') : plain
  return fixed.includes('.') ? fixed : `${fixed}.0`
}

/** More letters than this may stand for digits that a double does not hold; such numbers are kept as they were written. */
const CERTAIN_LETTERS = 16

/** As `numberText`, but exact: the strict way does not take long numbers for text outside of nested values. */
export function exactNumberText(source: string): string {
  const text = numberText(source)
  return text.length > CERTAIN_LETTERS ? source : text
}

/** An object or array as text: without spaces, its numbers and strings in their shortest form. */
export function compactJson(source: string): string {
  return source.replace(/"(?:[^"\\]|\\.)*"|[ \t\r\n]+|-?[0-9][0-9.eE+-]*/g, token => {
    if (token.startsWith('"')) return token.includes('\\') ? JSON.stringify(JSON.parse(token)) : token
    return token.trim() === '' ? '' : numberText(token)
  })
}
