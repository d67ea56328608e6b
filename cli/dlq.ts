import type { Lake } from '#lake/lake.ts'
import type { LocalRunner } from '#local/run.ts'
import { closest } from './closest.ts'
import type { Call, Command } from './command.ts'
import {
  giveBack,
  type Letter,
  type LetterFilter,
  QUEUES,
  REJECTED,
  rejectedLetters,
  takeLetters,
} from './dlq-letters.ts'
import { isFiltered, letterDocument, printGroups, printLetters } from './dlq-printer.ts'
import { type Settled, settleLetters } from './dlq-settle.ts'
import { EXIT_FAILURE, usage } from './refusal.ts'
import { statusLine } from './status-line.ts'
import { printable } from './text-width.ts'
import { counted } from './units.ts'

type Action = (call: Call, filter: LetterFilter) => Promise<number | undefined>

const ACTIONS: Readonly<Record<string, Action>> = {
  list,
  show,
  redrive: (call, filter) => settle(call, filter, 'redriven'),
  drop: (call, filter) => settle(call, filter, 'dropped'),
}

/** `sluice dlq`: what nobody could deliver or process, and what becomes of it. */
export const dlq: Command = {
  name: 'dlq',
  summary: 'look at dead letters, send them again, or drop them',
  takes: { text: 'list|show|redrive|drop', min: 1, max: 1 },
  options: {
    queue: {
      value: 'NAME',
      help: 'those of one queue: ingest, refine, compact …; rejected: objects that ingest could not take',
    },
    cause: { value: 'CODE', help: 'those of one cause, as list prints it' },
    match: { value: 'TEXT', help: 'those whose subject, message or body contains this' },
    all: { help: 'redrive or drop without a filter' },
    rate: { value: 'NUMBER', help: 'redrive or drop so many in a second; 10 when not given' },
    limit: { value: 'NUMBER', help: 'show so many; 10 when not given' },
    'dry-run': { help: 'tell what would be sent again or dropped' },
    full: { help: 'cut no text and leave out no column' },
  },
  notes: [
    'list groups by queue and cause, with an example of each. redrive sends a letter to where it fell out of, and removes it once it is sent. Whoever works on it recognises what it has done before, so redriving twice changes nothing.',
    'Looking holds letters for a minute: somebody else who looks meanwhile sees fewer.',
    'It ends with 1 when letters were left because nothing can be done with them.',
  ],
  examples: [
    'sluice dlq list',
    'sluice dlq show --queue rejected --cause no-dataset',
    'sluice dlq redrive --queue ingest --rate 50',
    'sluice dlq drop --match orders/2019/ --lake aws',
  ],
  reads: true,
  remote: true,
  run: async call => {
    const name = call.given[0] as string
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
    const { options } = call
    if (action !== undefined) {
      const queue = options.value('queue')
      if (queue !== undefined) await checkQueue(call.reached, queue)
      return action(call, { queue, cause: options.value('cause'), match: options.value('match') })
    }
    const near = closest(name, Object.keys(ACTIONS))[0]
    const next = near === undefined ? `say what to do: ${Object.keys(ACTIONS).join(', ')}` : `did you mean ${near}?`
    throw usage(`sluice dlq cannot ${name}`, next)
  },
}

/** A queue that is not there is no empty one. */
async function checkQueue(lake: Lake, queue: string): Promise<void> {
  const kept = (await lake.deadLetters.queues()).map(({ name }) => name)
  const names = [...new Set([...QUEUES, ...kept, REJECTED])]
  if (names.includes(queue)) return
  const near = closest(queue, names)[0]
  const listed = `the queues are ${names.join(', ')}`
  throw usage(`there is no queue ${queue}`, near === undefined ? listed : `did you mean ${near}? ${listed}`)
}

/** So many of each queue are looked at. */
const LOOKED_AT_MAX = 1_000
const HOLD_SECONDS = 60
const SHOWN = 10

