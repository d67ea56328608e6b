import { type Dataset, handOverTableName, quarantineTableName, tombstoneTableName } from '#lake/dataset.ts'
import { LakeError } from '#lake/errors.ts'
import type { Lake, TableName } from '#lake/lake.ts'
import { keyMentions, keyPattern, mentions, WORD_LENGTH_MIN } from '#lake/mentions.ts'
import { QUALITY_RESULTS } from '#lake/quality-results.ts'
import { leadersOf } from '#lake/route.ts'
import type { RowMatch, Said } from '#lake/row-match.ts'
import { sideTablesOf } from '#lake/side-tables.ts'
import type { Sought } from '../decode/typed-copy.ts'

/** Whose records are to go from where. */
export interface EraseRequest {
  readonly dataset: Dataset
  /** All datasets: tables of one stream of changes share their raw objects. */
  readonly datasets: readonly Dataset[]
  readonly parts: Sought['parts']
}

/** More rows than this are no person's: the column is not one that names anybody. */
const KEYS_MAX = 1_000

/** The columns that a row of a stream of changes is known by; none of other datasets. */
export const keyOf = ({ publish }: Dataset): readonly string[] =>
  publish.mode === 'merge' || publish.mode === 'history' ? publish.key : []

/** Fails with `unsupported` when these are the keys of too many rows. */
export function checkKeys({ dataset, parts }: EraseRequest, keys: readonly string[]): void {
  if (keys.length <= KEYS_MAX) return
  throw new LakeError(
    'unsupported',
    `${parts.map(part => part.column).join(', ')}: more than ${KEYS_MAX} rows of ${dataset.name} have or had this value`,
    { dataset: dataset.name, next: `erase row by row, by ${keyOf(dataset).join(', ')}` },
  )
}

export interface OwnTable {
  readonly table: TableName
  readonly match: RowMatch
  /** Rows that are not the subject's and say in a text where they came from, which names the subject. */
  readonly named?: Said
}

/** What stands in the place of a value that was taken out of a name. */
export const INSTEAD = 'erased'

/** Landing keys that quote the values. Short ones are in too many keys to mean anybody. */
export const isNamed = ({ parts }: EraseRequest, text: string): boolean =>
  parts.every(
    ({ value }) => value.length >= WORD_LENGTH_MIN && (mentions(Buffer.from(text), value) || keyMentions(text, value)),
  )

export const unnamed = ({ parts }: EraseRequest, text: string): string =>
  parts.reduce((rest, { value }) => rest.replaceAll(new RegExp(keyPattern(value), 'g'), INSTEAD), text)

/** What the rows of a subject are known by. */
export interface Marks {
  readonly keys: readonly string[]
  /** `<raw id>:<ordinal>` of the records that were or are to be erased. */
  readonly places: readonly string[]
}

/** Every table that may hold rows of a subject: the dataset's own and those that replays have built, and what stands beside them. */
export async function tablesOf(lake: Lake, request: EraseRequest, marks: Marks): Promise<readonly OwnTable[]> {
  const { dataset, datasets, parts } = request
  const rows = matchOf(request, marks)
  const { places } = marks
  const names = [dataset.name, ...(await sideTablesOf(lake, dataset.name))]
  const texts = parts.map(part => part.value)
  const isTelling = texts.every(text => text.length >= WORD_LENGTH_MIN)
  const named = isTelling ? { named: { column: 'source_uri', texts, isKey: true } } : {}
  const own = names.flatMap(name => [
    { table: name, match: rows },
    { table: quarantineTableName({ name }), match: { places }, ...named },
    ...(keyOf(dataset).length === 0
      ? []
      : [
          { table: tombstoneTableName({ name }), match: { values: parts, keys: rows.keys } },
          { table: handOverTableName({ name }), match: rows },
        ]),
  ])
  // A record that nobody can read is in the quarantine of every table that it might be of.
  const others = leadersOf(dataset, datasets).map(({ name }) => quarantineTableName({ name }))
  return [
    ...own,
    ...others.map(table => ({ table, match: { places }, ...named })),
    { table: QUALITY_RESULTS, match: { said: saidOf(request) } },
  ]
}

/** What rules said of a batch may quote a value. */
export const saidOf = ({ dataset, parts }: EraseRequest): Said => ({
  dataset: dataset.name,
  column: 'reason',
  texts: parts.map(part => part.value),
})

export function matchOf({ dataset, parts }: EraseRequest, { keys, places }: Marks): RowMatch {
  const columns = keyOf(dataset)
  return { values: parts, places, ...(columns.length === 0 ? {} : { keys: { columns, texts: keys } }) }
}
