import { quarantinedRecords, quarantineGroups } from '#lake/quarantine/look.ts'
import { closest } from './closest.ts'
import type { Call, Command } from './command.ts'
import { FILTER_OPTIONS, filterOf, limitOf, namedDataset, quarantinedDatasets } from './quarantine-filter.ts'
import { describeRecord, groupDocument, printGroups, recordDocument } from './quarantine-printer.ts'
import { dropRecords, releaseRecords } from './quarantine-settle.ts'
import { usage } from './refusal.ts'
import { styleOf } from './style.ts'
import { counted, formatCount } from './units.ts'

type Action = (call: Call) => Promise<number | undefined>

const ACTIONS: Readonly<Record<string, Action>> = { list, show, release: releaseRecords, drop: dropRecords }

/** `sluice quarantine`: records that were refused, and what becomes of them. */
export const quarantine: Command = {
  name: 'quarantine',
  summary: 'look at records that were refused, release or drop them',
  takes: { text: 'list|show|release|drop [DATASET]', min: 1, max: 2 },
  options: {
    ...FILTER_OPTIONS,
    limit: {
      value: 'NUMBER',
      help: 'at most so many reasons of a dataset (list: 50) or records (show: 10, others: all)',
    },
    'dry-run': { help: 'tell which records would be released or dropped, and change nothing' },
    because: { value: 'TEXT', help: 'why records are dropped; kept beside what is known of them' },
    yes: { help: 'drop without asking' },
    full: { help: 'cut no text and leave out no column' },
  },
  notes: [
    'list counts the refused records by reason, with the message of one of them; show prints records with their place in the object that landed, and their bytes.',
    'release judges records again under the contract and the rules of today and publishes those that pass, each once, in the place where it would have been. The exit code is 1 when some are still refused.',
    'drop takes records out for good: they are counted as suppressed, and a replay of their object leaves them out. The bytes stay in raw.',
  ],
  examples: [
    'sluice quarantine list',
    'sluice quarantine show movies --reason "type:*" --limit 3',
    'sluice quarantine release movies --reason "required:*"',
    'sluice quarantine drop movies --record 119 --because "a duplicate" --yes',
  ],
  reads: true,
  run: async call => {
    const name = call.given[0] as string
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
    if (action !== undefined) return action(call)
    const names = Object.keys(ACTIONS)
    const near = closest(name, names)[0]
    throw usage(
      `sluice quarantine cannot ${name}`,
      near === undefined ? `say what to do: ${names.join(', ')}` : `did you mean ${near}?`,
    )
  },
}

const GROUPS_MAX = 50

async function list(call: Call): Promise<undefined> {
  const { lake, terminal, options } = call
  const wanted = { filter: filterOf(call), groupsMax: limitOf(call) ?? GROUPS_MAX }
  const datasets = await quarantinedDatasets(lake, namedDataset(call))
  const found = []
  for (const dataset of datasets) found.push(await quarantineGroups(lake, dataset, wanted))
  const groups = found.flatMap(each => each.groups)
  const [records, more] = [sum(found.map(each => each.records)), sum(found.map(each => each.more))]
  if (options.has('json')) {
    await terminal.out.write(`${JSON.stringify({ records, groups: groups.map(groupDocument), more }, null, 2)}\n`)
    return undefined
  }
  if (groups.length === 0) return nothing(call)
  await printGroups(terminal.out, { groups, more }, { full: options.has('full') })
  await terminal.out.write(`${counted(records, 'record')} in quarantine\n`)
  return undefined
}

const SHOWN_MAX = 10
/** What a terminal shows of a record, and what a person reads of it. */
const RAW_BYTES_SHOWN = 500
const RAW_BYTES_MAX = 1_048_576

async function show(call: Call): Promise<undefined> {
  const { lake, terminal, options } = call
  const filter = filterOf(call)
  const isWhole = options.has('full') || options.has('json')
  const datasets = await quarantinedDatasets(lake, namedDataset(call))
  const records = []
  const limit = limitOf(call) ?? SHOWN_MAX
  let total = 0
  for (const dataset of datasets) {
    const rawBytesMax = isWhole ? RAW_BYTES_MAX : RAW_BYTES_SHOWN
    const found = await quarantinedRecords(lake, dataset, { filter, limit: limit - records.length, rawBytesMax })
    records.push(...found.records)
    total += found.total
  }
  if (options.has('json')) {
    await terminal.out.write(`${JSON.stringify({ total, records: records.map(recordDocument) }, null, 2)}\n`)
    return undefined
  }
  if (records.length === 0) return nothing(call)
  const output = options.has('full') ? { ...terminal.out, columns: undefined } : terminal.out
  for (const record of records) await terminal.out.write(`${describeRecord(output, record)}\n`)
  const rest = total > records.length ? `${formatCount(records.length)} of ` : ''
  await terminal.out.write(`${styleOf(terminal.out).dim(`${rest}${counted(total, 'record')}`)}\n`)
  return undefined
}

async function nothing({ terminal, options }: Call): Promise<undefined> {
  const isFiltered = Object.keys(FILTER_OPTIONS).some(name => options.value(name) !== undefined)
  await terminal.out.write(isFiltered ? 'Nothing in quarantine is like that.\n' : 'Nothing is in quarantine.\n')
  return undefined
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)
