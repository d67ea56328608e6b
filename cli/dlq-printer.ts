import type { Call } from './command.ts'
import type { Letter } from './dlq-letters.ts'
import { styleOf } from './style.ts'
import { printTable } from './table-printer.ts'
import { cutText, printable } from './text-width.ts'
import { counted, formatCount, formatTime, isoTime } from './units.ts'

const COLUMNS = [
  { name: 'queue', whole: true },
  { name: 'cause', whole: true },
  { name: 'letters', numeric: true },
  { name: 'oldest', whole: true },
  { name: 'newest', whole: true },
  { name: 'for example' },
] as const

/** A line for each queue and cause, the most letters first. */
export async function printGroups({ terminal, options }: Call, letters: readonly Letter[]): Promise<void> {
  const groups = groupsOf(letters)
  if (options.has('json')) {
    await terminal.out.write(
      `${JSON.stringify({ letters: letters.length, groups: groups.map(groupDocument) }, null, 2)}\n`,
    )
    return
  }
  if (letters.length === 0) {
    await terminal.out.write(noneOf(options))
    return
  }
  const rows = groups.map(({ queue, cause, members, oldestMs, newestMs, example }) => [
    queue,
    cause,
    formatCount(members),
    formatTime(oldestMs),
    formatTime(newestMs),
    `${example.subject}: ${example.message}`,
  ])
  await printTable(terminal.out, { columns: COLUMNS, rows }, { full: options.has('full') })
  await terminal.out.write(`${counted(letters.length, 'dead letter')}\n`)
}

/** A filter with a typing error in it must not look like a queue that is empty. */
const noneOf = (options: Call['options']): string =>
  isFiltered(options) ? 'No dead letters match. `sluice dlq list` shows all there are.\n' : 'No dead letters.\n'

export const isFiltered = (options: Call['options']): boolean =>
  ['queue', 'cause', 'match'].some(name => options.value(name) !== undefined)

interface Group {
  readonly queue: string
  readonly cause: string
  readonly members: number
  readonly oldestMs: number
  readonly newestMs: number
  readonly example: Letter
}

function groupsOf(letters: readonly Letter[]): readonly Group[] {
  return [...Map.groupBy(letters, ({ queue, cause }) => `${queue}\0${cause}`).values()]
    .map(members => {
      const [oldest, newest] = [
        members.reduce((a, b) => (b.sentMs < a.sentMs ? b : a)),
        members.reduce((a, b) => (b.sentMs > a.sentMs ? b : a)),
      ]
      const { queue, cause } = newest
      return {
        queue,
        cause,
        members: members.length,
        oldestMs: oldest.sentMs,
        newestMs: newest.sentMs,
        example: newest,
      }
    })
    .toSorted((a, b) => b.members - a.members)
}

const groupDocument = ({ queue, cause, members, oldestMs, newestMs, example }: Group): unknown => ({
  queue,
  cause,
  letters: members,
  oldest: isoTime(oldestMs),
  newest: isoTime(newestMs),
  example: letterDocument(example),
})

/** A letter as `--json` prints it. */
export function letterDocument(letter: Letter): Readonly<Record<string, unknown>> {
  const { id, queue, cause, message, subject, body, sentMs, received } = letter
  return { id, queue, cause, message, subject, body, sent: isoTime(sentMs), received }
}

const BODY_SHOWN = 300

export async function printLetters(
  { terminal, options }: Call,
  letters: readonly Letter[],
  limit: number,
): Promise<void> {
  const shown = letters.slice(0, limit)
  if (options.has('json')) {
    const document = { total: letters.length, letters: shown.map(letterDocument) }
    await terminal.out.write(`${JSON.stringify(document, null, 2)}\n`)
    return
  }
  if (letters.length === 0) {
    await terminal.out.write(noneOf(options))
    return
  }
  const style = styleOf(terminal.out)
  for (const { id, queue, cause, message, subject, body, sentMs, received } of shown) {
    const text = options.has('full') ? printable(body) : cutText(printable(body), BODY_SHOWN)
    const lines = [
      `${style.bold(printable(subject))}  ${style.dim(`${queue} ${id}`)}`,
      `  ${style.red(cause)}  ${printable(message)}`,
      `  sent ${formatTime(sentMs)}, looked at ${counted(received, 'time')}`,
      ...(body === '' ? [] : [`  ${style.dim(text)}`]),
    ]
    await terminal.out.write(`${lines.join('\n')}\n`)
  }
  const rest = letters.length > shown.length ? `${formatCount(shown.length)} of ` : ''
  await terminal.out.write(`${rest}${counted(letters.length, 'dead letter')}\n`)
}
