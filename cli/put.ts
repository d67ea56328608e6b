import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Dataset } from '#lake/dataset.ts'
import { sha256File } from '#lake/file-hash.ts'
import type { ObjectInfo } from '#lake/lake.ts'
import type { Call, Command } from './command.ts'
import { historyDocument } from './history-document.ts'
import { printHistory } from './history-printer.ts'
import { landingUri } from './landing-key.ts'
import { type ObjectHistory, objectHistory, type VersionHistory } from './object-history.ts'
import { type PlannedPut, planPut } from './put-plan.ts'
import { EXIT_FAILURE, refusal } from './refusal.ts'
import { stepPrinter } from './step-printer.ts'
import { styleOf } from './style.ts'
import { formatBytes } from './units.ts'
import { watcherOf } from './watcher-mark.ts'

/** `sluice put`: files into landing, and through the pipeline. */
export const put: Command = {
  name: 'put',
  summary: 'copy files into landing and run the pipeline on them',
  takes: { text: 'FILE…', min: 1, max: 1_000 },
  options: {
    dataset: { value: 'NAME', help: 'the dataset that the files are for' },
    as: { value: 'KEY', help: 'the landing key of a single file, when its name will not do' },
  },
  notes: [
    'Prints what became of every file. The exit code is 1 when one was rejected, halted or not committed, or when none of its records was good; some in quarantine are no failure.',
    'While `sluice local` watches the lake, it does the work and put waits.',
  ],
  examples: ['sluice put flights-3m.parquet --dataset flights', 'sluice put export.txt --as birdstrikes/2026-05.csv'],
  reads: false,
  run: async call => {
    const planned = planPut(await call.datasets(), {
      files: call.given,
      dataset: call.options.value('dataset'),
      as: call.options.value('as'),
    })
    for (const each of planned) await checkFile(call, each.file)
    const objects: ObjectInfo[] = []
    for (const each of planned) objects.push(await copyToLanding(call, each))
    const left = await leftByWatcher(call, objects)
    const failed = left.length > 0 && (await runPipeline(call, left))
    return (await report(call, objects)) && !failed ? undefined : EXIT_FAILURE
  },
}

async function checkFile({ terminal }: Call, file: string): Promise<void> {
  const found = await stat(resolve(terminal.cwd, file)).catch(() => undefined)
  if (found === undefined) throw refusal('not-found', `there is no file ${file}`, 'check the path; nothing was copied')
  if (!found.isFile())
    throw refusal('unsupported', `${file} is no file`, 'give the files themselves: sluice put folder/*')
  if (found.size === 0)
    throw refusal('unsupported', `${file} is empty`, 'ingest ignores empty objects; nothing was copied')
}

/** Steps go where they do not mix with JSON. */
const stepsOf = ({ options, terminal }: Call): Call['terminal']['out'] =>
  options.has('json') ? terminal.err : terminal.out

async function copyToLanding(call: Call, { file, key, dataset }: PlannedPut): Promise<ObjectInfo> {
  const path = resolve(call.terminal.cwd, file)
  const object = await call.lake.storage.upload(path, landingUri(call.lake, key), { sha256: await sha256File(path) })
  const out = stepsOf(call)
  const style = styleOf(out)
  await out.write(`${file} → landing/${key}, ${formatBytes(object.bytes)}, ${style.bold(dataset.name)}\n`)
  return object
}

/** True when something failed for good. */
async function runPipeline(call: Call, objects: readonly ObjectInfo[]): Promise<boolean> {
  const steps = stepPrinter(call.lake, stepsOf(call))
  const { startLocal } = await import('#local/run.ts')
  const runner = startLocal(call.lake, await call.datasets(), { onStep: steps.onStep })
  runner.landed(objects)
  await runner.idle()
  await runner.close()
  await steps.flush()
  return steps.failures.length > 0
}

const LOOK_MS = 200
/** A watcher that has not taken an object up by then is not doing its work. */
const TAKEN_UP_MS_MAX = 15_000
/** One batch may take minutes; without any progress for this long, waiting on makes no sense. */
const PROGRESS_MS_MAX = 600_000

/** Waits while another process runs the pipeline. Returns the objects that it did not take up. */
async function leftByWatcher(call: Call, objects: readonly ObjectInfo[]): Promise<readonly ObjectInfo[]> {
  const { lake, root } = call
  const watcher = await watcherOf(root)
  if (watcher === undefined) return objects
  await stepsOf(call).write(`\`sluice local\`, process ${watcher}, takes it from here.\n`)
  let since = lake.clock.nowMs()
  let before = ''
  for (;;) {
    const versions = await Promise.all(objects.map(object => currentVersion(call, object)))
    const waiting = objects.filter((_object, at) => (versions[at]?.fate.kind ?? 'waiting') === 'waiting')
    if (versions.every(isSettled)) return []
    const now = JSON.stringify(versions.map(version => version?.fate))
    if (now !== before) since = lake.clock.nowMs()
    before = now
    const idleMs = lake.clock.nowMs() - since
    const isGone = (await watcherOf(root)) !== watcher
    if (isGone || idleMs > PROGRESS_MS_MAX) return objects.filter((_object, at) => !isSettled(versions[at]))
    if (waiting.length > 0 && idleMs > TAKEN_UP_MS_MAX) return waiting
    await lake.clock.sleep(LOOK_MS)
  }
}

async function currentVersion(
  { lake }: Call,
  object: ObjectInfo,
  datasets?: readonly Dataset[],
): Promise<VersionHistory | undefined> {
  const history = await objectHistory(lake, object.uri, datasets)
  return history?.versions.find(version => version.version === object.version)
}

/** Nothing more will happen to it by itself. */
function isSettled(version: VersionHistory | undefined): boolean {
  if (version === undefined) return false
  const { fate } = version
  if (fate.kind === 'waiting') return false
  const refined = fate.kind === 'batched' ? fate.refined : fate.kind === 'duplicate' ? fate.first : undefined
  return refined === undefined || refined.kind === 'committed' || refined.kind === 'halted'
}

/** Some of its records are in the table, or were until a newer extract came, or none of them was refused. */
function isTaken({ fate }: VersionHistory): boolean {
  const refined = fate.kind === 'batched' ? fate.refined : fate.kind === 'duplicate' ? fate.first : undefined
  if (refined?.kind !== 'committed') return false
  const { applied, quarantined, superseded } = refined.outcome ?? { applied: 0, quarantined: 0, superseded: 0 }
  return applied + superseded > 0 || quarantined === 0
}

/** Prints what became of each object in the version that was put; false when one of them is not in its table. */
async function report(call: Call, objects: readonly ObjectInfo[]): Promise<boolean> {
  const { lake, terminal, options } = call
  const datasets = await call.datasets()
  const histories: ObjectHistory[] = []
  for (const object of objects) {
    const version = await currentVersion(call, object, datasets)
    histories.push({ uri: object.uri, versions: version === undefined ? [] : [version] })
  }
  if (options.has('json')) {
    const documents = histories.map(history => historyDocument(lake, history))
    await terminal.out.write(`${JSON.stringify(documents, null, 2)}\n`)
  } else
    for (const history of histories) {
      await terminal.out.write('\n')
      await printHistory(lake, terminal.out, history)
    }
  return histories.every(({ versions }) => versions.length > 0 && versions.every(isTaken))
}
