import { type Erased, type EraseRequest, eraseFound, findSubject, leftOver } from '#functions/quality/erase.ts'
import type { Dataset } from '#lake/dataset.ts'
import type { Call, Command } from './command.ts'
import { printErased, printFound } from './erase-printer.ts'
import { namedDatasets } from './named-datasets.ts'
import { EXIT_FAILURE, usage } from './refusal.ts'
import { statusLine } from './status-line.ts'

/** `sluice erase`: a data subject's records, out of everything. */
export const erase: Command = {
  name: 'erase',
  summary: "erase a person's records from tables, quarantine, dead letters and raw, and prove it",
  takes: { text: '', min: 0, max: 0 },
  options: {
    dataset: { value: 'NAME', help: 'the dataset whose records they are' },
    key: { value: 'VALUE', help: 'whose: the value of the column' },
    column: { value: 'NAME', help: 'the column that names the person' },
    'dry-run': { help: 'tell what would go and change nothing' },
    quiesced: { help: 'nothing else writes to the lake now: files of commits that never came may go at once' },
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
  const value = subjectOf(call)
  return { dataset, datasets: await call.datasets(), parts: [{ column: columnOf(call, dataset), value }] }
}

async function datasetOf(call: Call): Promise<Dataset> {
  const name = call.options.value('dataset')
  if (name === undefined) throw usage('sluice erase: of which dataset?', 'name it: --dataset NAME')
  return namedDatasets(await call.datasets(), [name])[0] as Dataset
}

function subjectOf({ options }: Call): string {
  const value = options.value('key')
  if (value === undefined || value.trim() === '')
    throw usage('sluice erase: whose records?', 'give the value: --key VALUE')
  return value
}

const SEARCHABLE = /^(string|int|long|uuid|date|decimal\(.*\))$/

function columnOf({ options }: Call, dataset: Dataset): string {
  const name = options.value('column')
  const columns = dataset.columns.filter(column => typeof column.type === 'string' && SEARCHABLE.test(column.type))
  const names = columns.map(column => column.name)
  if (name === undefined)
    throw usage('sluice erase: which column names the person?', `give one of ${names.join(', ')}: --column NAME`)
  if (names.includes(name)) return name
  throw usage(
    `sluice erase: ${dataset.name} has no column ${name} that could name a person`,
    `give one of ${names.join(', ')}`,
  )
}
