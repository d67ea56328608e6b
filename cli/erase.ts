import {
  type Erased,
  type EraseRequest,
  eraseFound,
  exactValue,
  findSubject,
  leftOver,
} from '#functions/quality/erase.ts'
import type { Dataset } from '#lake/dataset.ts'
import type { Call, Command } from './command.ts'
import { printErased, printFound } from './erase-printer.ts'
import { namedDatasets } from './named-datasets.ts'
import { EXIT_FAILURE, usage } from './refusal.ts'
import { statusLine } from './status-line.ts'
import { counted } from './units.ts'

/** `sluice erase`: a data subject's records, out of everything. */
export const erase: Command = {
  name: 'erase',
  summary: "erase a person's records from tables, quarantine, dead letters and raw, and prove it",
  takes: { text: '', min: 0, max: 0 },
  options: {
    dataset: { value: 'NAME', help: 'the dataset whose records they are' },
    key: { value: 'VALUE', repeated: true, help: 'whose: the value of the column; of several columns one for each' },
    column: {
      value: 'NAME',
      repeated: true,
      help: 'the column that names the person; the declared key when not given',
    },
    'dry-run': { help: 'tell what would go and change nothing' },
    quiesced: {
      help: 'nothing else works on the lake now: files of commits that never came, and scratch, may go at once',
    },
    full: { help: 'cut no text and leave out no column' },
  },
  notes: [
    'Raw objects are written anew without the records, in their format and compression; all other records keep their place and their ordinal, and a replay does not bring the erased ones back. Rows go from the table and its quarantine; snapshots that held them expire, and their files are deleted, so that the table cannot be read as it was before. Copies in landing and staging go, and documents that quote the value.',
    'Then everything is searched again. It ends with 0 when nothing is left, and with 1 when something is; running it again goes on where it stopped.',
    'The ledger in ops/erasures/ledger/ says which records of which objects went, and a keyed hash of whose they were.',
  ],
  examples: [
    'sluice erase --dataset orders --column customer_id --key 4711 --dry-run',
    'sluice erase --dataset orders --column email --key ada@example.org',
    'sluice erase --dataset orders --column tenant --key acme --column customer_id --key 4711',
    'AWS_PROFILE=eraser sluice erase --dataset orders --column email --key ada@example.org --lake aws',
  ],
  reads: true,
  remote: true,
  run: async call => {
    const { options, reached, terminal } = call
    const asked = await requestOf(call)
    const status = statusLine(options.has('json') ? terminal.err : terminal.out)
    const onProgress = (text: string): void => status.show(text)
    const found = await findSubject(reached, asked, onProgress)
    if (options.has('dry-run')) {
      await status.clear()
      await printFound(call, found, { dryRun: true })
      return undefined
    }
    const erased = await eraseFound(reached, asked, found, { quiesced: options.has('quiesced'), onProgress })
    await status.clear()
    if (!options.has('json')) await printFound(call, found, { dryRun: false })
    await printErased(call, erased)
    return exitOf(erased)
  },
}

const exitOf = ({ proof }: Erased): number | undefined => (leftOver(proof) === 0 ? undefined : EXIT_FAILURE)

async function requestOf(call: Call): Promise<EraseRequest> {
  const dataset = await datasetOf(call)
  const values = valuesOf(call)
  const columns = columnsOf(call, dataset)
  if (columns.length !== values.length)
    throw usage(
      `sluice erase: ${counted(values.length, 'value')} for ${counted(columns.length, 'column')}: ${columns.join(', ')}`,
      'give one --key VALUE for each, in this order',
    )
  const parts = columns.map((column, at) => ({ column, value: exactlyOf(dataset, column, values[at] as string) }))
  return { dataset, datasets: await call.datasets(), parts }
}

async function datasetOf(call: Call): Promise<Dataset> {
  const name = call.options.value('dataset')
  if (name === undefined) throw usage('sluice erase: of which dataset?', 'name it: --dataset NAME')
  return namedDatasets(await call.datasets(), [name])[0] as Dataset
}

function valuesOf({ options }: Call): readonly string[] {
  const values = options.values('key')
  if (values.length === 0 || values.some(value => value.trim() === ''))
    throw usage('sluice erase: whose records?', 'give the value: --key VALUE')
  return values
}

function exactlyOf({ name, columns }: Dataset, column: string, given: string): string {
  const type = String(columns.find(each => each.name === column)?.type)
  const value = exactValue(type, given)
  if (value !== undefined) return value
  throw usage(
    `sluice erase: ${JSON.stringify(given)} is no value that ${name}.${column} could have, which is ${type}`,
    'give the value as the table shows it',
  )
}

const SEARCHABLE = /^(string|int|long|uuid|date|decimal\(.*\))$/

/** Those that are named; without any, the declared key of the dataset. */
function columnsOf({ options }: Call, dataset: Dataset): readonly string[] {
  const { columns } = dataset
  const names = columns.filter(({ type }) => typeof type === 'string' && SEARCHABLE.test(type)).map(({ name }) => name)
  const asked = options.values('column')
  const wanted = asked.length > 0 ? asked : declaredKey(dataset)
  if (wanted.length === 0)
    throw usage('sluice erase: which column names the person?', `give one of ${names.join(', ')}: --column NAME`)
  for (const name of wanted) {
    if (names.includes(name)) continue
    const isNested = columns.some(column => typeof column.type === 'object' && name.startsWith(`${column.name}.`))
    throw usage(
      `sluice erase: ${dataset.name} has no column ${name} that could name a person${isNested ? ': what is inside of another column has no type in change events, so that values cannot be compared' : ''}`,
      `give one of ${names.join(', ')}`,
    )
  }
  if (new Set(wanted).size < wanted.length)
    throw usage('sluice erase: a column is named twice', 'name each column once')
  return wanted
}

function declaredKey({ publish }: Dataset): readonly string[] {
  if (publish.mode === 'merge' || publish.mode === 'history') return publish.key
  return publish.mode === 'append' ? (publish.dedupe?.key ?? []) : []
}
