import { toBinary, type Value } from './value.ts'

export interface Bounds {
  readonly lower: Buffer | undefined
  readonly upper: Buffer | undefined
}

/**
 * Lower and upper bound of a column, text and bytes cut to `length` code points or bytes (Iceberg's metrics mode `truncate`; undefined: whole).
 * No bound is always allowed. None for uuid: readers disagree on its order (apache/iceberg#14216), and one of them then skips files that
 * hold matching rows.
 */
export function boundsOf(
  type: string,
  range: { readonly min: Value | undefined; readonly max: Value | undefined },
  { length }: { readonly length: number | undefined },
): Bounds {
  if (type === 'uuid') return { lower: undefined, upper: undefined }
  const { min, max } = range
  return {
    lower: min === undefined || Number.isNaN(min) ? undefined : lowerBound(type, min, length),
    upper: max === undefined || Number.isNaN(max) ? undefined : upperBound(type, max, length),
  }
}

function lowerBound(type: string, value: Value, length: number | undefined): Buffer {
  // −0.0 and 0.0 are equal in SQL and apart in Iceberg's order, so a bound of zero takes the wider sign.
  if (value === 0 && (type === 'float' || type === 'double')) return toBinary(type, -0)
  if (length === undefined) return toBinary(type, value)
  if (typeof value === 'string') return toBinary(type, [...value].slice(0, length).join(''))
  return toBinary(type, Buffer.isBuffer(value) ? value.subarray(0, length) : value)
}

function upperBound(type: string, value: Value, length: number | undefined): Buffer | undefined {
  if (value === 0 && (type === 'float' || type === 'double')) return toBinary(type, 0)
  const cut = length === undefined ? value : truncateUpper(value, length)
  return cut === undefined ? undefined : toBinary(type, cut)
}

/** The shortest cut that is not below the value; undefined when there is none. */
export function truncateUpper(value: Value, length: number): Value | undefined {
  if (typeof value === 'string') return truncateTextUpper(value, length)
  return Buffer.isBuffer(value) ? truncateBytesUpper(value, length) : value
}

function truncateTextUpper(text: string, length: number): string | undefined {
  const points = [...text]
  if (points.length <= length) return text
  for (let last = length - 1; last >= 0; last--) {
    const next = (points[last]?.codePointAt(0) ?? 0) + 1
    // D800–DFFF are surrogates, not characters, so the one after D7FF is E000; nothing comes after 10FFFF.
    const point = next === 0xd800 ? 0xe000 : next
    if (point <= 0x10ffff) return points.slice(0, last).join('') + String.fromCodePoint(point)
  }
  return undefined
}

function truncateBytesUpper(bytes: Buffer, length: number): Buffer | undefined {
  if (bytes.length <= length) return bytes
  const cut = Buffer.from(bytes.subarray(0, length))
  for (let last = length - 1; last >= 0; last--) {
    const byte = cut[last] ?? 0
    if (byte === 255) continue
    cut[last] = byte + 1
    return cut.subarray(0, last + 1)
  }
  return undefined
}