async function lookAt(lake: Lake, filter: LetterFilter): Promise<readonly Letter[]> {
  const { wanted, others } = await takeLetters(lake, filter, { lettersMax: LOOKED_AT_MAX, holdSeconds: HOLD_SECONDS })
  await giveBack(lake, [...wanted, ...others])
  const rejected: Letter[] = []
  for await (const letter of rejectedLetters(lake, filter)) {
    if (rejected.length === LOOKED_AT_MAX) break
    rejected.push(letter)
  }
  return [...wanted, ...rejected]
}

async function list(call: Call, filter: LetterFilter): Promise<undefined> {
  await printGroups(call, await lookAt(call.reached, filter))
  return undefined
}

async function show(call: Call, filter: LetterFilter): Promise<undefined> {
  const limit = numberOf(call, 'limit', SHOWN)
  const letters = await lookAt(call.reached, filter)
  await printLetters(call, letters, limit)
  return undefined
}

async function settle(call: Call, filter: LetterFilter, how: 'redriven' | 'dropped'): Promise<number | undefined> {
  const { options, reached } = call
  const rate = numberOf(call, 'rate', 10)
  const verb = how === 'redriven' ? 'redrive' : 'drop'
  if (!isFiltered(options) && !options.has('all'))
    throw usage(`sluice dlq ${verb}: which letters?`, 'name them with --queue, --cause or --match, or say --all')
  if (options.has('dry-run')) {
    await printLetters(call, await lookAt(reached, filter), LOOKED_AT_MAX)
    return undefined
  }
  const status = statusLine(options.has('json') ? call.terminal.err : call.terminal.out)
  const account = call.terminal.env['SLUICE_BUCKET_OWNER']
  const onProgress = (done: number): void => status.show(`${counted(done, 'letter')} ${how} …`)
  const settled = await whileRunning(call, how, () =>
    settleLetters(reached, { filter, how, rate, account, onProgress }),
  )
  await status.clear()
  await printSettled(call, settled, how)
  return settled.left.length === 0 ? undefined : EXIT_FAILURE
}

/** In a folder nobody works on the queue unless it is this process. */
async function whileRunning(call: Call, how: 'redriven' | 'dropped', work: () => Promise<Settled>): Promise<Settled> {
  if (how === 'dropped' || call.reached !== call.lake) return work()
  const { startLocal } = await import('#local/run.ts')
  const runner: LocalRunner = startLocal(call.lake, await call.datasets())
  try {
    const settled = await work()
    await runner.idle()
    return settled
  } finally {
    await runner.close()
  }
}

function numberOf({ options }: Call, name: string, otherwise: number): number {
  const given = options.value(name)
  if (given === undefined) return otherwise
  if (!/^\d{1,6}$/.test(given) || Number(given) < 1)
    throw usage(`--${name} ${given}: not a number`, `give a whole number, 1 at the least: --${name} ${otherwise}`)
  return Number(given)
}

async function printSettled(
  { terminal, options }: Call,
  { done, left }: Settled,
  how: 'redriven' | 'dropped',
): Promise<void> {
  if (options.has('json')) {
    const document = { [how]: done, left: left.map(({ letter, reason }) => ({ ...letterDocument(letter), reason })) }
    await terminal.out.write(`${JSON.stringify(document, null, 2)}\n`)
    return
  }
  const lines = left.map(
    ({ letter, reason }) => `left: ${letter.queue} ${printable(letter.subject)}: ${printable(reason)}\n`,
  )
  const next = nextOf(options, { done, how, seen: done + left.length })
  await terminal.out.write(`${lines.join('')}${counted(done, 'letter')} ${how}${next}\n`)
}

function nextOf(
  options: Call['options'],
  { done, seen, how }: { readonly done: number; readonly seen: number; readonly how: 'redriven' | 'dropped' },
): string {
  if (seen === 0 && isFiltered(options)) return ': none match; `sluice dlq list` shows all there are'
  return how === 'redriven' && done > 0 ? '; `sluice dlq list` shows what came back' : ''
}
