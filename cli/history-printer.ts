import type { ChangeCounts, ObjectOutcome } from '#lake/batch.ts'
import { quarantineTableName } from '#lake/dataset.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import { landingKey } from './landing-key.ts'
import type { Fate, ObjectHistory, VersionHistory } from './object-history.ts'
import type { HoldingBatch, Refined, Settled } from './refined-object.ts'
import { type Style, styleOf } from './style.ts'
import type { Output } from './terminal.ts'
import { printable } from './text-width.ts'
import { counted, formatBytes, formatCount, formatTime } from './units.ts'

/** Prints what became of an object, version by version. */
export async function printHistory(lake: Lake, output: Output, history: ObjectHistory): Promise<void> {
  const style = styleOf(output)
  const count = history.versions.length
  const versions = count === 1 ? '' : style.dim(`  ${count} versions landed`)
  const title = `${style.bold(printable(landingKey(lake, history.uri)))}${versions}\n`
  const paragraphs = history.versions.map(version => describeVersion(lake, version, style))
  await output.write(title + paragraphs.join(count > 1 ? '\n' : ''))
}

type Line = readonly [label: string, text: string]

function describeVersion(lake: Lake, version: VersionHistory, style: Style): string {
  const { dataset, landedMs, fate } = version
  const lines: readonly Line[] = [
    ['landed', `${formatTime(landedMs)}${dataset === undefined ? '' : `, dataset ${dataset}`}`],
    ['state', stateOf(fate, style)],
    ...fateLines(lake, fate),
  ]
  return lines.map(([label, text]) => `  ${style.dim(label.padEnd(10))}  ${text}\n`).join('')
}

function stateOf(fate: Fate, style: Style): string {
  switch (fate.kind) {
    case 'waiting':
      return `${style.yellow('waiting')}: in landing, not ingested yet`
    case 'ignored':
      return `${style.yellow('ignored')}: ${fate.reason}, which is no data`
    case 'rejected':
      return `${style.red('rejected')}: ${fate.reason}`
    case 'duplicate':
      return `${style.yellow('duplicate')}: the same bytes under the same key as ${fate.of}, so its rows are not taken again`
    case 'batched':
      return refinedState(fate.refined, style)
  }
}

function refinedState(refined: Refined, style: Style): string {
  switch (refined.kind) {
    case 'landed':
      return `${style.yellow('landed')}: in raw, not staged yet`
    case 'staged':
      return `${style.yellow('staged')}: decoded and judged, not committed yet`
    case 'halted':
      return `${style.red('halted')}: ${printable(refined.reason)}; nothing of the batch is in the table`
    case 'committed':
      return `${style.green('committed')} ${formatTime(refined.committedMs)}`
  }
}

function fateLines(lake: Lake, fate: Fate): readonly Line[] {
  switch (fate.kind) {
    case 'waiting':
      return [['next', 'run `sluice local`, which takes up everything that waits']]
    case 'ignored':
      return []
    case 'rejected':
      return [['why', printable(fate.message)]]
    case 'duplicate':
      return [['raw', rawKey(lake, fate.rawUri)], ...(fate.first === undefined ? [] : refinedLines(fate.first))]
    case 'batched': {
      const size = fate.bytes === undefined ? '' : `, ${formatBytes(fate.bytes)}`
      return [['raw', `${rawKey(lake, fate.rawUri)}${size}`], ...refinedLines(fate.refined)]
    }
  }
}

function rawKey(lake: Lake, uri: Uri): string {
  return uri.startsWith(`${lake.zones.raw}/`) ? `raw/${uri.slice(lake.zones.raw.length + 1)}` : uri
}

function refinedLines(refined: Refined): readonly Line[] {
  const batches = batchLines(refined)
  if (refined.kind === 'landed') return batches
  if (refined.kind === 'halted')
    return [...batches, ...judgedLines(refined.outcome, 'but for the halt', 'would have been')]
  if (refined.kind === 'staged') return [...batches, ...judgedLines(refined.outcome, 'once it is committed', 'will be')]
  const rows = refined.outcome === undefined ? [] : outcomeLines(refined.outcome, refined.since)
  const { table, snapshot, quarantineSnapshot } = refined
  const quarantine: readonly Line[] =
    quarantineSnapshot === undefined ? [] : [['', `${quarantineSnapshot} of ${quarantineTableName({ name: table })}`]]
  const changes = refined.changes === undefined ? [] : [changeLine(refined.changes)]
  return [...batches, ...rows, ...changes, ['snapshot', `${snapshot} of ${table}`], ...quarantine]
}

