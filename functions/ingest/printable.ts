/** A key as it may stand in a log line: printable ASCII, at most 200 characters, so that no key can forge or reorder a line. */
export function printable(key: string): string {
  const escaped = key.replace(/[^\x20-\x7e]/gu, character => `\\u{${character.codePointAt(0)?.toString(16)}}`)
  return escaped.length > 200 ? `${escaped.slice(0, 199)}…` : escaped
}
