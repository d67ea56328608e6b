import { Digits, type Exact } from '#lake/duckdb/reading.ts'

/** A value as JSON, every digit of its numbers included: JSON sets no limit to them (RFC 8259, section 6). */
export function toJson(value: Exact): string {
  if (value instanceof Digits) return value.text
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`
  return `{${Object.entries(value)
    .map(([field, each]) => `${JSON.stringify(field)}:${toJson(each)}`)
    .join(',')}}`
}

/** A value as people read it; undefined is NULL. Nested values are JSON. */
export function toText(value: Exact): string | undefined {
  if (value === null) return undefined
  if (value instanceof Digits) return value.text
  return typeof value === 'object' ? toJson(value) : String(value)
}
