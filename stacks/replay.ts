import { datasets } from '../datasets/index.ts'
import { replay as replayDefinition } from '../workflows/replay.ts'
import { reconciliationSchedules } from '../workflows/rules.ts'
import { athenaTargets, useAthena } from './athena.ts'
import { type LakeResources, lakeFunction } from './function.ts'
import type { Ingest } from './ingest.ts'
import { invokeBySchedule, stateMachine } from './machine.ts'
import {
  commitTables,
  invokeFunctions,
  listVersions,
  putEvents,
  readZone,
  runChildren,
  sendMessages,
  startExecutions,
  writeZone,
} from './permissions.ts'
import { atOnce } from './plan.ts'
import { deadLetterQueue, queuePolicy } from './queue.ts'
import type { Refine } from './refine.ts'
import { machineArn } from './stage.ts'

export type Replay = ReturnType<typeof replay>

export interface ReplayParts {
  readonly ingest: Ingest
  readonly refine: Refine
  readonly schedules: aws.scheduler.ScheduleGroup
}

/**
 * The state machine of `workflows/replay.ts`, which nothing starts but people and reconciliation; and a schedule → the same function, which
 * compares landing and every dataset's raw objects with what accounts for them.
 */
export function replay(resources: LakeResources, { ingest, refine, schedules: group }: ReplayParts) {
  const deadLetters = deadLetterQueue('ReplayDeadLetters')
  const fn = replayFunction(resources, { ingest, deadLetters })
  const machine = replayMachine(resources, { fn, refine })
  const schedules = reconciliationSchedules(datasets.map(({ name }) => name))
  invokeBySchedule('ReconcileSchedule', { function: fn, deadLetters, group, schedules })
  queuePolicy('ReplayDeadLetters', deadLetters, { rules: [] })
  return { function: fn, machine, deadLetters }
}

interface Senders {
  readonly ingest: Ingest
  readonly deadLetters: sst.aws.Queue
}

/** Lists and compares; of data it reads the heads of raw objects alone. It may make a table to rebuild into, and tells `ingest` what it missed. */
function replayFunction(resources: LakeResources, { ingest, deadLetters }: Senders): sst.aws.Function {
  const { landing, raw, staging, tables, ops } = resources.storage
  const names = { SLUICE_MACHINE_REPLAY: machineArn('replay'), SLUICE_QUEUE_INGEST: ingest.queue.url }
  return lakeFunction('replay', { ...resources, names }, [
    ...readZone(landing),
    listVersions(landing),
    ...readZone(raw),
    ...readZone(staging, '*/verdict.json'),
    ...readZone(tables, '*/metadata/*'),
    ...writeZone(tables, '*/metadata/*'),
    ...readZone(ops),
    ...writeZone(ops),
    ...commitTables(resources.catalog),
    putEvents(resources.bus),
    sendMessages(ingest.queue),
    sendMessages(deadLetters),
    startExecutions(machineArn('replay')),
  ])
}

interface Steps {
  readonly fn: sst.aws.Function
  readonly refine: Refine
}

function replayMachine({ storage, bus, catalog }: LakeResources, { fn, refine }: Steps): aws.sfn.StateMachine {
  const functions = [fn, refine.quality, refine.cdcApply, refine.publish]
  const definition = $resolve({
    replay: fn.arn,
    quality: refine.quality.arn,
    cdcApply: refine.cdcApply.arn,
    publish: refine.publish.arn,
    bus: bus.name,
    staging: storage.staging.uri,
    opsBucket: storage.ops.bucket.name,
    batchesAtOnce: atOnce.replayedBatches,
    athena: athenaTargets({ storage, catalog }, refine.workGroup),
  }).apply(replayDefinition)
  return stateMachine('ReplayMachine', {
    name: 'replay',
    definition,
    permissions: [
      invokeFunctions(functions),
      putEvents(bus),
      // The list of batches, and what the map writes of them.
      ...readZone(storage.ops, 'replays/*'),
      ...writeZone(storage.ops, 'replays/*'),
      ...runChildren('replay'),
      ...useAthena({ storage, catalog }, refine.workGroup),
    ],
  })
}
