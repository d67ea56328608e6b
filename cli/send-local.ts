import type { Dataset } from '#lake/dataset.ts'
import type { ObjectInfo, Uri } from '#lake/lake.ts'
import type { Sent } from '#lake/send.ts'
import { LOCAL_BUFFERING } from '#local/delivery.ts'
import type { Call } from './command.ts'
import { landingKey } from './landing-key.ts'
import { objectHistory, type VersionHistory } from './object-history.ts'
import { stepPrinter } from './step-printer.ts'
import { deliverAlone, FLUSH } from './stream-delivery.ts'
import { delivererOf, watcherOf } from './watcher-mark.ts'

/** What became of an object that the lake's own stream delivered. */
export interface DeliveredObject {
  readonly key: string
  readonly dataset: string | undefined
  readonly state: string
  readonly applied: number
  readonly quarantined: number
}

export interface Delivered {
  readonly objects: readonly DeliveredObject[]
  /** The process that delivers instead of this one. */
  readonly by: number | undefined
  readonly failed: boolean
}

export interface LocalDelivery {
  /** Delivers what is due by then: a pipe that never ends must not fill the disk. */
  afterCall(sent: Sent): Promise<void>
  /** Delivers the rest. undefined when another process is at it. */
  flush(): Promise<readonly ObjectInfo[] | undefined>
  /** What was delivered before the end. */
  readonly early: readonly ObjectInfo[]
  /** Runs the pipeline on what was delivered; true when something failed for good. */
  run(objects: readonly ObjectInfo[]): Promise<boolean>
}

/** The lake's own stream, as far as this process delivers from it: not while `sluice local` does. */
export function localDelivery(call: Call, datasets: readonly Dataset[]): LocalDelivery {
  const { lake, root } = call
  const early: ObjectInfo[] = []
  let lastBytes = 0
  let lastMs = lake.clock.nowMs()
  return {
    early,
    afterCall: async sent => {
      const nowMs = lake.clock.nowMs()
      const isDue = sent.bytes - lastBytes >= LOCAL_BUFFERING.bytesMax || nowMs - lastMs >= EARLY_MS
      if (!isDue || (await watcherOf(root)) !== undefined) return
      lastBytes = sent.bytes
      lastMs = nowMs
      early.push(...((await deliverAlone(call, datasets)) ?? []))
    },
    flush: async () => ((await watcherOf(root)) === undefined ? deliverAlone(call, datasets, FLUSH) : undefined),
    run: objects => runPipeline(call, datasets, objects),
  }
}

const EARLY_MS = 60_000
const LOOK_MS = 200
/** Another process that has not delivered anything for so long is not at it any more. */
const PROGRESS_MS_MAX = 60_000

/** Delivers what waits, through the pipeline into tables, or waits until whoever watches the lake has delivered it. */
export async function flushLocal(call: Call, local: LocalDelivery): Promise<Delivered> {
  let by: number | undefined
  let waiting: readonly Uri[] = []
  let sinceMs = call.lake.clock.nowMs()
  for (;;) {
    const objects = await local.flush()
    if (objects !== undefined) return delivered(call, local, [...local.early, ...objects])
    by = (await watcherOf(call.root)) ?? (await delivererOf(call.root)) ?? by
    const left = (await call.lake.stream.waiting()).map(({ uri }) => uri)
    if (left.length === 0) return { objects: [], by, failed: false }
    if (left[0] !== waiting[0]) sinceMs = call.lake.clock.nowMs()
    if (call.lake.clock.nowMs() - sinceMs > PROGRESS_MS_MAX) return { objects: [], by, failed: true }
    waiting = left
    await call.lake.clock.sleep(LOOK_MS)
  }
}

async function delivered(call: Call, local: LocalDelivery, objects: readonly ObjectInfo[]): Promise<Delivered> {
  const failed = objects.length > 0 && (await local.run(objects))
  const fates = await Promise.all(objects.map(object => fatesOf(call, object)))
  const all = fates.flat()
  const rows = (of: 'applied' | 'quarantined'): number => all.reduce((sum, each) => sum + each[of], 0)
  const isBad = all.some(each => each.state !== 'committed') || (rows('applied') === 0 && rows('quarantined') > 0)
  return { objects: all, by: undefined, failed: failed || isBad }
}

async function runPipeline(call: Call, datasets: readonly Dataset[], objects: readonly ObjectInfo[]): Promise<boolean> {
  const { terminal, options, lake } = call
  const steps = stepPrinter(lake, options.has('json') ? terminal.err : terminal.out)
  const { startLocal } = await import('#local/run.ts')
  const runner = startLocal(lake, datasets, { onStep: steps.onStep })
  runner.landed(objects)
  await runner.idle()
  await runner.close()
  await steps.flush()
  return steps.failures.length > 0
}

/** One for each dataset that has records in it: an object of errors may have several. */
async function fatesOf({ lake }: Call, object: ObjectInfo): Promise<readonly DeliveredObject[]> {
  const history = await objectHistory(lake, object.uri)
  const versions = history?.versions.filter(({ version }) => version === object.version) ?? []
  return versions.map(version => ({ key: landingKey(lake, object.uri), dataset: version.dataset, ...stateOf(version) }))
}

function stateOf({ fate }: VersionHistory): Pick<DeliveredObject, 'state' | 'applied' | 'quarantined'> {
  const refined = fate.kind === 'batched' ? fate.refined : fate.kind === 'duplicate' ? fate.first : undefined
  const outcome = refined?.kind === 'committed' ? refined.outcome : undefined
  return {
    state: refined?.kind ?? fate.kind,
    applied: outcome?.applied ?? 0,
    quarantined: outcome?.quarantined ?? 0,
  }
}