/** Of the whole batch: which of its objects a record came from does not matter to the fold. */
function changeLine({ received, deadLetters, ...counts }: ChangeCounts): Line {
  const named = [
    ['applied', counts.applied],
    ['superseded', counts.superseded],
    ['stale', counts.stale],
    ['duplicate', counts.duplicate],
    ['skipped', counts.skipped],
    ['refused', deadLetters],
    ['patched', counts.patched],
    ['unresolved', counts.unresolved],
  ] as const
  const some = named.filter(([name, count]) => name === 'applied' || count > 0)
  const list = some.map(([name, count]) => `${formatCount(count)} ${name}`).join(', ')
  return ['changes', `${counted(received, 'record')} in the batch: ${list}`]
}

/** One id as a rule; where a replay took the object again each batch with where it is from and how far it is. */
function batchLines({ batch, batches }: Refined): readonly Line[] {
  if (batches.length === 0) return [['batch', batch]]
  return batches.map((each, at): Line => [at === 0 ? 'batches' : '', `${each.batch}  ${holdingText(each)}`])
}

function holdingText({ replay, into, state, committedMs }: HoldingBatch): string {
  const from =
    replay === undefined ? 'first' : `replay ${printable(replay)}${into === undefined ? '' : ` into ${into}`}`
  return `${from}, ${state}${committedMs === undefined ? '' : ` ${formatTime(committedMs)}`}`
}

/** What the verdict said comes after what is: nothing of a batch without a commit is in the table, nor in quarantine. */
function judgedLines(verdict: ObjectOutcome | undefined, when: string, mood: string): readonly Line[] {
  if (verdict === undefined) return []
  const { read, applied, quarantined } = verdict
  const judged = `${formatCount(applied)} ${mood} applied, ${formatCount(quarantined)} quarantined`
  const reasons = reasonsText(verdict)
  return [
    ['rows', `${counted(read, 'row')} read: 0 applied; ${when} ${judged}`],
    ...(reasons === '' ? [] : [['reasons', reasons] as const]),
  ]
}

/** The reasons that are named; the rest is in the quarantine table. */
const REASONS_MAX = 5

function outcomeLines(outcome: ObjectOutcome, since: readonly Settled[]): readonly Line[] {
  const { read, applied, quarantined, superseded, suppressed = 0 } = outcome
  const counts = [
    `${formatCount(applied)} applied`,
    `${formatCount(quarantined)} quarantined`,
    ...(superseded === 0 ? [] : [`${formatCount(superseded)} superseded`]),
    ...(suppressed === 0 ? [] : [`${formatCount(suppressed)} suppressed`]),
  ]
  const label = since.length === 0 ? 'reasons' : 'at first'
  const reasons = reasonsText(outcome)
  return [
    ['rows', `${counted(read, 'row')} read: ${counts.join(', ')}`],
    ...(reasons === '' ? [] : [[label, reasons] as const]),
    ...since.map((each, at): Line => [at === 0 ? 'since' : '', settledLine(each)]),
  ]
}

function reasonsText({ reasons }: ObjectOutcome): string {
  const sorted = Object.entries(reasons).toSorted(([, a], [, b]) => b - a)
  const named = sorted.slice(0, REASONS_MAX).map(([reason, count]) => `${printable(reason)} ${formatCount(count)}`)
  const more = sorted.length > REASONS_MAX ? [`${sorted.length - REASONS_MAX} more`] : []
  return [...named, ...more].join(', ')
}

function settledLine({ action, committedMs, taken, outcome, reason }: Settled): string {
  const when = formatTime(committedMs)
  const why = reason === undefined ? '' : `: ${printable(reason)}`
  if (action === 'drop') return `${when}  ${counted(taken, 'record')} dropped${why}`
  const { applied, quarantined, superseded, suppressed = 0 } = outcome
  const counts = [
    `${formatCount(applied)} applied`,
    ...(quarantined === 0 ? [] : [`${formatCount(quarantined)} refused again`]),
    ...(superseded === 0 ? [] : [`${formatCount(superseded)} superseded`]),
    ...(suppressed === 0 ? [] : [`${formatCount(suppressed)} suppressed`]),
  ]
  return `${when}  ${counted(taken, 'record')} judged again: ${counts.join(', ')}`
}
