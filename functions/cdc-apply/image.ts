import { compareStamps, isUnknown, type Stamp, UNKNOWN } from './stamp.ts'

/** The values of a row, column by column: where each is, and which change told it. */
export interface Image<S> {
  /** Where the values are of all columns that `columns` does not name; undefined: nobody has told them. */
  readonly source: S | undefined
  readonly author: Stamp
  /** Columns that an older change told, because later ones left them out. */
  readonly columns: ReadonlyMap<string, Cell<S>>
}

export interface Cell<S> {
  /** undefined: the value is NULL. */
  readonly source: S | undefined
  readonly author: Stamp
}

interface Values<S> {
  readonly stamp: Stamp
  readonly kept: readonly string[]
  readonly source: S
}

export const unknownImage = <S>(): Image<S> => ({ source: undefined, author: UNKNOWN, columns: new Map() })

export function cellOf<S>(image: Image<S>, column: string): Cell<S> {
  return image.columns.get(column) ?? image
}

/** The row that an upsert makes: its own values, and those of the row before it where it has none. */
export function upserted<S>({ stamp, kept, source }: Values<S>, before: Image<S> = unknownImage()): Image<S> {
  const columns = new Map(kept.map(column => [column, cell(cellOf(before, column))]))
  return { source, author: stamp, columns }
}

/**
 * The row that a move brings to another key, with the values that it had there. The move tells them all: what the new key had before is
 * another row's.
 */
export function moved<S>(values: Values<S>, before: Image<S> = unknownImage()): Image<S> {
  const { columns, ...image } = upserted(values, before)
  const told = [...columns].map(([column, { source }]) => [column, { source, author: values.stamp }] as const)
  return { ...image, columns: new Map(told) }
}

const cell = <S>({ source, author }: Cell<S>): Cell<S> => ({ source, author })

/**
 * A newer row, with the values of an older record where the row's own are older still. The same object when there are none. Of a deleted
 * row nothing is known when the delete comes first: then it is the row that the late record tells of.
 */
export function repaired<S>(image: Image<S>, late: Values<S>): Image<S> {
  if (isUnknown(image.author)) return upserted(late)
  return replaced(image, late.stamp, column => (late.kept.includes(column) ? undefined : late.source))
}

/** The columns that were told before the stamp become NULL: a delete or a truncate came between them and the row. */
export function cleared<S>(image: Image<S>, stamp: Stamp): Image<S> {
  return replaced(image, stamp, () => null)
}

/** `source` gives null for NULL and undefined where the column stays. */
function replaced<S>(image: Image<S>, author: Stamp, source: (column: string) => S | null | undefined): Image<S> {
  if (image.columns.size === 0) return image
  const fresh = [...image.columns].flatMap(([column, known]): readonly (readonly [string, Cell<S>])[] => {
    const value = compareStamps(author, known.author) > 0 ? source(column) : undefined
    return value === undefined ? [] : [[column, { source: value ?? undefined, author }]]
  })
  return fresh.length === 0 ? image : { ...image, columns: new Map([...image.columns, ...fresh]) }
}

/** How many columns the second image has of other authors than the first, among those that both hold from older changes. */
export function patchedColumns<S>(before: Image<S>, after: Image<S>): number {
  if (before === after) return 0
  return [...after.columns].filter(([column, { author }]) => cellOf(before, column).author !== author).length
}

/** Columns whose value nobody has told. Where a delete or a truncate made a value NULL, that is the author. */
export const unresolvedColumns = <S>({ columns, author: row }: Image<S>): number =>
  [...columns.values()].filter(({ source, author }) => source === undefined && (isUnknown(author) || author === row))
    .length
