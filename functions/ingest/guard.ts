/** Why an object is no data, by its key alone: what Hadoop writers and consoles leave beside the data. */
export function ignoredKey(key: string): string | undefined {
  const segments = key.split('/')
  const name = segments.at(-1) ?? ''
  if (name === '') return 'folder-marker'
  if (name === '_SUCCESS') return 'success-marker'
  if (name.endsWith('.crc')) return 'checksum-file'
  // Files of a job that has not been committed yet; they are moved when it is.
  if (segments.slice(0, -1).includes('_temporary')) return 'temporary'
  return undefined
}

/** A key as it may stand in a log line: printable ASCII, at most 200 characters, so that no key can forge or reorder a line. */
export function printable(key: string): string {
  const escaped = key.replace(/[^\x20-\x7e]/gu, character => `\\u{${character.codePointAt(0)?.toString(16)}}`)
  return escaped.length > 200 ? `${escaped.slice(0, 199)}…` : escaped
}
