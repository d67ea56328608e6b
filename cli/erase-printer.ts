import { type Erased, leftOver, type Search } from '#functions/quality/erase.ts'
import type { Call } from './command.ts'
import { styleOf } from './style.ts'
import { printTable, type TableRow } from './table-printer.ts'
import { printable } from './text-width.ts'
import { counted, formatCount } from './units.ts'

const COLUMNS = [
  { name: 'where', whole: true },
  { name: 'looked through', whole: true },
  { name: 'found', whole: true },
  { name: 'what becomes of it' },
] as const

/** What there was before, place by place. */
export async function printFound(
  { terminal, options }: Call,
  found: Search,
  { dryRun }: { readonly dryRun: boolean },
): Promise<void> {
  if (options.has('json')) {
    await terminal.out.write(`${JSON.stringify({ dryRun, found: searchDocument(found) }, null, 2)}\n`)
    return
  }
  const last = { name: dryRun ? 'what would become of it' : 'what became of it' }
  await printTable(
    terminal.out,
    { columns: [...COLUMNS.slice(0, 3), last], rows: rowsOf(found) },
    { full: options.has('full') },
  )
  if (dryRun) await terminal.out.write(`${styleOf(terminal.out).dim('dry run: nothing is changed')}\n`)
}

function rowsOf(found: Search): readonly TableRow[] {
  const records = found.raw.hits.reduce((sum, hit) => sum + hit.found.ordinals.length, 0)
  const { keys } = found.raw
  const row = (where: string, looked: string, [count, what]: readonly [number, string], fate: string): TableRow => [
    where,
    looked,
    count === 0 ? '–' : what,
    count === 0 ? '' : fate,
  ]
  return [
    row(
      'raw',
      counted(found.raw.objects, 'object'),
      [
        records,
        `${counted(records, 'record')} in ${formatCount(found.raw.hits.length)}${keys.length === 0 ? '' : `, of ${counted(keys.length, 'key')}`}`,
      ],
      'objects written anew without them',
    ),
    ...found.tables.map(({ table, files, snapshots, hits }) => {
      const rows = hits.reduce((sum, hit) => sum + hit.rows, 0)
      const looked = `${counted(files, 'file')}, ${counted(snapshots, 'snapshot')}`
      const what = `${counted(rows, 'row')} in ${formatCount(hits.length)}`
      return row(table, looked, [rows, what], 'rows deleted, older snapshots expired, files destroyed')
    }),
    row(
      'landing keys',
      '',
      [
        found.raw.named.length + found.names.length,
        `${counted(found.raw.named.length, 'object')}, ${counted(found.names.length, 'document')}`,
      ],
      'the value taken out of their names',
    ),
    row(
      'landing',
      counted(found.landing.objects, 'object'),
      of(found.landing.hits, 'object'),
      'deleted: raw has the rest',
    ),
    row('staging', counted(found.staging.files, 'file'), of(found.staging.hits, 'file'), 'deleted with their batch'),
    row('documents', counted(found.documents.files, 'file'), of(found.documents.hits, 'file'), 'deleted'),
    row(
      'stream',
      counted(found.stream.files, 'document'),
      of(found.stream.hits, 'document'),
      'left until it is delivered',
    ),
    row('dead letters', '', of(found.letters, 'letter'), 'dropped'),
  ]
}

const of = (hits: readonly unknown[], noun: string): readonly [number, string] => [
  hits.length,
  counted(hits.length, noun),
]

/** The proof: what a search afterwards has found. */
export async function printErased({ terminal, options }: Call, erased: Erased): Promise<void> {
  const { out } = terminal
  const { erasure, ledger, run, proof, isUntouched } = erased
  if (options.has('json')) {
    const document = { erasure, ledger, isUntouched, run, left: leftOver(proof), proof: searchDocument(proof) }
    await out.write(`${JSON.stringify(document, null, 2)}\n`)
    return
  }
  const style = styleOf(out)
  const files = proof.tables.reduce((sum, table) => sum + table.files, 0) + proof.staging.files
  const looked = [
    counted(proof.raw.objects + proof.landing.objects, 'object'),
    counted(files, 'file'),
    counted(proof.documents.files, 'document'),
  ].join(', ')
  const left = leftOver(proof)
  const searched = isUntouched
    ? `✓ looked through ${looked}: nothing is there, and nothing was changed`
    : `✓ searched again, ${looked}: nothing is left`
  const verdict = left === 0 ? style.green(searched) : style.red(`✗ searched again, ${looked}: ${left} places are left`)
  await out.write(`\n${verdict}\n${leftText(proof).join('')}ledger: ${printable(ledger)}\n`)
}

function leftText(proof: Search): readonly string[] {
  const waiting = proof.landing.hits.filter(hit => hit.waits).map(hit => hit.uri)
  const files = proof.tables.flatMap(table => table.hits.map(hit => hit.uri))
  return [
    ...waiting.map(uri => `  ${printable(uri)}\n    not ingested yet: run it again once it is\n`),
    ...proof.stream.hits.map(uri => `  ${printable(uri)}\n    not delivered yet: run it again once it is\n`),
    ...files.map(
      uri =>
        `  ${printable(uri)}\n    a tag or branch keeps it, or a commit is under way: drop the ref, or run it again in a day, or with --quiesced\n`,
    ),
    ...[...proof.raw.hits, ...proof.raw.named].map(({ object }) => `  ${printable(object.uri)}\n    run it again\n`),
    ...[...proof.raw.old, ...proof.staging.hits, ...proof.documents.hits, ...proof.names].map(
      uri => `  ${printable(uri)}\n    run it again\n`,
    ),
  ]
}

/** Never what was searched for. */
function searchDocument(found: Search): unknown {
  return {
    raw: {
      objects: found.raw.objects,
      keys: found.raw.keys.length,
      old: found.raw.old,
      hits: found.raw.hits.map(({ object, found: { ordinals } }) => ({
        uri: object.uri,
        version: object.version,
        ordinals,
      })),
    },
    tables: found.tables.map(({ hits, ...table }) => ({
      ...table,
      hits: hits.map(({ uri, rows }) => ({ uri, rows })),
    })),
    landing: found.landing,
    staging: found.staging,
    documents: found.documents,
    names: { objects: found.raw.named.length, documents: found.names },
    stream: found.stream,
    letters: found.letters.map(({ id, queue }) => ({ id, queue })),
  }
}
