import type { ReleaseReport } from '#functions/release/release.ts'
import type { Publish } from '#lake/dataset.ts'
import type { Call } from './command.ts'
import { styleOf } from './style.ts'
import type { Output } from './terminal.ts'
import { printable } from './text-width.ts'
import { counted, formatCount } from './units.ts'

/** What became of the records that were selected. */
export interface Settled extends ReleaseReport {
  readonly mode: Publish['mode']
  readonly applied: number
  readonly refused: number
  readonly superseded: number
  readonly suppressed: number
  /** Records that somebody else released, dropped or replayed meanwhile. */
  readonly gone: number
  /** Of those that were refused again. */
  readonly reasons: readonly (readonly [reason: string, count: number])[]
  readonly halted: readonly { readonly batch: string; readonly reason: string }[]
  /** Batches whose execution failed, with the cause. */
  readonly failed: readonly { readonly batch: string; readonly reason: string }[]
}

/** Whether all that was selected found its way out. */
export const isWell = ({ refused, halted, failed }: Settled): boolean =>
  refused === 0 && halted.length === 0 && failed.length === 0

export function settledDocument({ reasons, batches, mode: _, ...settled }: Settled): unknown {
  return { ...settled, reasons: Object.fromEntries(reasons), batches }
}

export async function printPlan({ terminal, options }: Call, plan: ReleaseReport): Promise<void> {
  const { action, records, objects, busy, dataset } = plan
  if (options.has('json')) {
    await terminal.out.write(`${JSON.stringify(plan, null, 2)}\n`)
    return
  }
  const what = `${counted(records, 'record')} of ${counted(objects, 'object')}`
  const would = action === 'release' ? 'would be judged again' : 'would be dropped'
  const text = records === 0 ? `Nothing in the quarantine of ${dataset} is like that.` : `${what} ${would}.`
  await terminal.out.write(`${text}\n${busyLine(busy)}`)
}

const busyLine = (busy: number): string =>
  busy === 0 ? '' : `${counted(busy, 'record')} left alone: the batch that put them there is not published yet.\n`

const REASONS_MAX = 5

export async function printSettled(output: Output, settled: Settled): Promise<void> {
  const style = styleOf(output)
  const { action, dataset, mode, applied, refused, superseded, suppressed, gone, reasons, halted, failed, busy } =
    settled
  const mark = isWell(settled) ? style.green('✓') : style.yellow('!')
  const parts =
    action === 'drop'
      ? [`${counted(suppressed, 'record')} dropped; the raw files stay, and a replay leaves them out`]
      : [
          `${counted(applied, 'record')} released`,
          ...(refused > 0 ? [`${formatCount(refused)} still refused`] : []),
          ...(superseded > 0
            ? [
                `${formatCount(superseded)} superseded by ${mode === 'append' ? 'a row with the same key' : 'a newer extract'}`,
              ]
            : []),
          ...(suppressed > 0 ? [`${formatCount(suppressed)} left out, because they were dropped before`] : []),
        ]
  const named = reasons
    .slice(0, REASONS_MAX)
    .map(([reason, count]) => `  ${printable(reason)}  ${formatCount(count)}\n`)
  const more = reasons.length > REASONS_MAX ? `  and ${formatCount(reasons.length - REASONS_MAX)} more reasons\n` : ''
  const halts = halted.map(
    ({ reason }) => `  ${style.red('halted')}: ${printable(reason)}; its records stay in quarantine\n`,
  )
  const fails = failed.map(
    ({ batch, reason }) =>
      `  ${style.red('failed')}: batch ${batch}: ${printable(reason)}; its records stay in quarantine\n`,
  )
  const lost =
    gone > 0 ? `  ${formatCount(gone)} were not there any more: released, dropped or replayed meanwhile\n` : ''
  await output.write(
    `${mark} ${dataset}: ${parts.join(', ')}\n${named.join('')}${more}${halts.join('')}${fails.join('')}${lost}${busyLine(busy)}`,
  )
}
