/**
 * JSON of table metadata without loss: snapshot ids and sequence numbers are 64-bit, beyond what a JSON number means to
 * JavaScript (spec, appendix C). The fields below are always bigint in memory; any other integer only when it must be.
 */
const LONGS: ReadonlySet<string> = new Set([
  'snapshot-id',
  'parent-snapshot-id',
  'current-snapshot-id',
  'sequence-number',
  'last-sequence-number',
])

export function parseJson(text: string): unknown {
  return parseWithSource(text, (key, value, source) => {
    if (typeof value !== 'number' || source === undefined || !/^-?\d+$/.test(source)) return value
    return LONGS.has(key) || !Number.isSafeInteger(value) ? BigInt(source) : value
  })
}

export function formatJson(document: unknown): string {
  return JSON.stringify(document, (_key, value) => (typeof value === 'bigint' ? rawJson(value.toString()) : value))
}

// ECMAScript 2026 "JSON.parse source text access", in V8 since 11.4; the type libraries do not declare it yet.
type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown
const engine = JSON as unknown as {
  parse(text: string, reviver: Reviver): unknown
  rawJSON(text: string): unknown
}
const rawJson = (text: string): unknown => engine.rawJSON(text)
const parseWithSource = (
  text: string,
  revive: (key: string, value: unknown, source: string | undefined) => unknown,
): unknown => engine.parse(text, (key, value, context) => revive(key, value, context?.source))
