import type { Image } from './image.ts'
import { placeOf, type Stamp, stampOf, UNKNOWN, versionOf } from './stamp.ts'
import type { Places, Ref } from './task.ts'

type StampText = readonly [version: string, place: string]

const pair = ({ again: _, ...stamp }: Stamp): StampText => [versionOf(stamp), placeOf(stamp)]
const stampOfPair = ([version, place]: StampText): Stamp => (place === '..' ? UNKNOWN : stampOf(version, place))

/** The author of the row as a whole, where it is not the change that the row's own version names: of a deleted row that is kept. */
const ROW = ''

/** `_authors` of a row with these values; null when all are of the change that made the row. */
export function authorsText(image: Image<Ref>, stamp: Stamp): string | null {
  const own: readonly (readonly [string, Stamp])[] = image.author === stamp ? [] : [[ROW, image.author]]
  const columns = [...image.columns].filter(([, { author }]) => author !== stamp)
  const authors = [...own, ...columns.map(([column, { author }]) => [column, author] as const)]
  return authors.length === 0
    ? null
    : JSON.stringify(Object.fromEntries(authors.map(([name, author]) => [name, pair(author)])))
}

/** The values of a row of the table. */
export function storedImage(source: Ref, stamp: Stamp, authors: string | null): Image<Ref> {
  const parsed = authors === null ? {} : (JSON.parse(authors) as Readonly<Record<string, StampText>>)
  const { [ROW]: row, ...columns } = parsed
  return {
    source,
    author: row === undefined ? stamp : stampOfPair(row),
    columns: new Map(Object.entries(columns).map(([name, author]) => [name, { source, author: stampOfPair(author) }])),
  }
}

// --- Images of deleted rows ----------------------------------------------------------------------------------------

/** Where a row was: the URI of a file and the number of the row, which stay readable for as long as snapshots and staging do. */
type Place = readonly [uri: string, row: string | number]

interface ImageText {
  readonly s: Place | null
  readonly a: StampText
  readonly c?: Readonly<Record<string, { readonly s: Place | null; readonly a: StampText }>>
}

export function imageText({ source, author, columns }: Image<Ref>, places: Places): string | null {
  if (source === undefined && columns.size === 0) return null
  const placeOfRef = (ref: Ref | undefined): Place | null => {
    if (ref === undefined) return null
    const [file, row] = ref.split(':') as [string, string]
    return [places.uris[Number(file)] as string, row]
  }
  const cells = [...columns].map(([name, cell]) => [name, { s: placeOfRef(cell.source), a: pair(cell.author) }])
  const text: ImageText = { s: placeOfRef(source), a: pair(author), c: Object.fromEntries(cells) }
  return JSON.stringify(text)
}

export function imageOf(text: string | null, places: Places): Image<Ref> {
  if (text === null) return { source: undefined, author: UNKNOWN, columns: new Map() }
  const { s, a, c = {} } = JSON.parse(text) as ImageText
  const ref = (place: Place | null): Ref | undefined =>
    place === null ? undefined : `${places.numberOf(place[0])}:${place[1]}`
  const cells = Object.entries(c).map(
    ([name, cell]) => [name, { source: ref(cell.s), author: stampOfPair(cell.a) }] as const,
  )
  return { source: ref(s), author: stampOfPair(a), columns: new Map(cells) }
}
