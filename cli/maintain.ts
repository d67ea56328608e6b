import {
  type ExpireReport,
  expireSnapshots,
  type ManifestsReport,
  rewriteManifests,
} from '#functions/maintain/maintain.ts'
import { type StagingReport, type SweepReport, sweep, sweepStaging } from '#functions/sweep/sweep.ts'
import { type ErrorKind, isLakeError, type LakeError } from '#lake/errors.ts'
import { closest } from './closest.ts'
import type { Call, Command } from './command.ts'
import { openLakeTable } from './lake-table.ts'
import { printMaintenance, printStaging } from './maintain-printer.ts'
import { EXIT_FAILURE, usage } from './refusal.ts'
import { type StatusLine, statusLine } from './status-line.ts'
import { styleOf } from './style.ts'
import { formatCount } from './units.ts'

const STEPS = ['expire', 'manifests', 'sweep'] as const
type Step = (typeof STEPS)[number]

const HOURS_SAFE = 24

/** `sluice maintain`: what the schedule does to tables in the cloud. */
export const maintain: Command = {
  name: 'maintain',
  summary: 'expire old snapshots, merge manifests, delete files that nothing needs',
  takes: { text: '[TABLE]', min: 0, max: 1 },
  options: {
    'dry-run': { help: 'tell what would happen and change nothing' },
    only: { value: 'STEP', help: `one step alone: ${STEPS.join(', ')}` },
    'older-than': {
      value: 'HOURS',
      help: 'delete files that no snapshot needs when they are older than this; 72 when not given',
    },
    full: { help: 'cut no text' },
  },
  notes: [
    'Snapshots expire by the properties of their table: history.expire.max-snapshot-age-ms and history.expire.min-snapshots-to-keep, which come from the retention of the dataset. Branches and tags keep theirs.',
    'Files that only expired snapshots needed are deleted at once when they are old enough. A file that no snapshot needs yet may be about to be committed, so young ones stay.',
    'Without TABLE it looks after all tables, and empties staging of batches that were committed three weeks ago.',
  ],
  examples: [
    'sluice maintain flights --dry-run',
    'sluice maintain',
    'sluice maintain flights --only sweep --older-than 24',
  ],
  reads: true,
  run: async call => {
    const plan = planOf(call)
    const table = call.given[0]?.toLowerCase()
    const names = table === undefined ? await icebergTables(call) : [(await openLakeTable(call.lake, table)).name]
    await warnOfYoungFiles(call, plan)
    const done: Maintenance[] = []
    for (const name of names) {
      const one = await maintainTable(call, name, plan)
      done.push(one)
      if (!call.options.has('json')) await printMaintenance(call, one)
    }
    const isAll = table === undefined && plan.steps.includes('sweep')
    const staging = isAll ? await sweepStaging(call.lake, plan) : undefined
    if (call.options.has('json')) await printJson(call, { tables: done, staging })
    else if (staging !== undefined) await printStaging(call, staging)
    return done.every(isWell) ? undefined : EXIT_FAILURE
  },
}

export interface Maintenance {
  readonly table: string
  readonly dryRun: boolean
  readonly expire?: ExpireReport
  readonly manifests?: ManifestsReport
  readonly sweep?: SweepReport
  /** A step that fails keeps none of the others from being done. */
  readonly failures: readonly Failure[]
}

export interface Failure {
  readonly step: Step
  readonly kind: ErrorKind
  readonly message: string
  readonly next?: string
  /** The table is one that must not be touched, and nobody asked for it by name. */
  readonly leftAlone: boolean
}

const isWell = ({ failures, sweep: swept }: Maintenance): boolean =>
  failures.every(failure => failure.leftAlone) &&
  (swept === undefined || (swept.missing.files === 0 && swept.failed.files === 0))

interface Plan {
  readonly dryRun: boolean
  readonly steps: readonly Step[]
  readonly graceHours: number | undefined
}

function planOf({ options }: Call): Plan {
  const only = options.value('only')
  const step = STEPS.find(each => each === only)
  if (only !== undefined && step === undefined) {
    const near = closest(only, STEPS)[0]
    throw usage(`--only ${only}: there is no such step`, `give one of ${STEPS.join(', ')}${near ? `: ${near}?` : ''}`)
  }
  const hours = options.value('older-than')
  if (hours !== undefined && !(/^\d+$/.test(hours) && Number(hours) >= 1))
    throw usage(`--older-than ${hours}: not a number of hours`, 'give whole hours, 1 at the least: --older-than 72')
  return {
    dryRun: options.has('dry-run'),
    steps: step === undefined ? STEPS : [step],
    graceHours: hours === undefined ? undefined : Number(hours),
  }
}

async function icebergTables({ lake }: Call): Promise<readonly string[]> {
  const names: string[] = []
  for (const name of await lake.catalog.tables()) if ((await lake.catalog.load(name)) !== undefined) names.push(name)
  return names
}

async function warnOfYoungFiles({ terminal }: Call, { graceHours, steps, dryRun }: Plan): Promise<void> {
  if (graceHours === undefined || graceHours >= HOURS_SAFE || dryRun || !steps.includes('sweep')) return
  const style = styleOf(terminal.err)
  await terminal.err.write(
    `${style.yellow('warning:')} a commit under way may still name files of the last day: nothing else must write to the lake now\n`,
  )
}

async function maintainTable(call: Call, table: string, plan: Plan): Promise<Maintenance> {
  const status = statusLine(call.options.has('json') ? call.terminal.err : call.terminal.out)
  let done: Maintenance = { table, dryRun: plan.dryRun, failures: [] }
  for (const step of plan.steps)
    try {
      done = { ...done, ...(await runStep(call, { step, done, plan, status })) }
    } catch (error) {
      if (!isLakeError(error)) throw error
      done = { ...done, failures: [...done.failures, failureOf(call, step, error)] }
    }
  await status.clear()
  return done
}

function failureOf({ given }: Call, step: Step, { kind, message, context }: LakeError): Failure {
  const next = typeof context['next'] === 'string' ? { next: context['next'] } : {}
  return { step, kind, message, ...next, leftAlone: kind === 'unsupported' && given.length === 0 }
}

interface StepWork {
  readonly step: Step
  readonly done: Maintenance
  readonly plan: Plan
  readonly status: StatusLine
}

async function runStep({ lake }: Call, { step, done, plan, status }: StepWork): Promise<Partial<Maintenance>> {
  const { table } = done
  const { dryRun, graceHours } = plan
  switch (step) {
    case 'expire':
      status.show(`${table}: expiring snapshots …`)
      return { expire: await expireSnapshots(lake, { table, dryRun }) }
    case 'manifests':
      status.show(`${table}: looking at manifests …`)
      return { manifests: await rewriteManifests(lake, { table, dryRun }) }
    case 'sweep': {
      status.show(`${table}: looking up what is needed …`)
      const without = done.expire?.expired.map(snapshot => snapshot.id) ?? []
      const request = { table, dryRun, without, ...(graceHours === undefined ? {} : { graceHours }) }
      const onProgress = ({ doing, files }: { readonly doing: 'list' | 'delete'; readonly files: number }): void =>
        status.show(`${table}: ${formatCount(files)} files ${doing === 'list' ? 'listed' : 'deleted'} …`)
      return { sweep: await sweep(lake, request, { graceHoursMin: 1, onProgress }) }
    }
  }
}

async function printJson(
  { terminal }: Call,
  report: { readonly tables: readonly Maintenance[]; readonly staging: StagingReport | undefined },
): Promise<void> {
  await terminal.out.write(`${JSON.stringify(report, null, 2)}\n`)
}
