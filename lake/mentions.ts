import { folderSegment } from './stream-partition.ts'

/**
 * Whether bytes hold the value as a word of its own: `7` is in `"id": 7`, and not in `"id": 17`. As JSON escapes it, too. For what no reader takes
 * apart: there is no column to compare with.
 */
export function mentions(bytes: Buffer, value: string): boolean {
  return spellings(value).some(text => text !== '' && holds(bytes, Buffer.from(text)))
}

/** A text as it is, and as JSON may escape it. */
export function spellings(value: string): readonly string[] {
  const escaped = JSON.stringify(value).slice(1, -1)
  const ascii = escaped.replace(/[^\x20-\x7e]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return [...new Set([value, escaped, ascii])]
}

function holds(bytes: Buffer, word: Buffer): boolean {
  for (let at = bytes.indexOf(word); at >= 0; at = bytes.indexOf(word, at + 1))
    if (!isWordByte(bytes[at - 1]) && !isWordByte(bytes[at + word.length])) return true
  return false
}

/** Letters, digits, the underscore, and every byte of a character beyond ASCII. */
const isWordByte = (byte: number | undefined): boolean =>
  byte !== undefined && (byte >= 128 || /\w/.test(String.fromCharCode(byte)))

/** The same as a regular expression of RE2, for DuckDB. */
export const asWord = (text: string): string => `(^|[^0-9A-Za-z_])${escaped(text)}([^0-9A-Za-z_]|$)`

export const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')

// --- In keys -------------------------------------------------------------------------------------------------------

/**
 * A value as it may stand in the key of an object, as a regular expression of RE2 and of JavaScript: any of its characters percent-encoded, or all of it
 * as a stream names a folder after it.
 */
export function keyPattern(value: string): string {
  const characters = [...value.toWellFormed()].map(character => {
    const bytes = [...Buffer.from(character)].map(byte => `%${byte.toString(16).padStart(2, '0')}`).join('')
    const encoded = bytes.replace(/[a-f]/g, digit => `[${digit}${digit.toUpperCase()}]`)
    return `(?:${escaped(character)}|${encoded})`
  })
  return `(?:${characters.join('')}|${escaped(folderSegment(value))})`
}

/** What ends a word in a key: as elsewhere, or a character that is encoded. */
const ENCODED_END = '%(?:2[0-9A-Fa-f]|3[A-Fa-f]|40|5[B-Eb-e]|60|7[B-Eb-e])'

/** Whether a key has the value as a word of its own. */
export const keyMentions = (key: string, value: string): boolean =>
  new RegExp(
    `(?:(?<![0-9A-Za-z_\\u0080-\\uffff])|(?<=${ENCODED_END}))${keyPattern(value)}(?![0-9A-Za-z_\\u0080-\\uffff])`,
  ).test(key)

/** The same as a regular expression of RE2, for DuckDB. */
export const asKeyWord = (value: string): string =>
  `(^|[^0-9A-Za-z_]|${ENCODED_END})${keyPattern(value)}([^0-9A-Za-z_]|$)`

/** Shorter ones are in every document, as counts and parts of names: only as a text of their own do they mean somebody. */
export const WORD_LENGTH_MIN = 4
