import type { QuarantinedRecord, QuarantineGroup } from '#lake/quarantine/look.ts'
import { styleOf } from './style.ts'
import { printTable, type TableRow } from './table-printer.ts'
import type { Output } from './terminal.ts'
import { cutText, printable } from './text-width.ts'
import { counted, formatBytes, formatCount, formatTime, isoTime } from './units.ts'

export async function printGroups(
  output: Output,
  { groups, more }: { readonly groups: readonly QuarantineGroup[]; readonly more: number },
  options: { readonly full: boolean },
): Promise<void> {
  const columns = [
    { name: 'dataset', whole: true },
    { name: 'records', numeric: true },
    { name: 'stage', whole: true },
    { name: 'reason' },
    { name: 'landed', whole: true },
    { name: 'example' },
  ]
  await printTable(output, { columns, rows: groups.map(rowOf) }, options)
  if (more > 0)
    await output.write(`${styleOf(output).dim(`and ${counted(more, 'more reason')}; --limit shows more`)}\n`)
}

const rowOf = (group: QuarantineGroup): TableRow => [
  group.dataset,
  formatCount(group.records),
  group.stage,
  group.reason,
  landedOf(group),
  exampleOf(group),
]

/** A time when all landed at once, days otherwise. */
function landedOf({ firstMs, lastMs }: QuarantineGroup): string {
  const [first, last] = [formatTime(firstMs), formatTime(lastMs)]
  if (first === last) return first
  const [firstDay, lastDay] = [first.slice(0, 10), last.slice(0, 10)]
  return firstDay === lastDay ? firstDay : `${firstDay} … ${lastDay}`
}

/** What was said of a rule begins with the rule, which is the reason already. */
function exampleOf({ reason, example }: QuarantineGroup): string {
  const rule = reason.startsWith('rule:') ? `${reason.slice('rule:'.length)}: ` : ''
  return rule !== '' && example.startsWith(rule) ? example.slice(rule.length) : example
}

export const groupDocument = ({ firstMs, lastMs, ...group }: QuarantineGroup): unknown => ({
  ...group,
  firstLanded: isoTime(firstMs),
  lastLanded: isoTime(lastMs),
})

/** A record in three lines: where it stands, why it was refused, and what it is. */
export function describeRecord(output: Output, each: QuarantinedRecord): string {
  const style = styleOf(output)
  const width = (output.columns ?? Number.POSITIVE_INFINITY) - 2
  const { source, record, byteOffset, byteLength, batch } = each
  const place = record === 0 ? 'the whole file' : `record ${formatCount(record)}, byte ${formatCount(byteOffset)}`
  const facts = style.dim(`${place}, ${formatBytes(byteLength)}, batch ${batch}`)
  const lines = [
    `${style.bold(printable(source))}  ${facts}`,
    `  ${style.yellow(printable(each.reason))}  ${cutText(printable(each.message), Math.max(20, width - each.reason.length - 2))}`,
    ...(each.raw === undefined ? [] : [`  ${cutText(rawText(each), width)}`]),
  ]
  return `${lines.join('\n')}\n`
}

/** Text where the bytes are UTF-8, and hexadecimal digits where not. */
function rawText({ raw, byteLength }: QuarantinedRecord): string {
  const bytes = raw ?? Buffer.alloc(0)
  const text = utf8(bytes)
  const more = byteLength > bytes.length ? '…' : ''
  return text === undefined ? `0x${bytes.toString('hex')}${more}` : `${printable(text)}${more}`
}

/** undefined when the bytes are no text. A character that was cut at the end is left out. */
function utf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
  } catch {
    return undefined
  }
}

export function recordDocument({ raw, landedMs, ...record }: QuarantinedRecord): unknown {
  const text = raw === undefined ? undefined : utf8(raw)
  const bytes =
    raw === undefined ? { raw: null } : text === undefined ? { rawBase64: raw.toString('base64') } : { raw: text }
  return { ...record, landed: isoTime(landedMs), ...bytes }
}
