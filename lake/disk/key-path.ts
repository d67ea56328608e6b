import { LakeError } from '../errors.ts'

/** Below NAME_MAX (255 on every common file system), with room for the mark of a name that goes on. */
const NAME_BYTES_MAX = 240
const CHUNK_BYTES_MAX = NAME_BYTES_MAX - 8
const MORE = '%more'

const WHOLE = new Map([
  ['', '%empty'],
  ['.', '%dot'],
  ['..', '%dotdot'],
])
const WHOLE_BACK = new Map([...WHOLE].map(([name, escaped]) => [escaped, name]))

/**
 * The path of an object's file below its zone folder. Plain names map to themselves, so that tables on disk are ordinary
 * Iceberg folders and a file dropped by hand has the key one expects (`a%20b.csv` too). What a file system cannot hold is
 * escaped: control characters as %0A, the names '', '.' and '..' as %empty, %dot and %dotdot, and a name over 240 bytes
 * becomes folders ending in %more. Text that looks like an escape gets one more `25` after its percent sign, which makes
 * the mapping a bijection: no key can leave the folder, and no two keys meet in one file.
 */
export function keyToPath(key: string): string {
  if (!key.isWellFormed())
    throw new LakeError('usage', 'an object key must be text that UTF-8 can hold, without lone surrogates', { key })
  return key
    .split('/')
    .flatMap(segment => cut(escapeName(segment)))
    .join('/')
}

/** The key of a file's path below its zone folder; undefined for a path that no key has (a folder named `x%more` made by hand). */
export function pathToKey(path: string): string | undefined {
  const segments: string[] = []
  let begun = ''
  for (const name of path.split('/')) {
    if (name.endsWith(MORE)) begun += name.slice(0, -MORE.length)
    else {
      segments.push(unescapeName(begun + name))
      begun = ''
    }
  }
  const key = segments.join('/')
  return begun === '' && key.isWellFormed() && keyToPath(key) === path ? key : undefined
}

/** Whether a folder holds the rest of one over-long name, rather than names below its own. */
export const isContinued = (name: string): boolean => name.endsWith(MORE)

/** The order in which S3 lists keys: by UTF-8 bytes, which differs from JavaScript's order of UTF-16 units above U+D7FF. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped.
const TO_ESCAPE = /%(?=(?:25)*(?:[01][0-9A-F]|7F|more$))|^%(?=(?:25)*(?:empty|dot|dotdot)$)|[\x00-\x1f\x7f]/g
const ESCAPED = /%25(?=(?:25)*(?:[01][0-9A-F]|7F|more$))|^%25(?=(?:25)*(?:empty|dot|dotdot)$)|%([01][0-9A-F]|7F)/g

function escapeName(segment: string): string {
  return (
    WHOLE.get(segment) ??
    segment.replace(TO_ESCAPE, found =>
      found === '%' ? '%25' : `%${found.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    )
  )
}

function unescapeName(name: string): string {
  return (
    WHOLE_BACK.get(name) ??
    name.replace(ESCAPED, (_found, code?: string) =>
      code === undefined ? '%' : String.fromCharCode(Number.parseInt(code, 16)),
    )
  )
}

/** Every piece but the last is at most CHUNK_BYTES_MAX bytes and ends between two characters; the last one is never short enough to be '.' or '..'. */
function cut(name: string): readonly string[] {
  const pieces: string[] = []
  let rest = name
  while (Buffer.byteLength(rest) > NAME_BYTES_MAX) {
    const piece = prefixOfBytes(rest, CHUNK_BYTES_MAX)
    pieces.push(piece + MORE)
    rest = rest.slice(piece.length)
  }
  return [...pieces, rest]
}

function prefixOfBytes(text: string, bytesMax: number): string {
  let bytes = 0
  let end = 0
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > bytesMax) break
    end += character.length
  }
  return text.slice(0, end)
}
